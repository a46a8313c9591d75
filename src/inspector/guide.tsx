import { Header } from './header.tsx'

/**
 * The short guide; docs/reading-traces.md is the longer one, with pictures. `chip`: does this visitor see the chip;
 * undefined if the inspector is off.
 */
export const Guide = ({ chip }: { chip: boolean | undefined }) => (
  <>
    <Header
      at='/traces/guide'
      title='Reading traces'
      words='Everything here is what OpenTelemetry recorded in this process, nothing else.'
    />
    <div class='prose'>
      <h2>The chip</h2>
      <p>
        The chip in the corner of every page shows what that page cost: time, queries, trace. Open
        it, or press <kbd>w</kbd>, to see the waterfall, and the requests that the page has sent
        since: likes, the next posts, a search. Its dot is amber for a page that took 100 ms or
        more, and red if the server failed.
      </p>
      {chip !== undefined && (
        <form method='post' action='/chip'>
          <button class='btn quiet' name='chip' value={chip ? 'off' : 'on'}>
            {chip ? 'Hide the chip' : 'Show the chip'}
          </button>
        </form>
      )}
      <h2>A trace</h2>
      <p>
        Each request has a trace. The first line is the request, below it are the middleware, the
        handler, its queries and the rendering of the answer. A bar shows when a line ran and for
        how long: solid is its own time, pale the time of the lines below it. The underline is the
        critical path: only work on it makes the request slower. Open a line to see its SQL, its
        plan and its log.
      </p>
      <h2>What to look for</h2>
      <ul>
        <li>The same query many times: one query could replace them all (the N+1 problem).</li>
        <li>
          A query that reads many rows and returns few: its plan says SCAN where it should say
          SEARCH.
        </li>
        <li>
          A wait: a place in a queue, or the write lock. A wait of a millisecond or more has a line;
          what was refused after a wait says so there.
        </li>
      </ul>
      <h2>Lists</h2>
      <p>
        <b>Traces</b> are the newest requests; the filters are in the address, so a filtered list
        can be shared. The bars have a logarithmic scale: a sixth longer means ten times as long.{' '}
        <b>Routes</b> and <b>Queries</b> add up all requests since the start. p95 of 3 ms means: 95
        of 100 took less than that. <kbd>j</kbd> and <kbd>k</kbd> move through a list,{' '}
        <kbd>Enter</kbd> opens.
      </p>
    </div>
  </>
)

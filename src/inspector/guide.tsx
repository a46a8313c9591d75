import { Header } from './header.tsx'

/** The short guide; docs/reading-traces.md is the longer one, with pictures. `chip`: this visitor sees it; undefined: nobody does. */
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
        In the corner of every page stands what that page cost: time, queries, trace. Open it, or
        press <kbd>t</kbd>, to see the waterfall, and what the page has asked for since: likes, the
        next posts, a search. Its dot is amber for a page that took 100 ms or more, and red when the
        server failed.
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
        One request is one trace. Its first line is the request, under it the handler, under that
        the queries. The bar shows when it ran and how long: solid where it was busy itself, mostly
        rendering, and pale where a line below it ran. The line under the bars is the critical path:
        only what is on it makes the whole slower. Open a line for its SQL, its plan and its log.
      </p>
      <h2>What to look for</h2>
      <ul>
        <li>The same query many times: one query for all of them would do (the N+1 problem).</li>
        <li>
          A query that reads many rows and returns few: its plan says SCAN where it should say
          SEARCH.
        </li>
        <li>
          A long solid stretch with nothing below it: waiting for a turn to write, or for a password
          to be checked.
        </li>
      </ul>
      <h2>Lists</h2>
      <p>
        <b>Traces</b> are the newest requests; every filter is in the address, so it can be shared.
        Each tenfold is a quarter of a bar. <b>Routes</b> and <b>Queries</b> add up what happened
        since the start. p95 of 3 ms means: 95 of 100 took less than that. <kbd>j</kbd> and{' '}
        <kbd>k</kbd> walk through a list, <kbd>Enter</kbd> opens.
      </p>
    </div>
  </>
)

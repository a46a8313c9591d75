// /traces: the newest requests.
import { raw } from 'hono/html'

import { counted, fullTime } from '../base/format.ts'
import type { ExportState } from '../trace-store/export-state.ts'
import type { RecordedRequest } from '../trace-store/recorded.ts'
import { recorderBounds } from '../trace-store/recorder.ts'
import type { Bucket } from '../trace-store/statistics.ts'
import { shortMs } from '../ui/chip.tsx'
import { Charts } from './chart.tsx'
import { Column } from './column.tsx'
import { ExportLine } from './export-line.tsx'
import { Filters, searchOf } from './filters.tsx'
import { Header } from './header.tsx'
import { inOrder, matcher, type Filter, type MatchContext } from './matching.ts'

const shownAtOnce = 20

/** The title of a request: its method and route. */
export const titleOf = ({ name, method, route }: RecordedRequest): string =>
  route.startsWith('(') ? `${method} ${route}` : name

// A logarithmic scale from 0.1 ms to 100 s: 2 ms and 20 ms differ beside a login of 200 ms, and that from one of 4.5 s.
const logShare = (ms: number) => Math.min(100, Math.max(1, (100 / 6) * Math.log10(ms / 0.1)))

const rendered = new WeakMap<RecordedRequest, string>()

/** One request in the list. The HTML is cached for all lists and live tails that show it. */
export function RequestRow({ request }: { request: RecordedRequest }) {
  const html = rendered.get(request) ?? (<Row request={request} />).toString()
  rendered.set(request, html)
  return raw(html)
}

const Row = ({ request }: { request: RecordedRequest }) => (
  <tr class={request.failed ? 'failed' : undefined}>
    <td class='time'>
      <Clock at={request.at} />
    </td>
    <td>
      <a href={`/traces/${request.traceId}`}>{titleOf(request)}</a>
    </td>
    <td class='kind'>{request.kind}</td>
    <td>
      <Status of={request} />
    </td>
    <td class='number'>{request.queries}</td>
    <td class='number'>{shortMs(request.ms)}</td>
    <td class='sampled'>{request.sampled ? 'yes' : 'no'}</td>
    <td class='bar'>
      <svg aria-hidden='true'>
        <rect width={`${logShare(request.ms).toFixed(1)}%`} height='100%' />
      </svg>
    </td>
  </tr>
)

/** The time of day in UTC; `datetime` contains the date, too. */
export const Clock = ({ at }: { at: number }) => {
  const iso = new Date(at).toISOString()
  return (
    <time datetime={iso} title={fullTime(at)}>
      {iso.slice(11, 23)}
    </time>
  )
}

/** Date and time. */
export const Moment = ({ at }: { at: number }) => {
  const iso = new Date(at).toISOString()
  return <time datetime={iso}>{iso.replace('T', ' ').replace('Z', ' UTC')}</time>
}

export const Status = ({ of }: { of: RecordedRequest }) => (
  <span
    class={of.failed ? 'status bad' : of.status >= 400 ? 'status warn' : 'status'}
    title={of.code}
  >
    {of.status || (of.failed ? 'failed' : 'done')}
  </span>
)

type ListProps = {
  requests: readonly RecordedRequest[]
  filter: Filter
  series: readonly Bucket[]
  match: MatchContext
  exports: readonly ExportState[]
  /** May this visitor empty the recorder? */
  mayClear: boolean
}

export const TraceList = ({ requests, filter, series, exports, match, mayClear }: ListProps) => (
  <>
    <Header
      at='/traces'
      title='Traces'
      words='Every line is one request to this very process: what it was, what it answered and what it cost.'
    />
    <Charts series={series} />
    <ExportLine states={exports} />
    <Filters filter={filter} />
    <Found requests={requests} filter={filter} match={match} />
    {mayClear && <ClearForm />}
  </>
)

const ClearForm = () => (
  <form
    class='clear'
    method='post'
    action='/traces/clear'
    hx-post='/traces/clear'
    hx-confirm='Delete all recorded traces, log lines and statistics of this process? The posts stay.'
  >
    <button class='btn quiet'>Clear all records</button>
  </form>
)

/** The place of the first request to show: after the one with the number `before`. */
function startOf(passing: RecordedRequest[], { before, sort }: Filter): number {
  if (before === undefined) return 0
  if (sort === '') {
    const from = passing.findIndex(({ number }) => number < before)
    return from < 0 ? passing.length : from
  }
  // The slowest stay longest: if that one is gone, the list has changed so much that it starts again.
  return passing.findIndex(({ number }) => number === before) + 1
}

/** The requests that pass the filters: the part of the page that a changed filter replaces. */
const Found = ({ requests, filter, match }: Pick<ListProps, 'requests' | 'filter' | 'match'>) => {
  const passing = inOrder(requests.filter(matcher(filter, match)), filter.sort)
  const { before, sort } = filter
  const from = startOf(passing, filter)
  const shown = passing.slice(from, from + shownAtOnce)
  const last = shown.at(-1)
  const hasOlder = last !== undefined && last !== passing.at(-1)
  const first = sort === '' ? 'newest' : 'slowest'
  return (
    <div id='list'>
      <p class='row listed'>
        <span id='live' role='status'>
          {before === undefined ? `The ${first} ` : ''}
          {shown.length} of {counted(passing.length, 'request')}
        </span>
        {before === undefined && sort === '' && (
          <button class='btn quiet' id='follow' type='button'>
            Follow live
          </button>
        )}
        {before !== undefined && (
          <a class='btn quiet' href={`/traces${searchOf(filter)}`}>
            Back to the {first}
          </a>
        )}
      </p>
      <Table requests={shown} live={`/traces/live${searchOf(filter)}`} />
      {shown.length === 0 && (
        <p class='empty-state'>
          {filter.person === 'me' && match.personId === undefined
            ? 'Sign in to see only your own requests.'
            : 'No request passes these filters yet.'}
        </p>
      )}
      {hasOlder && (
        <p class='end'>
          <a class='btn quiet' href={`/traces${searchOf(filter, { before: last.number })}`}>
            Load {sort === '' ? 'older' : 'more'}
          </a>
        </p>
      )}
      {!hasOlder && requests.length >= recorderBounds.traces && (
        <p class='end'>
          Older requests were dropped: only the newest {recorderBounds.traces} are kept.
        </p>
      )}
    </div>
  )
}

const Table = ({ requests, live }: { requests: RecordedRequest[]; live: string }) => (
  <div class='scroll'>
    <table class='requests'>
      <thead>
        <tr>
          <Column kind='time'>
            Time (<span class='zone'>UTC</span>)
          </Column>
          <Column>Request</Column>
          <Column kind='kind'>Kind</Column>
          <Column>Status</Column>
          <Column kind='number'>Queries</Column>
          <Column kind='number'>Took</Column>
          <Column kind='sampled'>Sampled</Column>
          <Column kind='bar'>
            <span class='axis'>
              <span>0.1 ms</span> <span class='vh'>to</span> <span>100 s</span>
            </span>
          </Column>
        </tr>
      </thead>
      <tbody id='rows' data-live={live}>
        {requests.map((request) => (
          <RequestRow request={request} />
        ))}
      </tbody>
    </table>
  </div>
)

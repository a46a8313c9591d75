// /traces: the newest requests, with filters that live in the address.
import * as v from 'valibot'

import { shortMs } from '../../chip.tsx'
import type { RecordedRequest } from '../../recorder.ts'
import type { Bucket } from '../../statistics.ts'
import { query } from '../../web.ts'
import { Charts } from './chart.tsx'
import { Head } from './head.tsx'

const number = v.optional(
  v.pipe(
    v.string(),
    v.regex(/^\d{0,12}$/, 'That is no number.'),
    v.transform((text) => (text === '' ? undefined : Number(text))),
  ),
)
const word = v.optional(v.pipe(v.string(), v.maxLength(200, 'That is too long.')), '')
const kinds = ['', 'page', 'partial', 'program', 'prefetch', 'background'] as const
const statuses = ['', '2xx', '3xx', '4xx', '5xx'] as const

/** Validates the filters in the query string. */
export const filterQuery = query({
  q: word,
  kind: v.optional(v.picklist(kinds, 'There is no such kind.'), ''),
  status: v.optional(v.picklist(statuses, 'There is no such status.'), ''),
  slower: number,
  failed: v.optional(v.picklist(['', '1'], 'failed is 1 or nothing.'), ''),
  before: number,
})

export type Filter = {
  q: string
  kind: string
  status: string
  slower?: number | undefined
  failed: string
  before?: number | undefined
}

/** Does a request pass the filters? `q` is a piece of its name, its route or its trace id. */
export const passes = (
  request: RecordedRequest,
  { q, kind, status, slower, failed }: Filter,
): boolean =>
  (q === '' || `${request.name} ${request.traceId}`.toLowerCase().includes(q.toLowerCase())) &&
  (kind === '' || request.kind === kind) &&
  (status === '' || String(request.status)[0] === status[0]) &&
  (slower === undefined || request.ms > slower) &&
  (failed === '' || request.failed)

const searchOf = (filter: Filter, extra: Record<string, string | number> = {}): string => {
  const all = {
    q: filter.q,
    kind: filter.kind,
    status: filter.status,
    slower: filter.slower ?? '',
    failed: filter.failed,
    ...extra,
  }
  const given = Object.entries(all).filter(([, value]) => value !== '')
  return given.length === 0
    ? ''
    : `?${given.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')}`
}

const shownAtOnce = 20

const clock = (at: number) => new Date(at).toISOString().slice(11, 23)

/** One request in the list. `slowest` is what its bar is measured against. */
export const RequestRow = ({ request, slowest }: { request: RecordedRequest; slowest: number }) => (
  <tr class={request.failed ? 'failed' : undefined}>
    <td class='time'>{clock(request.at)}</td>
    <td>
      <a href={`/traces/${request.traceId}`}>{request.name}</a>
    </td>
    <td class='kind'>{request.kind}</td>
    <td>
      <Status of={request} />
    </td>
    <td class='number'>{request.queries}</td>
    <td class='number'>{shortMs(request.ms)}</td>
    <td class='bar'>
      <svg aria-hidden='true'>
        <rect
          width={`${Math.max(1, Math.min(100, (100 * request.ms) / (slowest || 1))).toFixed(1)}%`}
          height='100%'
        />
      </svg>
    </td>
  </tr>
)

export const Status = ({ of }: { of: RecordedRequest }) => (
  <span class={of.failed ? 'status bad' : of.status >= 400 ? 'status warn' : 'status'}>
    {of.status || '-'}
  </span>
)

type ListProps = { requests: RecordedRequest[]; filter: Filter; series: Bucket[] }

export const TraceList = ({ requests, filter, series }: ListProps) => {
  const passing = requests.filter(
    (request) =>
      (filter.before === undefined || request.number < filter.before) && passes(request, filter),
  )
  const shown = passing.slice(0, shownAtOnce)
  const slowest = Math.max(0, ...shown.map((request) => request.ms))
  const last = shown.at(-1)
  return (
    <>
      <Head
        at='/traces'
        title='Traces'
        words='Every line is one request to this very process: what it was, what it answered and what it cost.'
      />
      <Charts series={series} />
      <Filters filter={filter} />
      <div class='scroll'>
        <table class='requests'>
          <thead>
            <tr>
              <th scope='col' class='time'>
                Time (UTC)
              </th>
              <th scope='col'>Request</th>
              <th scope='col' class='kind'>
                Kind
              </th>
              <th scope='col'>Status</th>
              <th scope='col' class='number'>
                Queries
              </th>
              <th scope='col' class='number'>
                Took
              </th>
              <th scope='col' class='bar'>
                <span class='vh'>Share of the slowest</span>
              </th>
            </tr>
          </thead>
          <tbody id='rows' data-live={`/traces/live${searchOf(filter)}`}>
            {shown.map((request) => (
              <RequestRow request={request} slowest={slowest} />
            ))}
          </tbody>
        </table>
      </div>
      {shown.length === 0 && <p class='empty-state'>No request passes these filters yet.</p>}
      {passing.length > shown.length && last && (
        <p class='end'>
          <a class='btn quiet' href={`/traces${searchOf(filter, { before: last.number })}`}>
            Load older
          </a>
        </p>
      )}
    </>
  )
}

const Filters = ({ filter }: { filter: Filter }) => (
  <form class='filters' action='/traces' role='search' aria-label='Filter requests'>
    <label>
      <span>Route or trace id</span>
      <input name='q' value={filter.q} maxlength={200} />
    </label>
    <label>
      <span>Kind</span>
      <select name='kind'>
        {kinds.map((kind) => (
          <option value={kind} selected={kind === filter.kind}>
            {kind || 'all'}
          </option>
        ))}
      </select>
    </label>
    <label>
      <span>Status</span>
      <select name='status'>
        {statuses.map((status) => (
          <option value={status} selected={status === filter.status}>
            {status || 'all'}
          </option>
        ))}
      </select>
    </label>
    <label>
      <span>Slower than, ms</span>
      <input
        name='slower'
        inputmode='numeric'
        pattern='[0-9]*'
        value={filter.slower === undefined ? '' : String(filter.slower)}
      />
    </label>
    <label class='check'>
      <input type='checkbox' name='failed' value='1' checked={filter.failed === '1'} />{' '}
      <span>failed only</span>
    </label>
    <button class='btn'>Filter</button>
    <button class='btn quiet' id='follow' type='button' aria-pressed='false' hidden>
      Follow live
    </button>
  </form>
)

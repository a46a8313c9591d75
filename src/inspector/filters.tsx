// The filters of /traces. They are in the query string, so that a filtered list can be shared as a link.
import * as v from 'valibot'

import { query } from '../http/validation.ts'
import type { RecordedRequest } from '../trace-store/recorded.ts'

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

const filters = {
  q: word,
  kind: v.optional(v.picklist(kinds, 'There is no such kind.'), ''),
  status: v.optional(v.picklist(statuses, 'There is no such status.'), ''),
  slower: number,
  failed: v.optional(v.picklist(['', '1'], 'failed is 1 or nothing.'), ''),
}

/** Validates the filters in the query string of the list. */
export const filterQuery = query({ ...filters, before: number })

/** Validates the filters of the live tail, which has no older rows. */
export const liveQuery = query(filters)

export type Filter = {
  q: string
  kind: string
  status: string
  slower?: number | undefined
  failed: string
  before?: number | undefined
}

/** Does a request pass the filters? `q` is a substring of its name or its trace id. */
export const passes = (
  request: RecordedRequest,
  { q, kind, status, slower, failed }: Filter,
): boolean =>
  (q === '' ||
    request.name.toLowerCase().includes(q.toLowerCase()) ||
    request.traceId.includes(q.toLowerCase())) &&
  (kind === '' || request.kind === kind) &&
  (status === '' || String(request.status)[0] === status[0]) &&
  (slower === undefined || request.ms > slower) &&
  (failed === '' || request.failed)

/** The filters as a query string. */
export const searchOf = (filter: Filter, extra: Record<string, string | number> = {}): string => {
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

/** The form of the filters. With htmx, each change updates the list; without a script, the button does. */
export const Filters = ({ filter }: { filter: Filter }) => (
  <form
    class='filters'
    action='/traces'
    role='search'
    aria-label='Filter requests'
    hx-get='/traces'
    hx-trigger='change, submit'
    hx-target='#list'
    hx-select='#list'
    hx-swap='outerHTML'
    hx-push-url='true'
    hx-sync='this:replace'
  >
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
      <span>Slower than</span>
      <input
        name='slower'
        inputmode='numeric'
        pattern='[0-9]*'
        placeholder='ms'
        value={filter.slower === undefined ? '' : String(filter.slower)}
      />
    </label>
    <label class='check'>
      <input type='checkbox' name='failed' value='1' checked={filter.failed === '1'} />{' '}
      <span>failed only</span>
    </label>
    <button class='btn'>Filter</button>
  </form>
)

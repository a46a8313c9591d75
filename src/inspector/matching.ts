// Which requests pass the filters of /traces. Filters by SQL and by attribute look at the spans of a request.
import { ATTR_DB_QUERY_TEXT } from '@opentelemetry/semantic-conventions'

import type { RecordedRequest, RecordedSpan, RecordedTrace } from '../trace-store/recorded.ts'

export type Filter = {
  q: string
  kind: string
  status: string
  slower?: number | undefined
  failed: string
  /** `me`, `@handle` or the id of an account. */
  person: string
  /** A part of a query's text. */
  sql: string
  /** `name=value`, or only a name. */
  attribute: string
  sampled: string
  sort: string
  before?: number | undefined
}

/** What a filter needs beside the request: its trace, and the id of the account that `person` names. */
export type MatchContext = {
  traceOf: (traceId: string) => RecordedTrace | undefined
  personId: string | undefined
}

/** A trace can hold a thousand requests, and their spans can be each other's parents. */
const stepsMax = 100

/** Makes the test that a request passes all filters. One test serves many requests: it remembers what it found. */
export function matcher(filter: Filter, { traceOf, personId }: MatchContext) {
  const { q, kind, status, slower, failed, sampled, person } = filter
  const text = q.toLowerCase()
  const hasSpan = spanMatcher(filter)
  const rootsOf = new WeakMap<RecordedTrace, Set<string>>()
  const passesSpans = (request: RecordedRequest) => {
    const trace = hasSpan && traceOf(request.traceId)
    if (!trace) return !hasSpan
    // The usual case. The root itself may have been dropped from a huge trace: every span belongs to the only request.
    if (trace.requests.length === 1) return trace.spans.some(hasSpan)
    const roots = rootsOf.get(trace) ?? rootsWith(trace, hasSpan)
    rootsOf.set(trace, roots)
    return roots.has(request.spanId)
  }
  return (request: RecordedRequest): boolean =>
    (text === '' || request.name.toLowerCase().includes(text) || request.traceId.includes(text)) &&
    (kind === '' || request.kind === kind) &&
    (status === '' || String(request.status)[0] === status[0]) &&
    (slower === undefined || request.ms > slower) &&
    (failed === '' || request.failed) &&
    (sampled === '' || request.sampled === (sampled === 'yes')) &&
    (person === '' || (personId !== undefined && request.personId === personId)) &&
    passesSpans(request)
}

/** The test of a single span by `sql` and `attribute`; undefined when neither is given. */
function spanMatcher({ sql, attribute }: Filter): ((span: RecordedSpan) => boolean) | undefined {
  if (sql === '' && attribute === '') return undefined
  const wanted = sql.toLowerCase()
  // There are a few hundred texts, and a hundred thousand spans: each text is searched once.
  const known = new Map<string, boolean>()
  const hasSql = (text: string) => {
    const found = known.get(text) ?? text.toLowerCase().includes(wanted)
    known.set(text, found)
    return found
  }
  const end = attribute.indexOf('=')
  const name = end < 0 ? attribute : attribute.slice(0, end)
  const value = end < 0 ? undefined : attribute.slice(end + 1)
  return ({ attributes }) => {
    const text = attributes[ATTR_DB_QUERY_TEXT]
    if (sql !== '' && !(typeof text === 'string' && hasSql(text))) return false
    if (attribute === '') return true
    return (
      Object.hasOwn(attributes, name) && (value === undefined || String(attributes[name]) === value)
    )
  }
}

/** The ids of the root spans of those requests of a trace in which a span passes the test. */
function rootsWith(trace: RecordedTrace, test: (span: RecordedSpan) => boolean): Set<string> {
  const found = new Set<string>()
  const roots = new Set(trace.requests.map(({ spanId }) => spanId))
  const hits = trace.spans.filter(test)
  if (hits.length === 0) return found
  const parents = new Map(
    trace.spans.map((span) => [span.spanContext().spanId, span.parentSpanContext?.spanId]),
  )
  for (const span of hits) {
    let id: string | undefined = span.spanContext().spanId
    for (let step = 0; id !== undefined && !roots.has(id) && step < stepsMax; step++)
      id = parents.get(id)
    if (id !== undefined && roots.has(id)) found.add(id)
  }
  return found
}

/** The requests in the order of the list: the newest first, or the slowest. */
export const inOrder = (requests: RecordedRequest[], sort: string): RecordedRequest[] =>
  sort === 'duration'
    ? requests.toSorted((one, other) => other.ms - one.ms || other.number - one.number)
    : requests

import { ATTR_DB_QUERY_SUMMARY, ATTR_DB_QUERY_TEXT } from '@opentelemetry/semantic-conventions'

import { addDuration, histogram, type Histogram } from './histogram.ts'
import { hasFailed } from './recorded-request.ts'
import type { RecordedRequest, RecordedSpan } from './recorded.ts'

/** The requests that began within ten seconds from `at` (ms UTC). */
export type Bucket = { at: number; count: number; errors: number; durations: Histogram }

/** The requests of one route, or the queries with one summary and text, since the start of the process. */
export type Row = {
  name: string
  /** The SQL of a query; `''` for a route. */
  text: string
  count: number
  errors: number
  /** Number of queries that the requests made; 0 for a query. */
  queries: number
  /** Number of rows that the database returned. */
  rows: number
  /** Size of the response bodies; 0 for a query. */
  bytes: number
  durations: Histogram
  slowest: { traceId: string; ms: number }
  /** The trace of the newest error; `''` if there was none. */
  failedTraceId: string
}

/** One request or query. `key`: what distinguishes rows. */
type Seen = Pick<Row, 'name' | 'text' | 'queries' | 'rows' | 'bytes'> & {
  key: string
  ms: number
  failed: boolean
  traceId: string
}

export const bucketMs = 10_000
export const bucketsKept = 60
/** The durations of a bucket without requests. */
const noDurations = histogram()
/** Further routes and queries are not counted. */
export const rowsKept = 500

/** Rate, errors and durations of requests over time, and the same for each route and each query. */
export class Statistics {
  readonly routes = new Map<string, Row>()
  readonly queries = new Map<string, Row>()
  readonly #buckets: Bucket[] = []
  /** What `series` has answered since the newest request. */
  #series: Bucket[] | undefined

  /** Adds a finished request with its spans, the root span last. */
  take(request: RecordedRequest, spans: readonly RecordedSpan[]): void {
    if (request.kind !== 'background') this.#count(request)
    const root = spans.at(-1)!
    const { traceId } = request
    for (const span of spans) {
      if (!(ATTR_DB_QUERY_SUMMARY in span.attributes)) continue
      const [seconds, nanos] = span.duration
      add(this.queries, {
        name: String(span.attributes[ATTR_DB_QUERY_SUMMARY]),
        key: String(span.attributes['app.db.query.hash']),
        text: String(span.attributes[ATTR_DB_QUERY_TEXT] ?? ''),
        ms: seconds * 1000 + nanos / 1e6,
        failed: hasFailed(span),
        rows: Number(span.attributes['db.response.returned_rows'] ?? 0),
        queries: 0,
        bytes: 0,
        traceId,
      })
    }
    const { ms, failed, queries } = request
    const name = request.kind === 'background' ? request.name : `${request.method} ${request.route}`
    const rows = Number(root.attributes['app.db.rows'] ?? 0)
    const bytes = Number(root.attributes['http.response.body.size'] ?? 0)
    add(this.routes, { name, key: name, text: '', ms, failed, rows, queries, bytes, traceId })
  }

  /**
   * The ten minutes before `now` (ms UTC): 60 buckets of ten seconds, oldest first, including empty ones. The same array
   * until the next request or the next bucket, so that what is drawn of it can be cached.
   */
  series(now: number): readonly Bucket[] {
    const last = Math.floor(now / bucketMs) * bucketMs
    if (this.#series?.at(-1)?.at === last) return this.#series
    const known = new Map(this.#buckets.map((bucket) => [bucket.at, bucket]))
    this.#series = Array.from({ length: bucketsKept }, (_, index) => {
      const at = last - (bucketsKept - 1 - index) * bucketMs
      return known.get(at) ?? { at, count: 0, errors: 0, durations: noDurations }
    })
    return this.#series
  }

  #count({ at, ms, failed }: RecordedRequest): void {
    this.#series = undefined
    const start = Math.floor(at / bucketMs) * bucketMs
    // Not simply the last bucket: after the clock was set, the buckets are no longer in order.
    let bucket = this.#buckets.findLast((one) => one.at === start)
    if (!bucket) {
      bucket = { at: start, count: 0, errors: 0, durations: histogram() }
      this.#buckets.push(bucket)
      if (this.#buckets.length > bucketsKept) this.#buckets.shift()
    }
    bucket.count += 1
    if (failed) bucket.errors += 1
    addDuration(bucket.durations, ms)
  }
}

function add(to: Map<string, Row>, one: Seen): void {
  let row = to.get(one.key)
  if (!row) {
    if (to.size >= rowsKept) return
    to.set(one.key, (row = newRow(one)))
  }
  row.count += 1
  if (one.failed) {
    row.errors += 1
    row.failedTraceId = one.traceId
  }
  row.queries += one.queries
  row.rows += one.rows
  row.bytes += one.bytes
  addDuration(row.durations, one.ms)
  if (one.ms > row.slowest.ms) row.slowest = { traceId: one.traceId, ms: one.ms }
}

const newRow = ({ name, text }: Seen): Row => {
  const none = { count: 0, errors: 0, queries: 0, rows: 0, bytes: 0 }
  const slowest = { traceId: '', ms: -1 }
  return { name, text, ...none, durations: histogram(), slowest, failedTraceId: '' }
}

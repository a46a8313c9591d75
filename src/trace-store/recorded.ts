// The types of what the recorder keeps.
import type { ReadableSpan } from '@opentelemetry/sdk-trace-node'

/** A finished span, with what the SDK's exporters read of one. */
export type RecordedSpan = ReadableSpan

/** A log line. */
export type RecordedLog = {
  /** Time in ms UTC. */
  at: number
  level: string
  message: string
  /** The attributes of the log record, without the duration of a request. */
  facts: Record<string, unknown>
  /** The duration of the request whose line it is. */
  ms?: number | undefined
  traceId: string | undefined
  spanId: string | undefined
}

export type RecordedTrace = {
  id: string
  spans: RecordedSpan[]
  /** Number of spans that were not kept, because the trace already had the maximum. */
  cut: number
  /** Estimated size of the spans. */
  bytes: number
  requests: RecordedRequest[]
}

/** The summary of one request or background job, read from its root span. */
export type RecordedRequest = {
  traceId: string
  /** The id of its root span. */
  spanId: string
  /** 1 for the first request of this process, then 2, and so on. */
  number: number
  /** Start in ms UTC. */
  at: number
  name: string
  route: string
  method: string
  kind: 'page' | 'partial' | 'program' | 'prefetch' | 'background'
  status: number
  /** Why it was refused, such as `too_many_waiting`; undefined when it was not. */
  code: string | undefined
  failed: boolean
  /** Duration. */
  ms: number
  /** Number of SQL queries. */
  queries: number
  /** Is it exported? Else it stays in this process. */
  sampled: boolean
  /** The id of the account that sent it; undefined for visitors. */
  personId: string | undefined
  /** The trace of the page from which htmx sent this request. */
  pageTraceId: string | undefined
}

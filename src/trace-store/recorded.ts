// What the recorder keeps.
import type { ReadableSpan } from '@opentelemetry/sdk-trace-node'

/** A finished span, as the SDK hands it out: kept as it is, read when somebody looks. */
export type RecordedSpan = ReadableSpan

/** A log line with its time in ms UTC. */
export type RecordedLog = {
  at: number
  level: string
  message: string
  facts: Record<string, unknown>
  traceId: string | undefined
  spanId: string | undefined
}

export type RecordedTrace = {
  id: string
  spans: RecordedSpan[]
  /** Spans beyond the bound, which are counted but not kept. */
  cut: number
  bytes: number
  requests: RecordedRequest[]
}

/** One request (or background job) of this process: the root of the spans that belong to it. */
export type RecordedRequest = {
  traceId: string
  number: number
  at: number
  name: string
  route: string
  method: string
  kind: 'page' | 'partial' | 'program' | 'prefetch' | 'background'
  status: number
  failed: boolean
  ms: number
  queries: number
  pageTraceId: string | undefined
}

import { SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api'
import {
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_HTTP_ROUTE,
} from '@opentelemetry/semantic-conventions'

import type { RecordedRequest, RecordedSpan } from './recorded.ts'

const ms = ([seconds, nanos]: readonly [number, number]) => (seconds * 1e9 + nanos) / 1e6

/** The start (ms UTC) and the duration (ms) of a span. */
export const spanTimes = (span: RecordedSpan) => ({ at: ms(span.startTime), ms: ms(span.duration) })

/** Is it the server span of a request? Else it is a span inside a request, or of background work. */
export const isServerSpan = ({ kind }: RecordedSpan): boolean => kind === SpanKind.SERVER

/** Does the span have the status ERROR? */
export const hasFailed = ({ status }: RecordedSpan): boolean => status.code === SpanStatusCode.ERROR

/** The summary of a request, read from its root span. `number` counts the requests of this process. */
export function requestOf(root: RecordedSpan, number: number): RecordedRequest {
  const of = root.attributes
  const times = spanTimes(root)
  const status = Number(of[ATTR_HTTP_RESPONSE_STATUS_CODE] ?? 0)
  const code = typeof of['app.error.slug'] === 'string' ? of['app.error.slug'] : undefined
  return {
    traceId: root.spanContext().traceId,
    spanId: root.spanContext().spanId,
    number,
    at: times.at,
    name: root.name,
    route: isServerSpan(root) ? String(of[ATTR_HTTP_ROUTE] ?? noRoute(code)) : root.name,
    method: String(of[ATTR_HTTP_REQUEST_METHOD] ?? ''),
    kind: !isServerSpan(root)
      ? 'background'
      : of['app.prefetch'] === true
        ? 'prefetch'
        : kindOf(of['app.client.kind']),
    status,
    code,
    failed: hasFailed(root) || status >= 500,
    ms: times.ms,
    queries: Number(of['app.db.query_count'] ?? 0),
    sampled: (root.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0,
    personId: typeof of['user.id'] === 'string' ? of['user.id'] : undefined,
    pageTraceId: typeof of['app.page.trace_id'] === 'string' ? of['app.page.trace_id'] : undefined,
  }
}

/** An unknown address, or one that was refused before anybody looked whether it is known. */
const noRoute = (code: string | undefined) =>
  code === undefined || code === 'no_route' || code === 'wrong_method' ? '(no route)' : '(refused)'

const kindOf = (kind: unknown) => (kind === 'page' || kind === 'partial' ? kind : 'program')

/** The duration of the slowest one; 0 when there is none. */
export function slowestMs(requests: readonly RecordedRequest[]): number {
  let most = 0
  for (const request of requests) most = Math.max(most, request.ms)
  return most
}

// Spans of the HTTP requests to a libSQL server: one a round trip, below the span of its query.
import { SpanKind, SpanStatusCode, trace, type Attributes } from '@opentelemetry/api'
import {
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_URL_FULL,
} from '@opentelemetry/semantic-conventions'

import { failureOf, requestCosts, timeAt } from './query-tracing.ts'
import { tracer } from './tracer.ts'

/** The servers whose requests have these spans. Those of undici's instrumentation take as long as the requests themselves. */
export const tracedHere = new Set<string>()

/** Ends the span of a request: with the status of its answer, or with the error in place of one. */
export type EndCall = (status: number, error?: Error) => void

/** Prepares the spans of the requests to `url`. Call the result when a request begins; there is no span without a parent. */
export function callsTo(url: URL): () => EndCall | undefined {
  tracedHere.add(url.origin)
  const attributes: Attributes = {
    [ATTR_HTTP_REQUEST_METHOD]: 'POST',
    [ATTR_URL_FULL]: url.href,
    [ATTR_SERVER_ADDRESS]: url.hostname,
    [ATTR_SERVER_PORT]: Number(url.port) || (url.protocol === 'http:' ? 80 : 443),
  }
  return () => {
    if (!trace.getActiveSpan()?.isRecording()) return undefined
    const costs = requestCosts()
    const startTime = costs && { startTime: timeAt(costs) }
    const span = tracer.startSpan('POST', { kind: SpanKind.CLIENT, attributes, ...startTime })
    return (status, error) => {
      if (status > 0) span.setAttribute(ATTR_HTTP_RESPONSE_STATUS_CODE, status)
      if (error || status >= 400) {
        span.setAttribute(ATTR_ERROR_TYPE, error ? failureOf(error) : String(status))
        span.setStatus({ code: SpanStatusCode.ERROR })
      }
      span.end(costs && timeAt(costs))
    }
  }
}

import { INVALID_TRACEID, trace, type SpanContext } from '@opentelemetry/api'

export const tracerName = 'tracewren'

/** The tracer of all our spans. Without the SDK it makes spans that do nothing. */
export const tracer = trace.getTracer(tracerName)

/**
 * Is this the context of a span that a tracer made? Else it is the API's invalid one. Not `isSpanContextValid`, which reads all
 * 48 digits: that is for ids that came from outside.
 */
export const isTraced = ({ traceId }: SpanContext): boolean => traceId !== INVALID_TRACEID

/** The context of the active span; undefined when nothing is traced. */
export function activeContext(): SpanContext | undefined {
  const found = trace.getActiveSpan()?.spanContext()
  return found && isTraced(found) ? found : undefined
}

import { trace } from '@opentelemetry/api'

export const tracerName = 'tracewren'

/** The tracer of all our spans. Without the SDK it makes spans that do nothing. */
export const tracer = trace.getTracer(tracerName)

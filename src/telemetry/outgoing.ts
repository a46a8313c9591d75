// Spans and a metric of the HTTP requests that this process sends.
import { context, metrics, trace, type Span, type TracerProvider } from '@opentelemetry/api'
import { registerInstrumentations } from '@opentelemetry/instrumentation'
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici'
import { ATTR_URL_FULL, ATTR_URL_QUERY } from '@opentelemetry/semantic-conventions'

import { tracedHere } from './database-calls.ts'
import { costsKey, timeAt, type RequestCosts } from './query-tracing.ts'

/**
 * Gives spans of the instrumentation the clock of the request that they belong to. By themselves they begin at a whole
 * millisecond, so before their parents, and end after them.
 */
const onClockOfRequest = (provider: TracerProvider): TracerProvider => ({
  getTracer(...named) {
    const tracer = provider.getTracer(...named)
    const startSpan: typeof tracer.startSpan = (name, options, at = context.active()) => {
      const costs = at.getValue(costsKey) as RequestCosts | undefined
      if (!costs) return tracer.startSpan(name, options, at)
      const span = tracer.startSpan(name, { ...options, startTime: timeAt(costs) }, at)
      const end: Span['end'] = span.end.bind(span)
      return Object.assign(span, { end: () => end(timeAt(costs)) })
    }
    return Object.assign(Object.create(tracer) as typeof tracer, { startSpan })
  },
})

/**
 * Traces outgoing HTTP requests (to linked pages), only inside one of our spans. Without query strings, because they may
 * hold secrets. Those to a libSQL server have spans of their own (database-calls.ts).
 */
export function traceOutgoing(): void {
  const instrumentation = new UndiciInstrumentation({
    requireParentforSpans: true,
    ignoreRequestHook: ({ origin }) => tracedHere.has(origin),
    startSpanHook: (request) => {
      const path = request.path.split('?')[0]!
      return {
        [ATTR_URL_FULL]: `${request.origin}${path}`,
        ...(path !== request.path && { [ATTR_URL_QUERY]: '' }),
      }
    },
  })
  registerInstrumentations({
    instrumentations: [instrumentation],
    meterProvider: metrics.getMeterProvider(),
    tracerProvider: onClockOfRequest(trace.getTracerProvider()),
  })
}

// Manual spans through the OpenTelemetry API only. Without an SDK they do nothing.
import {
  context,
  ROOT_CONTEXT,
  SpanStatusCode,
  trace,
  type Attributes,
  type Link,
  type SpanContext,
} from '@opentelemetry/api'
import { ATTR_EXCEPTION_TYPE } from '@opentelemetry/semantic-conventions'

import { LinkedContext } from './linked-context.ts'
import { log } from './log.ts'
import { costsKey, newCosts, timeAt } from './query-tracing.ts'
import { activeContext, tracer } from './tracer.ts'

/** Adds attributes to the active span. Only counts and ids: never texts that people wrote, addresses or secrets. */
export const annotate = (attributes: Attributes): void => {
  trace.getActiveSpan()?.setAttributes(attributes)
}

/** The id of the active trace, 32 hex digits; undefined when nothing is traced. */
export const traceId = (): string | undefined => activeContext()?.traceId

/** Formats a span context as a W3C traceparent. */
export const traceparentOf = ({ traceId: id, spanId, traceFlags }: SpanContext) =>
  `00-${id}-${spanId}-${traceFlags < 16 ? '0' : ''}${traceFlags.toString(16)}`

/** The active span as a W3C traceparent; undefined when nothing is traced. */
export const traceparent = (): string | undefined => {
  const active = activeContext()
  return active && traceparentOf(active)
}

/** Runs work that belongs to no request in a trace of its own, and returns its result. Rejects with its error. */
export function inTrace<T>(name: string, work: () => Promise<T>): Promise<T> {
  const { span, inside, end } = startRoot(name)
  return context.with(inside, async () => {
    try {
      return await work()
    } catch (error) {
      span.setStatus({ code: SpanStatusCode.ERROR })
      throw error
    } finally {
      end()
    }
  })
}

/** A span without a parent. All spans inside have its clock, so that they lie within it. */
function startRoot(name: string, links: Link[] = []) {
  const costs = newCosts(false)
  const span = tracer.startSpan(name, { links, startTime: timeAt(costs) }, ROOT_CONTEXT)
  const inside = trace.setSpan(new LinkedContext(ROOT_CONTEXT, costsKey, costs), span)
  return { span, inside, end: () => span.end(timeAt(costs)) }
}

/** Runs work outside of any trace: its queries get no spans. For loops that may be long. */
export const untraced = <T>(work: () => T): T => context.with(ROOT_CONTEXT, work)

// A copy: the context of a span is the span itself, and a link to it would keep the other trace in memory.
const idsOf = ({ traceId: id, spanId, traceFlags }: SpanContext): SpanContext => ({
  traceId: id,
  spanId,
  traceFlags,
})

/**
 * Runs work in the background, in its own trace with a link to the active span. A failure is logged as `<name> failed`
 * and not thrown.
 */
export function inBackground(name: string, work: () => Promise<unknown>): void {
  const cause = activeContext()
  const { span, inside, end } = startRoot(name, cause ? [{ context: idsOf(cause) }] : [])
  context.with(inside, () => {
    work()
      .catch((error: unknown) => {
        span.setStatus({ code: SpanStatusCode.ERROR })
        log.warn(`${name} failed`, {
          [ATTR_EXCEPTION_TYPE]: error instanceof Error ? error.name : 'Error',
        })
      })
      .finally(end)
  })
}

// Manual spans through the OpenTelemetry API alone: without an SDK all of this does nothing.
import {
  context,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Span,
  type SpanContext,
  type TextMapGetter,
} from '@opentelemetry/api'
import {
  ATTR_ERROR_TYPE,
  ATTR_EXCEPTION_TYPE,
  ATTR_HTTP_ROUTE,
} from '@opentelemetry/semantic-conventions'
import type { Context } from 'hono'
import { createMiddleware } from 'hono/factory'

import { isLogged, log, requestEvent } from './log.ts'
import { peerOf } from './peers.ts'
import { behindQuery } from './query-error.ts'
import {
  costsKey,
  elapsedMs,
  failureOf,
  newCosts,
  requestCosts,
  timeAt,
  type RequestCosts,
} from './query-tracing.ts'
import { requestAttributes, knownMethod, measure, round } from './request-attributes.ts'
import type { Env } from './web.ts'

const tracer = trace.getTracer('tracewren')

/** Adds facts to the span that is active: counts and ids, never texts, addresses or secrets. */
export const annotate = (attributes: Attributes): void => {
  trace.getActiveSpan()?.setAttributes(attributes)
}

const activeContext = (): SpanContext | undefined => {
  const found = trace.getActiveSpan()?.spanContext()
  return found && trace.isSpanContextValid(found) ? found : undefined
}

/** The id of the active trace, 32 hex digits; undefined when nothing is traced. */
export const traceId = (): string | undefined => activeContext()?.traceId

const traceparentOf = ({ traceId: id, spanId, traceFlags }: SpanContext) =>
  `00-${id}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`

/** The active span as a W3C traceparent; undefined when nothing is traced. */
export const traceparent = (): string | undefined => {
  const active = activeContext()
  return active && traceparentOf(active)
}

/**
 * One SERVER span, one log line and one measurement for each request. It continues the trace of a trusted proxy or
 * load generator; a request of htmx is a trace of its own with a link to the page that sent it.
 */
export const traceRequests = createMiddleware<Env>(async (c, next) => {
  const parent = peerOf(c).trusted
    ? propagation.extract(ROOT_CONTEXT, c, headersOfRequest)
    : ROOT_CONTEXT
  const method = knownMethod(c.req.method) ?? 'HTTP'
  const costs = newCosts()
  const span = tracer.startSpan(
    method,
    { kind: SpanKind.SERVER, startTime: timeAt(costs, costs.started) },
    parent,
  )
  if (!trace.isSpanContextValid(span.spanContext())) return next()
  const own = trace.setSpan(parent, span).setValue(costsKey, costs)
  return context.with(own, async () => {
    linkToPage(c, span)
    await next()
    const ended = c.get('answeredAt') ?? performance.now()
    const ms = elapsedMs(costs, ended)
    // Not `c.header`: on a finished answer that would turn the body into a stream, a tenth of a page's cost.
    c.res.headers.set('X-Trace-Id', span.spanContext().traceId)
    c.res.headers.set('Server-Timing', serverTiming(span.spanContext(), costs, ms))
    measure(c, ms)
    // Of ten requests nine are not sampled, and nobody reads what they would have said.
    if (span.isRecording() || isLogged('info')) {
      const attributes = requestAttributes(c, costs)
      // One call: attributes that are given one by one, or at the start, cost several times as much.
      span.setAttributes(attributes)
      const route = attributes[ATTR_HTTP_ROUTE]
      if (typeof route === 'string') span.updateName(`${method} ${route}`)
      if (c.res.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
      attributes['duration_ms'] = round(ms)
      log.info('request', attributes, requestEvent)
    }
    span.end(timeAt(costs, ended))
  })
})

/** Header by header: all of them at once would make node-server build a whole Request. */
const headersOfRequest: TextMapGetter<Context> = {
  get: (c, name) => c.req.header(name),
  keys: () => [],
}

/** A page's traceparent, sent by htmx with every request of that page. */
function linkToPage(c: Context<Env>, span: Span): void {
  const [, page = '', parentSpan = '', flags = ''] =
    /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(c.req.header('X-Page-Trace') ?? '') ??
    []
  const linked = { traceId: page, spanId: parentSpan, traceFlags: Number.parseInt(flags, 16) & 1 }
  if (!trace.isSpanContextValid(linked)) return
  span.addLink({ context: linked })
  span.setAttribute('app.page.trace_id', page)
}

const serverTiming = (span: SpanContext, costs: RequestCosts, ms: number) =>
  `total;dur=${round(ms)}, db;dur=${round(costs.queryMs)};desc="${costs.queries} queries", ` +
  `render;dur=${round(costs.renderMs)}, traceparent;desc="${traceparentOf(span)}"`

/** An INTERNAL span named `<feature>.<action>` around the rest of a route. */
export const traced = (name: string) =>
  createMiddleware<Env>((c, next) => {
    if (trace.getActiveSpan()?.isRecording() === false) return next()
    const costs = requestCosts()
    return tracer.startActiveSpan(name, costs ? { startTime: timeAt(costs) } : {}, async (span) => {
      await next()
      // Hono has already turned a thrown error into an answer here, so look for it rather than catch it.
      if (c.error && c.res.status >= 500) {
        span.setAttribute(ATTR_ERROR_TYPE, failureOf(behindQuery(c.error)))
        span.setStatus({ code: SpanStatusCode.ERROR })
      }
      span.end(costs && timeAt(costs, c.get('answeredAt')))
    })
  })

/** Work that nobody waits for: a trace of its own with a link to what caused it. Its failure is logged, not thrown. */
export function inBackground(name: string, work: () => Promise<unknown>): void {
  const cause = activeContext()
  const span = tracer.startSpan(name, { links: cause ? [{ context: cause }] : [] }, ROOT_CONTEXT)
  context.with(trace.setSpan(ROOT_CONTEXT, span), () => {
    work()
      .catch((error: unknown) => {
        span.setStatus({ code: SpanStatusCode.ERROR })
        log.warn(`${name} failed`, {
          [ATTR_EXCEPTION_TYPE]: error instanceof Error ? error.name : 'Error',
        })
      })
      .finally(() => span.end())
  })
}

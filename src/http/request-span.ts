// The SERVER span of each request, and the handler spans inside.
import {
  context,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Span,
  type SpanContext,
  type TextMapGetter,
} from '@opentelemetry/api'
import { ATTR_ERROR_TYPE, ATTR_HTTP_ROUTE } from '@opentelemetry/semantic-conventions'
import type { Context } from 'hono'
import { createMiddleware } from 'hono/factory'

import { Lru } from '../base/lru.ts'
import { behindQuery } from '../base/query-error.ts'
import { faultPoints } from '../telemetry/fault-points.ts'
import { LinkedContext } from '../telemetry/linked-context.ts'
import { isLogged, logRequest } from '../telemetry/log.ts'
import {
  costsIn,
  costsKey,
  elapsedMs,
  endMiddleware,
  failureOf,
  newCosts,
  timeAt,
  type RequestCosts,
} from '../telemetry/query-tracing.ts'
import { traceparentOf } from '../telemetry/spans.ts'
import { isTraced, tracer } from '../telemetry/tracer.ts'
import { clientOf } from './client-address.ts'
import type { Env } from './context.ts'
import { throughHooks } from './handler-hook.ts'
import {
  knownMethod,
  measure,
  requestAttributes,
  round,
  thousandths,
} from './request-attributes.ts'

/**
 * Makes one SERVER span, one log line and one measurement for each request. The span continues the trace of a trusted
 * proxy or load generator. A request that htmx sends has its own trace, with a link to the page that sent it.
 */
export const traceRequests = createMiddleware<Env>((c, next) => {
  const parent =
    clientOf(c).trusted && faultPoints.losesTrace?.() !== true
      ? propagation.extract(ROOT_CONTEXT, c, headersOfRequest)
      : ROOT_CONTEXT
  const method = knownMethod(c.req.method) ?? 'HTTP'
  const costs = newCosts(true)
  const span = tracer.startSpan(
    method,
    { kind: SpanKind.SERVER, startTime: timeAt(costs, costs.started) },
    parent,
  )
  if (!isTraced(span.spanContext())) return next()
  const own = trace.setSpan(new LinkedContext(parent, costsKey, costs), span)
  linkToPage(c, span)
  const finish = () => {
    const ended = c.get('answeredAt') ?? performance.now()
    const ms = elapsedMs(costs, ended)
    // Not `c.header`: on a finished response that turns the body into a stream, which is 10 % of the cost of a page.
    c.res.headers.set('X-Trace-Id', span.spanContext().traceId)
    c.res.headers.set('Server-Timing', serverTiming(span.spanContext(), costs, ms))
    measure(c, ms)
    // Attributes are computed only when a span or a log line uses them: with sampling, most requests need none.
    if (span.isRecording() || isLogged('info')) {
      const attributes = requestAttributes(c, costs)
      // One call: setting attributes one by one costs several times as much.
      span.setAttributes(attributes)
      const route = attributes[ATTR_HTTP_ROUTE]
      if (typeof route === 'string') span.updateName(nameOf(method, route))
      if (c.res.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
      logRequest(span.spanContext(), attributes, round(ms))
    }
    span.end(timeAt(costs, ended))
  }
  return context.with(own, () => next().then(finish))
})

const names = new Map<string, Lru<string>>()

/** `GET /timeline`: the same text for each request, not a copy for the inspector to keep. There are few methods. */
function nameOf(method: string, route: string): string {
  let ofMethod = names.get(method)
  if (!ofMethod) names.set(method, (ofMethod = new Lru(500)))
  return ofMethod.get(route, () => `${method} ${route}`)
}

/** Reads single headers. `keys` is empty, because listing all headers makes node-server build a complete Request. */
const headersOfRequest: TextMapGetter<Context> = {
  get: (c, name) => c.req.header(name),
  keys: () => [],
}

/** Links the span to the page that sent the request. htmx sends the traceparent of the page with every request. */
function linkToPage(c: Context<Env>, span: Span): void {
  const sent = c.req.header('X-Page-Trace')
  if (sent === undefined) return
  const [, page = '', parentSpan = '', flags = ''] =
    /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/.exec(sent) ?? []
  const linked = { traceId: page, spanId: parentSpan, traceFlags: Number.parseInt(flags, 16) & 1 }
  if (!trace.isSpanContextValid(linked)) return
  span.addLink({ context: linked })
  span.setAttribute('app.page.trace_id', page)
}

const serverTiming = (span: SpanContext, costs: RequestCosts, ms: number) => {
  const queries = `${costs.queries} ${costs.queries === 1 ? 'query' : 'queries'}`
  return (
    `total;dur=${thousandths(ms)}, db;dur=${thousandths(costs.queryMs)};desc="${queries}", ` +
    `render;dur=${thousandths(costs.renderMs)}, traceparent;desc="${traceparentOf(span)}"`
  )
}

/** Middleware: the handler span, an INTERNAL span named `<feature>.<action>` around the rest of the route. */
export const traced = (name: string) =>
  createMiddleware<Env>((c, next) => {
    const active = context.active()
    if (trace.getSpan(active)?.isRecording() === false) return throughHooks(c, next)
    const costs = costsIn(active)
    const began = performance.now()
    endMiddleware(costs, began)
    const start = costs ? { startTime: timeAt(costs, began) } : {}
    const span = tracer.startSpan(name, start, active)
    const named = costs && namedMs(costs)
    const finish = () => {
      // A thrown error cannot be caught here: Hono has already turned it into a response and set `c.error`.
      if (c.error && c.res.status >= 500) {
        span.setAttribute(ATTR_ERROR_TYPE, failureOf(behindQuery(c.error)))
        span.setStatus({ code: SpanStatusCode.ERROR })
      }
      if (!costs) return span.end()
      const ended = c.get('answeredAt') ?? performance.now()
      costs.handlerMs += Math.max(0, ended - began - (namedMs(costs) - named!))
      span.end(timeAt(costs, ended))
    }
    return context.with(trace.setSpan(active, span), () => throughHooks(c, next).then(finish))
  })

/** The time of a request that is not the handler's own. A wait in a query is a part of the query's time. */
const namedMs = ({ queryMs, renderMs, hashMs, waitMs, queryWaitMs }: RequestCosts): number =>
  queryMs + renderMs + hashMs + waitMs - queryWaitMs

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
} from '@opentelemetry/api'
import type { Context } from 'hono'
import { createMiddleware } from 'hono/factory'
import { routePath } from 'hono/route'

import { log, requestEvent } from './log.ts'
import { measured } from './metrics.ts'
import { peerOf } from './peers.ts'
import { costsKey, newCosts, requestCosts, timeAt, type RequestCosts } from './query-tracing.ts'
import { Refusal } from './refusal.ts'
import { asker, type Env } from './web.ts'

const tracer = trace.getTracer('tracewren')
const knownMethods = new Set(
  'GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH QUERY'.split(' '),
)

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

/** The pattern of the route that answers, without regular expressions: `/favorite/:id`. Undefined when none does. */
export function routeOf(c: Context): string | undefined {
  const pattern = routePath(c)
  return pattern === '/*' || pattern === '*'
    ? undefined
    : pattern.replace(/\{(?:[^{}]|\{[^}]*\})*\}/g, '')
}

/**
 * One SERVER span, one log line and one measurement for each request. It continues the trace of a trusted proxy or
 * load generator; a request of htmx is a trace of its own with a link to the page that sent it.
 */
export const traceRequests = createMiddleware<Env>(async (c, next) => {
  const parent = peerOf(c).trusted
    ? propagation.extract(ROOT_CONTEXT, c.req.header())
    : ROOT_CONTEXT
  const method = knownMethods.has(c.req.method) ? c.req.method : 'HTTP'
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
    const ended = c.var.answeredAt ?? performance.now()
    const ms = ended - costs.started
    c.header('X-Trace-Id', span.spanContext().traceId)
    c.header('Server-Timing', serverTiming(span.spanContext(), costs, ms))
    const outcome = { ...describeRequest(c), ...describeAnswer(c), ...describeCosts(costs) }
    // One call: attributes that are given one by one, or at the start, cost several times as much.
    span.setAttributes(outcome)
    const route = outcome['http.route']
    if (typeof route === 'string') span.updateName(`${method} ${route}`)
    if (c.res.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
    measure(outcome, ms)
    log.info('request', { ...outcome, duration_ms: round(ms) }, requestEvent)
    span.end(timeAt(costs, ended))
  })
})

const round = (ms: number) => Math.round(ms * 1000) / 1000

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

function describeRequest(c: Context<Env>): Attributes {
  const url = new URL(c.req.url)
  const peer = peerOf(c)
  const known = knownMethods.has(c.req.method)
  return {
    'http.request.method': known ? c.req.method : '_OTHER',
    ...(!known && { 'http.request.method_original': c.req.method }),
    'url.path': url.pathname,
    'url.scheme': peer.scheme,
    ...(url.search && { 'url.query': url.search.slice(1) }),
    'client.address': peer.clientAddress,
    'network.peer.address': peer.address,
    'network.peer.port': peer.port,
    'network.protocol.version': c.env?.incoming?.httpVersion ?? '1.1',
    'server.address': url.hostname,
    ...(url.port && { 'server.port': Number(url.port) }),
    'user_agent.original': c.req.header('user-agent') ?? '',
    'app.asker': asker(c),
    ...(c.req.header('Sec-Purpose')?.includes('prefetch') && { 'app.prefetch': true }),
  }
}

function describeAnswer(c: Context<Env>): Attributes {
  const status = c.res.status
  const route = status === 405 ? undefined : routeOf(c)
  return {
    'http.response.status_code': status,
    ...(route !== undefined && { 'http.route': route }),
    ...(status >= 500 && { 'error.type': String(status) }),
    ...(c.error && { 'app.error.slug': c.error instanceof Refusal ? c.error.slug : 'unexpected' }),
    ...(c.var.visitor && { 'user.id': String(c.var.visitor.id) }),
  }
}

const describeCosts = (costs: RequestCosts): Attributes => ({
  'app.db.query_count': costs.queries,
  'app.db.duration_ms': round(costs.queryMs),
  'app.db.rows': costs.rows,
  'app.render.duration_ms': round(costs.renderMs),
  ...(costs.bytes > 0 && { 'http.response.body.size': costs.bytes }),
})

const serverTiming = (span: SpanContext, costs: RequestCosts, ms: number) =>
  `total;dur=${round(ms)}, db;dur=${round(costs.queryMs)};desc="${costs.queries} queries", ` +
  `render;dur=${round(costs.renderMs)}, traceparent;desc="${traceparentOf(span)}"`

function measure(outcome: Attributes, ms: number): void {
  const names = [
    'http.request.method',
    'url.scheme',
    'http.response.status_code',
    'http.route',
    'error.type',
    'network.protocol.version',
  ]
  const attributes = Object.fromEntries(
    names.flatMap((name) => (outcome[name] === undefined ? [] : [[name, outcome[name]]])),
  )
  measured().requests.record(ms / 1000, attributes)
}

/** An INTERNAL span named `<feature>.<deed>` around the rest of a route. */
export const traced = (name: string) =>
  createMiddleware<Env>((c, next) => {
    if (trace.getActiveSpan()?.isRecording() === false) return next()
    const costs = requestCosts()
    return tracer.startActiveSpan(name, costs ? { startTime: timeAt(costs) } : {}, async (span) => {
      await next()
      // Hono has already turned a thrown error into an answer here, so look for it rather than catch it.
      if (c.error && c.res.status >= 500) {
        span.setAttribute('error.type', c.error.name)
        span.setStatus({ code: SpanStatusCode.ERROR })
      }
      span.end(costs && timeAt(costs, c.var.answeredAt))
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
          'exception.type': error instanceof Error ? error.name : 'Error',
        })
      })
      .finally(() => span.end())
  })
}

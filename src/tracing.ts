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
import type { Context } from 'hono'
import { createMiddleware } from 'hono/factory'
import { routePath } from 'hono/route'

import { isLogged, log, requestEvent } from './log.ts'
import { Lru } from './lru.ts'
import { measured } from './metrics.ts'
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
function routeOf(c: Context): string | undefined {
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
    ? propagation.extract(ROOT_CONTEXT, c, headersOfRequest)
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
    const ended = c.get('answeredAt') ?? performance.now()
    const ms = elapsedMs(costs, ended)
    // Not `c.header`: on a finished answer that would turn the body into a stream, a tenth of a page's cost.
    c.res.headers.set('X-Trace-Id', span.spanContext().traceId)
    c.res.headers.set('Server-Timing', serverTiming(span.spanContext(), costs, ms))
    measure(c, ms)
    // Of ten requests nine are not sampled, and nobody reads what they would have said.
    if (span.isRecording() || isLogged('info')) {
      const facts: Attributes = {}
      describeRequest(c, facts)
      describeAnswer(c, facts)
      describeCosts(costs, facts)
      // One call: attributes that are given one by one, or at the start, cost several times as much.
      span.setAttributes(facts)
      const route = facts['http.route']
      if (typeof route === 'string') span.updateName(`${method} ${route}`)
      if (c.res.status >= 500) span.setStatus({ code: SpanStatusCode.ERROR })
      facts['duration_ms'] = round(ms)
      log.info('request', facts, requestEvent)
    }
    span.end(timeAt(costs, ended))
  })
})

/** Header by header: all of them at once would make node-server build a whole Request. */
const headersOfRequest: TextMapGetter<Context> = {
  get: (c, name) => c.req.header(name),
  keys: () => [],
}

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

// These three fill one object: an object that is put together from others costs ten microseconds.
function describeRequest(c: Context<Env>, facts: Attributes): void {
  const { origin, path, query } = splitUrl(c.req.url)
  const { hostname, port } = originOf(origin)
  const peer = peerOf(c)
  const known = knownMethods.has(c.req.method)
  facts['http.request.method'] = known ? c.req.method : '_OTHER'
  if (!known) facts['http.request.method_original'] = c.req.method
  facts['url.path'] = path
  facts['url.scheme'] = peer.scheme
  if (query) facts['url.query'] = query
  facts['client.address'] = peer.clientAddress
  facts['network.peer.address'] = peer.address
  facts['network.peer.port'] = peer.port
  facts['network.protocol.version'] = httpVersion(c)
  facts['server.address'] = hostname
  if (port) facts['server.port'] = Number(port)
  const agent = c.req.header('user-agent')
  if (agent) facts['user_agent.original'] = agent
  facts['app.asker'] = asker(c)
  if (c.req.header('Sec-Purpose')?.includes('prefetch')) facts['app.prefetch'] = true
}

const httpVersion = (c: Context<Env>) => c.env?.incoming?.httpVersion ?? '1.1'

/** Parsing a whole address costs as much as a query; ours differ in what comes after the origin. */
const origins = new Lru<URL>(100)
const originOf = (origin: string) => origins.get(origin, () => new URL(origin))

function splitUrl(url: string) {
  const path = url.indexOf('/', url.indexOf('://') + 3)
  const query = url.indexOf('?', path)
  return {
    origin: url.slice(0, path),
    path: url.slice(path, query < 0 ? undefined : query),
    query: query < 0 ? '' : url.slice(query + 1),
  }
}

/** A wrong method is answered before any route. */
const answeredRoute = (c: Context<Env>) => (c.res.status === 405 ? undefined : routeOf(c))

function describeAnswer(c: Context<Env>, facts: Attributes): void {
  const status = c.res.status
  const route = answeredRoute(c)
  facts['http.response.status_code'] = status
  if (route !== undefined) facts['http.route'] = route
  if (status >= 500) facts['error.type'] = String(status)
  if (c.get('slug')) facts['app.error.slug'] = c.get('slug')
  const visitor = c.get('visitor')
  if (visitor) facts['user.id'] = String(visitor.id)
}

function describeCosts(costs: RequestCosts, facts: Attributes): void {
  facts['app.db.query_count'] = costs.queries
  facts['app.db.duration_ms'] = round(costs.queryMs)
  facts['app.db.rows'] = costs.rows
  facts['app.render.duration_ms'] = round(costs.renderMs)
  if (costs.bytes > 0) facts['http.response.body.size'] = costs.bytes
}

const serverTiming = (span: SpanContext, costs: RequestCosts, ms: number) =>
  `total;dur=${round(ms)}, db;dur=${round(costs.queryMs)};desc="${costs.queries} queries", ` +
  `render;dur=${round(costs.renderMs)}, traceparent;desc="${traceparentOf(span)}"`

function measure(c: Context<Env>, ms: number): void {
  const status = c.res.status
  const route = answeredRoute(c)
  const facts: Attributes = {
    'http.request.method': knownMethods.has(c.req.method) ? c.req.method : '_OTHER',
    'url.scheme': peerOf(c).scheme,
    'http.response.status_code': status,
    'network.protocol.version': httpVersion(c),
  }
  if (route !== undefined) facts['http.route'] = route
  if (status >= 500) facts['error.type'] = String(status)
  measured().requests.record(ms / 1000, facts)
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
        span.setAttribute('error.type', failureOf(behindQuery(c.error)))
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
          'exception.type': error instanceof Error ? error.name : 'Error',
        })
      })
      .finally(() => span.end())
  })
}

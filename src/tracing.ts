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
} from '@opentelemetry/api'
import type { Context } from 'hono'
import { createMiddleware } from 'hono/factory'
import { routePath } from 'hono/route'

import { peerOf } from './peers.ts'
import { Refusal } from './refusal.ts'
import type { Env } from './web.ts'

const tracer = trace.getTracer('tracewren')
const knownMethods = new Set(
  'GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH QUERY'.split(' '),
)

/** Adds facts to the span that is active: counts and ids, never texts, addresses or secrets. */
export const annotate = (attributes: Attributes): void => {
  trace.getActiveSpan()?.setAttributes(attributes)
}

/** The id of the active trace, 32 hex digits; undefined when nothing is traced. */
export const traceId = (): string | undefined => {
  const spanContext = trace.getActiveSpan()?.spanContext()
  return spanContext && trace.isSpanContextValid(spanContext) ? spanContext.traceId : undefined
}

/** The trace and span ids of the active span, for a log line; empty when nothing is traced. */
export const logIds = (): { trace_id?: string; span_id?: string } => {
  const spanContext = trace.getActiveSpan()?.spanContext()
  if (!spanContext || !trace.isSpanContextValid(spanContext)) return {}
  return { trace_id: spanContext.traceId, span_id: spanContext.spanId }
}

/** The pattern of the route that answers, without regular expressions: `/favorite/:id`. Undefined when none does. */
export function routeOf(c: Context): string | undefined {
  const pattern = routePath(c)
  return pattern === '/*' || pattern === '*' ? undefined : pattern.replace(/\{[^}]*\}/g, '')
}

/** One SERVER span for each request; it continues the trace of a trusted proxy or load generator. */
export const traceRequests = createMiddleware<Env>(async (c, next) => {
  const peer = peerOf(c)
  const parent = peer.trusted ? propagation.extract(ROOT_CONTEXT, c.req.header()) : ROOT_CONTEXT
  const method = knownMethods.has(c.req.method) ? c.req.method : 'HTTP'
  const span = tracer.startSpan(method, { kind: SpanKind.SERVER }, parent)
  if (!span.isRecording() && !trace.isSpanContextValid(span.spanContext())) return next()
  if (span.isRecording()) span.setAttributes(requestAttributes(c))
  return context.with(trace.setSpan(parent, span), async () => {
    await next()
    c.header('X-Trace-Id', span.spanContext().traceId)
    if (span.isRecording()) describeAnswer(c, span, method)
    span.end()
  })
})

function requestAttributes(c: Context<Env>): Attributes {
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
  }
}

function describeAnswer(c: Context<Env>, span: Span, method: string): void {
  const route = c.res.status === 405 ? undefined : routeOf(c)
  if (route) span.updateName(`${method} ${route}`)
  const failed = c.res.status >= 500
  span.setAttributes({
    'http.response.status_code': c.res.status,
    ...(route && { 'http.route': route }),
    ...(failed && { 'error.type': String(c.res.status) }),
    ...(c.error && { 'app.error.slug': c.error instanceof Refusal ? c.error.slug : 'unexpected' }),
    ...(c.var.visitor && { 'user.id': String(c.var.visitor.id) }),
  })
  if (failed) span.setStatus({ code: SpanStatusCode.ERROR })
}

/** An INTERNAL span named `<feature>.<deed>` around the rest of a route. */
export const traced = (name: string) =>
  createMiddleware<Env>((c, next) =>
    tracer.startActiveSpan(name, async (span) => {
      await next()
      // Hono has already turned a thrown error into an answer here, so look for it rather than catch it.
      if (c.error && c.res.status >= 500) {
        span.setAttribute('error.type', c.error.name)
        span.setStatus({ code: SpanStatusCode.ERROR })
      }
      span.end()
    }),
  )

/** What a query span says: its summary, its SQL with placeholders, and how many statements a batch has. */
export type QueryFacts = { summary: string; text: string; namespace: string; batchSize: number }

/** A CLIENT span around one query; `rows` reads the number of rows from its result. */
export async function traceQuery<T>(
  facts: QueryFacts,
  run: () => Promise<T>,
  rows: (result: T) => number,
): Promise<T> {
  const span = tracer.startSpan(facts.summary, { kind: SpanKind.CLIENT })
  if (!span.isRecording()) return run()
  span.setAttributes({
    'db.system.name': 'sqlite',
    'db.namespace': facts.namespace,
    'db.query.summary': facts.summary,
    'db.query.text': facts.text,
    ...(facts.batchSize > 1 && { 'db.operation.batch.size': facts.batchSize }),
  })
  try {
    // A libSQL server is reached by fetch, whose own span belongs under this one.
    const result = await context.with(trace.setSpan(context.active(), span), run)
    span.setAttribute('db.response.returned_rows', rows(result))
    return result
  } catch (error) {
    const code = error instanceof Error && 'extendedCode' in error ? error.extendedCode : undefined
    const type = code ?? (error instanceof Error ? error.name : 'Error')
    span.setAttributes({
      'error.type': String(type),
      ...(code ? { 'db.response.status_code': String(code) } : {}),
    })
    span.setStatus({ code: SpanStatusCode.ERROR })
    throw error
  } finally {
    span.end()
  }
}

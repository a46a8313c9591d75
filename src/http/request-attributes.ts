// The attributes of a request's span, log line and metric: those of OpenTelemetry's semantic conventions, and our own.
// Names that are not stable yet are written as text: the package advises against importing its unstable names. So are all names
// in literals: V8 calls its runtime for a name in a variable, a microsecond each where the code is not fully optimized.
import type { Attributes } from '@opentelemetry/api'
import {
  ATTR_ERROR_TYPE,
  ATTR_HTTP_REQUEST_METHOD_ORIGINAL,
  ATTR_HTTP_ROUTE,
  ATTR_SERVER_PORT,
  ATTR_URL_QUERY,
  ATTR_USER_AGENT_ORIGINAL,
} from '@opentelemetry/semantic-conventions'
import type { Context } from 'hono'
import { routePath } from 'hono/route'

import { Lru } from '../base/lru.ts'
import { faultPoints } from '../telemetry/fault-points.ts'
import { measured } from '../telemetry/metrics.ts'
import type { RequestCosts } from '../telemetry/query-tracing.ts'
import { clientOf } from './client-address.ts'
import { clientKind, type Env } from './context.ts'
import { takesAnyName } from './redaction.ts'

// What a request says in one of few words is recorded as that word, not as its own copy of it: the inspector keeps it.

const knownMethods = new Map(
  'GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH QUERY'
    .split(' ')
    .map((method) => [method, method]),
)

/** The method when it is one of HTTP's, else undefined, so that clients cannot choose names of spans and metrics. */
export const knownMethod = (method: string): string | undefined => knownMethods.get(method)

/** Rounds milliseconds to three decimals. */
export const round = (ms: number) => Math.round(ms * 1000) / 1000

/** Writes milliseconds with three decimals: `0.310`. From two integers, because V8 takes 2 us to write a fraction. */
export function thousandths(ms: number): string {
  const all = Math.round(ms * 1000)
  const last = all % 1000
  return `${(all - last) / 1000}.${last < 10 ? '00' : last < 100 ? '0' : ''}${last}`
}

/**
 * The attributes of the SERVER span and of the log line of a finished request. Those that every request has are one literal:
 * with more than twelve set one by one it would be a hash table (plain-span.ts).
 */
export function requestAttributes(c: Context<Env>, costs: RequestCosts): Attributes {
  const route = answeredRoute(c)
  const { origin, path, query } = addressOf(c, route)
  const { hostname, port } = serverOf(origin)
  const peer = clientOf(c)
  const attributes: Attributes = {
    'http.request.method': knownMethod(c.req.method) ?? '_OTHER',
    'url.path': path === route ? route : path,
    'url.scheme': peer.scheme,
    'client.address': peer.clientAddress,
    'network.peer.address': peer.address,
    'network.peer.port': peer.port,
    'network.protocol.version': httpVersion(c),
    'server.address': hostname,
    'http.response.status_code': c.res.status,
    'app.client.kind': clientKind(c),
    'app.db.query_count': costs.queries,
    'app.db.duration_ms': round(costs.queryMs),
    'app.db.rows': costs.rows,
    'app.render.duration_ms': round(costs.renderMs),
    'app.middleware.duration_ms': round(costs.middlewareMs),
    'app.handler.duration_ms': round(costs.handlerMs),
  }
  if (query) attributes[ATTR_URL_QUERY] = query
  if (port !== undefined) attributes[ATTR_SERVER_PORT] = port
  describeSender(c, attributes)
  describeAnswer(c, attributes, route)
  if (costs.waitMs > 0) attributes['app.wait.duration_ms'] = round(costs.waitMs)
  if (costs.hashMs > 0) attributes['app.password.duration_ms'] = round(costs.hashMs)
  if (costs.bytes > 0) attributes['http.response.body.size'] = costs.bytes
  return attributes
}

function describeSender(c: Context<Env>, attributes: Attributes): void {
  if (!knownMethod(c.req.method)) attributes[ATTR_HTTP_REQUEST_METHOD_ORIGINAL] = c.req.method
  const agent = c.req.header('user-agent')
  if (agent) attributes[ATTR_USER_AGENT_ORIGINAL] = agent
  if (c.req.header('Sec-Purpose')?.includes('prefetch')) attributes['app.prefetch'] = true
}

function httpVersion(c: Context<Env>): string {
  const version = c.env?.incoming?.httpVersion ?? '1.1'
  return version === '1.1' ? '1.1' : version
}

/** Cached by origin, because parsing a URL costs as much as a query, and most requests have the same origin. */
const servers = new Lru<{ hostname: string; port: number | undefined }>(100)
const serverOf = (origin: string) =>
  servers.get(origin, () => {
    const { hostname, port } = new URL(origin)
    return { hostname, port: port === '' ? undefined : Number(port) }
  })

/** The parts of the URL, redacted as far as needed. */
function addressOf(c: Context<Env>, route: string | undefined) {
  const { origin, path, query } = splitUrl(c.req.url)
  // The usual case, a known route without a query string, needs no redaction.
  if (query === '' && route !== undefined && !takesAnyName(route)) return { origin, path, query }
  const { method, path: routed } = c.req
  const isServed = route !== undefined && c.res.status < 400
  return { origin, ...c.get('redaction')({ method, routed, path, query, isServed }) }
}

/** Splits a URL into origin, path and query. Drops a fragment, which browsers do not send. */
function splitUrl(url: string) {
  const path = url.indexOf('/', url.indexOf('://') + 3)
  const fragment = url.indexOf('#', path)
  const end = fragment < 0 ? url.length : fragment
  const mark = url.indexOf('?', path)
  const query = mark < 0 || mark > end ? end : mark
  return {
    origin: url.slice(0, path),
    path: url.slice(path, query),
    query: url.slice(query + 1, end),
  }
}

/**
 * The route that answered, or that a request which was refused before it would have reached. With 405 it is undefined: a
 * wrong method is answered before any route.
 */
function answeredRoute(c: Context<Env>): string | undefined {
  if (c.res.status === 405) return undefined
  const route = routeOf(routePath(c))
  if (route !== undefined || c.res.status < 400) return route
  const destination = c.get('destination')(c.req.method, c.req.path)
  return destination === undefined ? undefined : routeOf(destination)
}

/** The route as spans and metrics have it: itself, but while a fault gives it many names. */
const recordedRoute = (c: Context<Env>, route: string): string =>
  faultPoints.nameRoute
    ? faultPoints.nameRoute(route, { method: c.req.method, status: c.res.status, key: c })
    : route

function describeAnswer(c: Context<Env>, attributes: Attributes, route: string | undefined): void {
  const status = c.res.status
  if (route !== undefined) attributes[ATTR_HTTP_ROUTE] = recordedRoute(c, route)
  if (status >= 500) attributes[ATTR_ERROR_TYPE] = String(status)
  if (c.get('errorCode')) attributes['app.error.slug'] = c.get('errorCode')
  const visitor = c.get('visitor')
  if (visitor) attributes['user.id'] = String(visitor.id)
  const fields = c.get('formFields')
  if (fields && fields.length > 0) attributes['app.form.fields'] = fields
}

/** Health checks come from machines every few seconds: in metrics, an idle instance would consist of them. */
const healthChecks = new Set<string | undefined>(['/livez', '/readyz'])

/** Adds the request's duration (ms) to the metric http.server.request.duration, with few attributes. */
export function measure(c: Context<Env>, ms: number): void {
  if (!measured().areExported) return
  const status = c.res.status
  const route = answeredRoute(c)
  if (healthChecks.has(route)) return
  const attributes: Attributes = {
    'http.request.method': knownMethod(c.req.method) ?? '_OTHER',
    'url.scheme': clientOf(c).scheme,
    'http.response.status_code': status,
    'network.protocol.version': httpVersion(c),
  }
  if (route !== undefined) attributes[ATTR_HTTP_ROUTE] = recordedRoute(c, route)
  if (status >= 500) attributes[ATTR_ERROR_TYPE] = String(status)
  measured().requests.record(ms / 1000, attributes)
}

/** The routes of all patterns that were seen: as many as there are routes. */
const routes = new Map<string, string>()

/** A pattern without regular expressions: `/favorite/:id`. Undefined for that of middleware: no route matches. */
function routeOf(pattern: string): string | undefined {
  if (pattern === '/*' || pattern === '*') return undefined
  let route = routes.get(pattern)
  if (route === undefined) {
    route = pattern.replace(/\{(?:[^{}]|\{[^}]*\})*\}/g, '')
    routes.set(pattern, route)
  }
  return route
}

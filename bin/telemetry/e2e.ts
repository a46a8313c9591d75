// Follows one request end to end: one trace with the spans of nginx, app, handler and queries; its log lines in Loki; its
// exemplars in Mimir.
import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'

import type { Sink } from '../../test/otlp-sink.ts'
import { exemplarsOf, linesOf, type Backends } from './backends.ts'
import type { BrowserClick } from './browser.ts'
import { logsOfTrace } from './dashboards.ts'

export type Click = { traceId: string; spanId: string; status: number; headers: Headers }

type Span = {
  name: string
  kind: number
  spanId: string
  parentSpanId: string
  attributes: Record<string, unknown>
}

/** Repeats a check until it passes. After 60 s, throws the error of the last attempt. */
async function eventually(check: () => Promise<void>): Promise<void> {
  for (const giveUp = Date.now() + 60_000; ; await pause(500)) {
    try {
      return await check()
    } catch (error) {
      if (Date.now() > giveUp) throw error
    }
  }
}

/** Checks a request that carried a `traceparent`: nginx continues that trace. */
export async function proveClick(
  click: Click,
  backends: Backends,
  sink: Sink | undefined,
): Promise<void> {
  assert.equal(click.status, 200)
  assert.equal(click.headers.get('X-Trace-Id'), click.traceId)
  await eventually(async () => proveTrace(click, await spansOf(click.traceId, backends, sink)))
  await eventually(() => proveLines(click, backends))
  await eventually(() =>
    proveExemplars(click, backends, placesOf('nginx', 'app', 'handler', 'query')),
  )
}

/** Checks a click in a browser, which sends no `traceparent`: the app's span is the root and names the page's trace, and nginx logs its ids. */
export async function proveBrowserClick(
  click: BrowserClick,
  backends: Backends,
  sink: Sink | undefined,
): Promise<void> {
  await eventually(async () => {
    const spans = await spansOf(click.traceId, backends, sink)
    const app = proveApp('', spans)
    assert.equal(app.attributes['app.client.kind'], 'partial')
    assert.equal(app.attributes['app.page.trace_id'], click.pageTraceId)
    const page = await spansOf(click.pageTraceId, backends, sink)
    assert.ok(page.some(({ name }) => name === 'GET /timeline'))
  })
  await eventually(() => proveLines(click, backends))
  await eventually(() => proveExemplars(click, backends, placesOf('app', 'handler', 'query')))
}

const spansOf = async (id: string, { tempo }: Backends, sink: Sink | undefined): Promise<Span[]> =>
  sink ? sink.spans().filter(({ traceId }) => traceId === id) : await fromTempo(id, tempo!)

/**
 * The attributes with names from before the stable HTTP conventions (2023). nginx's module and Locust's instrumentation
 * write them unless they are configured or the Collector renames them.
 */
export const oldNames = (attributes: Record<string, unknown>): string[] =>
  Object.keys(attributes).filter((name) =>
    /^(?:net\.|http\.(?:method|url|host|target|scheme|flavor|user_agent|status_code|request_content_length|response_content_length)$)/.test(
      name,
    ),
  )

function proveTrace({ spanId }: Click, spans: Span[]): void {
  const nginx = spans.find((span) => span.spanId === spanId)
  assert.ok(nginx, 'the trace has no span of nginx')
  assert.equal(
    nginx.attributes['http.route'],
    undefined,
    'the text of an nginx location is not a route',
  )
  const expected = {
    'http.request.method': 'POST',
    'http.response.status_code': 200,
    'http.request.body.size': 0,
    'http.response.body.size': 1,
    'url.path': '/favorite/7',
    'url.scheme': 'http',
    'user_agent.original': 'test',
    'network.protocol.version': '1.1',
    'network.peer.address': '127.0.0.1',
    'network.peer.port': 40_000,
    'client.address': '127.0.0.1',
    'server.address': '127.0.0.1',
    'server.port': 8080,
  }
  assert.deepEqual(
    Object.fromEntries(Object.keys(expected).map((name) => [name, nginx.attributes[name]])),
    expected,
  )
  proveApp(spanId, spans)
}

/** Checks the tree of spans: the app under its parent, the handler under the app, the queries under both, no orphan. */
function proveApp(parentSpanId: string, spans: Span[]): Span {
  const app = spans.find((span) => span.kind === 2 && span.parentSpanId === parentSpanId)
  assert.equal(app?.name, 'POST /favorite/:id')
  // Beside it, what took a millisecond or more: the middleware, a wait.
  const handler = spans.find((span) => span.name === 'favorites.create')
  assert.ok(handler, 'the trace has no handler span')
  assert.deepEqual([handler.kind, handler.parentSpanId], [1, app.spanId])
  const queries = spans.filter(({ attributes }) => 'db.query.summary' in attributes)
  assert.ok(
    queries.some((span) => span.parentSpanId === handler.spanId),
    'the handler span has no query span',
  )
  assert.equal(queries.length, app.attributes['app.db.query_count'])
  const known = new Set(spans.map((span) => span.spanId))
  const orphans = spans.filter((span) => !known.has(span.parentSpanId))
  assert.equal(orphans.length, 1, 'the trace has one root, and every other span has its parent')
  return app
}

async function proveLines({ traceId }: { traceId: string }, backends: Backends): Promise<void> {
  const find = (service: string) =>
    linesOf(`{service_name="${service}"} | trace_id="${traceId}"`, backends)
  const [line, more] = await find('twitter-app')
  assert.equal(more, undefined)
  assert.equal(line?.line, 'request')
  assert.equal(line.labels['http_route'], '/favorite/:id')
  assert.equal(line.labels['http_response_status_code'], '200')
  const linked = await linesOf(logsOfTrace(traceId), backends)
  assert.deepEqual(
    new Set(linked.map(({ labels }) => labels['service_name'])),
    new Set(['nginx', 'twitter-app']),
    'the link from a span to its logs finds the lines of both services',
  )
  const [access] = await find('nginx')
  assert.ok(access, 'the access log has no line with this trace id')
  assert.equal(access.labels['detected_level'], 'info')
  const path = line.labels['url_path']
  assert.match(path ?? '', /^\/favorite\/\d+$/)
  assert.equal(access.labels['url_path'], path)
  assert.equal(access.labels['http_response_status_code'], '200')
  assert.equal((JSON.parse(access.line) as Record<string, string>)['path'], path)
}

const duration = (selector: string) => `traces_spanmetrics_duration_seconds_bucket{${selector}}`
/** The span metrics in which the exemplars of a request are looked up, by component. */
const durations = {
  nginx: duration('service_name="nginx"'),
  app: duration('service_name="$app", http_route="/favorite/:id"'),
  handler: duration('service_name="$app", span_name="favorites.create"'),
  query: duration('service_name="$app", db_query_summary=~"INSERT favorites.*"'),
}
const placesOf = (...names: (keyof typeof durations)[]) =>
  names.map((name) => [name, durations[name]] as const)

/** Checks that the span metrics of each place have an exemplar with this trace id. */
async function proveExemplars(
  { traceId }: { traceId: string },
  backends: Backends,
  places: (readonly [place: string, expr: string])[],
): Promise<void> {
  for (const [place, expr] of places) {
    const found = (await exemplarsOf(expr, backends)).flatMap(({ exemplars }) => exemplars)
    assert.ok(
      found.some(({ labels }) => labels['trace_id'] === traceId),
      `there is no exemplar of this trace for ${place}`,
    )
  }
}

type TempoSpan = {
  name: string
  kind: string
  spanId: string
  parentSpanId?: string
  attributes?: { key: string; value: Record<string, unknown> }[]
}
type TempoTrace = { trace: { resourceSpans: { scopeSpans: { spans: TempoSpan[] }[] }[] } }
const kinds = ['', 'SPAN_KIND_INTERNAL', 'SPAN_KIND_SERVER', 'SPAN_KIND_CLIENT']
const toHex = (base64: string) => Buffer.from(base64, 'base64').toString('hex')

async function fromTempo(traceId: string, tempo: string): Promise<Span[]> {
  const answer = await fetch(`${tempo}/api/v2/traces/${traceId}`)
  assert.equal(answer.status, 200, 'Tempo has no such trace')
  const { trace } = (await answer.json()) as TempoTrace
  return trace.resourceSpans
    .flatMap(({ scopeSpans }) => scopeSpans)
    .flatMap(({ spans }) => spans)
    .map((span) => ({
      name: span.name,
      kind: kinds.indexOf(span.kind),
      spanId: toHex(span.spanId),
      parentSpanId: toHex(span.parentSpanId ?? ''),
      attributes: Object.fromEntries(
        (span.attributes ?? []).map(({ key, value }) => [
          key,
          'intValue' in value ? Number(value['intValue']) : Object.values(value)[0],
        ]),
      ),
    }))
}

// The real Collector with our configuration, and a sink instead of its backends: input and output.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { freePort } from '../bin/free-port.ts'
import { startSink, type Sink } from './otlp-sink.ts'
import { scratch } from './process.ts'
import { has, start } from './programs.ts'
import { addresses, canary, declaredParameters, oddAddresses } from './redacted.ts'

const folder = fileURLToPath(new URL('../observability/collector/', import.meta.url))
const config = `${folder}config.yaml`
const contrib = readFileSync(`${folder}contrib.yaml`, 'utf8')

/** The Collector with our configuration, and a sink instead of all three backends. */
async function collector(
  sink: Pick<Sink, 'url'>,
  extra: string[] = [],
  more: Record<string, string> = {},
) {
  const [http, grpc, health] = [await freePort(), await freePort(), await freePort()]
  const env = {
    LISTEN: '127.0.0.1',
    HTTP_PORT: String(http),
    GRPC_PORT: String(grpc),
    HEALTH_PORT: String(health),
    TEMPO_URL: sink.url,
    LOKI_URL: sink.url,
    MIMIR_URL: sink.url,
    SAMPLING_WAIT: '1s',
    METRICS_FLUSH: '1s',
    ...more,
  }
  const args = ['--config', config, ...extra]
  const running = await start('otelcol', { args, env }, `http://127.0.0.1:${health}/`)
  return { ...running, url: `http://127.0.0.1:${http}` }
}

const pairs = (attributes: Record<string, string | number>) =>
  Object.entries(attributes).map(([key, value]) => ({
    key,
    value: typeof value === 'number' ? { intValue: value } : { stringValue: value },
  }))
const post = (url: string, body: unknown) =>
  fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  })
const trace = 'aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbb'
const now = () => `${Date.now()}000000`

test("nginx's old attribute names are replaced by the stable ones, and health checks are dropped", async (t) => {
  if (!has(t, 'otelcol')) return
  await using sink = await startSink()
  await using running = await collector(sink)
  const old = {
    'http.method': 'GET',
    'http.target': '/search?q=a&b=%3F',
    'http.route': '/',
    'http.scheme': 'http',
    'http.flavor': '1.1',
    'http.user_agent': 'test',
    'http.request_content_length': 0,
    'http.response_content_length': 512,
    'http.status_code': 500,
    'net.host.name': 'birds.example',
    'net.host.port': 8080,
    'net.sock.peer.addr': '192.0.2.7',
    'net.sock.peer.port': 40000,
  }
  const span = (spanId: string, name: string, attributes: Record<string, string | number>) => ({
    traceId: trace,
    spanId,
    name,
    kind: 2,
    startTimeUnixNano: now(),
    endTimeUnixNano: now(),
    attributes: pairs(attributes),
  })
  const of = (service: string, spans: unknown[]) => ({
    resource: { attributes: pairs({ 'service.name': service, 'service.namespace': 'twitter' }) },
    scopeSpans: [{ scope: { name: 'nginx' }, spans }],
  })
  const sent = await post(`${running.url}/v1/traces`, {
    resourceSpans: [
      of('nginx', [span('1111111111111111', 'GET', old)]),
      of('twitter-app', [
        span('2222222222222222', 'GET /readyz', { 'url.path': '/readyz' }),
        span('3333333333333333', 'GET /', { 'url.path': '/', 'http.route': '/' }),
        { ...span('4444444444444444', 'SELECT tweets', {}), kind: 3 },
      ]),
    ],
  })
  assert.equal(sent.status, 200)
  await sink.until(() => sink.deliveries.some(({ signal }) => signal === 'traces'))
  const spans = sink.spans()
  assert.deepEqual(spans.map(({ name }) => name).sort(), ['GET', 'GET /', 'SELECT tweets'])
  assert.deepEqual(spans.find(({ name }) => name === 'GET')!.attributes, {
    'http.request.method': 'GET',
    'http.response.status_code': 500,
    'error.type': '500',
    'http.request.body.size': 0,
    'http.response.body.size': 512,
    'url.scheme': 'http',
    'url.path': '/search',
    'url.query': 'q=a&b=REDACTED',
    'user_agent.original': 'test',
    'network.protocol.version': '1.1',
    'server.address': 'birds.example',
    'server.port': 8080,
    'network.peer.address': '192.0.2.7',
    'network.peer.port': 40000,
    'client.address': '192.0.2.7',
  })
  assert.equal(spans.find(({ name }) => name === 'GET /')!.attributes['http.route'], '/')
  await sink.until(() => sink.metrics().some(({ name }) => name === 'traces.spanmetrics.duration'))
  const duration = sink.metrics().find(({ name }) => name === 'traces.spanmetrics.duration')!
  assert.equal(duration.unit, 's')
  await sink.until(() => sink.metrics().some(({ name }) => name === 'traces.spanmetrics.latency'))
  const latency = sink.metrics().find(({ name }) => name === 'traces.spanmetrics.latency')!
  assert.equal(latency.unit, '', 'a unit would become a part of the name that Explore reads')
  assert.deepEqual(
    new Set(latency.points.map(({ attributes }) => attributes['span.kind'])),
    new Set(['SPAN_KIND_SERVER']),
  )
  assert.ok(duration.points.length > latency.points.length)
  assert.doesNotMatch(running.printed(), /deprecat|alias/i)
})

test("URLs in nginx's spans contain only values that the route declares", async (t) => {
  if (!has(t, 'otelcol')) return
  await using sink = await startSink()
  await using running = await collector(sink)
  const routes = declaredParameters()
  const names = [...new Set(routes.flatMap(({ parameters }) => parameters))]
  const declared = routes.flatMap(({ address, parameters }) =>
    names
      .filter((name) => name !== 'next' || parameters.includes(name))
      .map((name): [string, string] => [
        `${address}?${name}=/a`,
        `${address}?${name}=${parameters.includes(name) ? '/a' : 'REDACTED'}`,
      ]),
  )
  // Here a name without a value is dropped, and `x > y` is not a name of a parameter.
  const cases: [string, string | undefined][] = [
    ...addresses.filter(([asked]) => !asked.endsWith('&q')),
    ...declared,
    ['HEAD /search?q=a', '/search?q=a'],
    ['POST /search?q=CANARY7', '/search?q=REDACTED'],
    ...oddAddresses.map((asked): [string, undefined] => [asked, undefined]),
  ]
  const spans = cases.map(([target], index) => ({
    traceId: trace,
    spanId: (index + 1).toString(16).padStart(16, '0'),
    name: String(index),
    kind: 2,
    startTimeUnixNano: now(),
    endTimeUnixNano: now(),
    attributes: pairs({
      'http.method': target.startsWith('/') ? 'GET' : target.split(' ')[0]!,
      'http.target': target.split(' ').at(-1)!,
    }),
  }))
  await post(`${running.url}/v1/traces`, {
    resourceSpans: [
      { resource: { attributes: pairs({ 'service.name': 'nginx' }) }, scopeSpans: [{ spans }] },
    ],
  })
  await sink.until(() => sink.spans().length === cases.length)
  for (const { name, attributes } of sink.spans()) {
    const [asked, shown] = cases[Number(name)]!
    const { 'url.path': path, 'url.query': query, 'http.request.method': _, ...others } = attributes
    assert.deepEqual(others, {}, asked)
    const said = [path, query].filter((part) => part !== undefined).join('?')
    assert.ok(!said.includes(canary), `${asked}: ${said}`)
    if (shown !== undefined) assert.equal(said, shown, asked)
  }
  assert.doesNotMatch(running.printed(), /failed to execute/)
})

/** A span of the app that ended now. */
const ended = (name: string, traceId: string, more: { ms?: number; failed?: boolean } = {}) => ({
  traceId,
  spanId: traceId.slice(0, 16),
  name,
  kind: 2,
  startTimeUnixNano: `${Date.now() - (more.ms ?? 1)}000000`,
  endTimeUnixNano: now(),
  ...(more.failed && { status: { code: 2 } }),
})
const ofApp = (...spans: unknown[]) => ({
  resourceSpans: [
    { resource: { attributes: pairs({ 'service.name': 'app' }) }, scopeSpans: [{ spans }] },
  ],
})

test('failed and slow traces are kept at any sampling ratio, and all are counted', async (t) => {
  if (!has(t, 'otelcol')) return
  await using sink = await startSink()
  await using running = await collector(sink, [], { SAMPLING_PERCENTAGE: '0' })
  const spans = [
    ended('quick', '1'.repeat(32)),
    ended('failed', '2'.repeat(32), { failed: true }),
    ended('slow', '3'.repeat(32), { ms: 700 }),
  ]
  await post(`${running.url}/v1/traces`, ofApp(...spans))
  const calls = () => sink.metrics().find(({ name }) => name === 'traces.spanmetrics.calls')?.points
  await sink.until(() => sink.spans().length === 2 && calls()?.length === 3)
  assert.deepEqual(
    sink
      .spans()
      .map(({ name }) => name)
      .sort(),
    ['failed', 'slow'],
  )
})

test('a backend that fails for a while gets all data afterwards', async (t) => {
  if (!has(t, 'otelcol')) return
  const port = await freePort()
  await using running = await collector({ url: `http://127.0.0.1:${port}` })
  await post(`${running.url}/v1/traces`, ofApp(ended('patient', '4'.repeat(32))))
  await pause(4000)
  await using sink = await startSink(undefined, port)
  await sink.until(() => sink.spans().some(({ name }) => name === 'patient'))
})

test('in the service graph, nginx is a client of the app', async (t) => {
  if (!has(t, 'otelcol')) return
  using place = scratch()
  await using sink = await startSink()
  // The service graph needs the contrib distribution: here its spans go to the same sink as the others.
  const part = `${place.folder}/part.yaml`
  const processors = /^processors:\n(?:.*\n)*?(?=^connectors:)/m.exec(contrib)![0]
  const graph = /^ {4}traces\/graph:\n(?: {6}.*\n)+/m.exec(contrib)![0]
  writeFileSync(
    part,
    `${processors}service:\n  pipelines:\n${graph.replace('service_graph', 'otlp_http/tempo')}`,
  )
  await using running = await collector(sink, ['--config', part])
  const spans = ['nginx', 'twitter-app'].map((service) => ({
    resource: { attributes: pairs({ 'service.name': service }) },
    scopeSpans: [
      {
        spans: [
          {
            traceId: trace,
            spanId: service === 'nginx' ? '1111111111111111' : '2222222222222222',
            name: service,
            kind: 2,
            startTimeUnixNano: now(),
            endTimeUnixNano: now(),
          },
        ],
      },
    ],
  }))
  await post(`${running.url}/v1/traces`, { resourceSpans: spans })
  await sink.until(() => sink.spans().length === 3)
  assert.deepEqual(
    sink
      .spans()
      .map(({ name, kind, attributes }) => [name, kind, attributes['peer.service'] ?? ''].join())
      .sort(),
    ['nginx,2,', 'nginx,3,twitter-app', 'twitter-app,2,'],
  )
})

test("a line of nginx's access log gets stable names and its trace", async (t) => {
  if (!has(t, 'otelcol')) return
  using place = scratch()
  await using sink = await startSink()
  // Only the processor is tested: the file receiver needs the contrib distribution.
  const processors = /^processors:\n(?:.*\n)*?(?=^connectors:)/m.exec(contrib)![0]
  const part = `${place.folder}/part.yaml`
  writeFileSync(
    part,
    `${processors}service:\n  pipelines:\n    logs:\n      processors: [transform/nginx_access]\n`,
  )
  await using running = await collector(sink, ['--config', part])
  const line = {
    time: '2026-01-01T00:00:00+00:00',
    host: '192.0.2.7',
    vhost: 'birds.example',
    user: '',
    status: '404',
    protocol: 'HTTP/1.1',
    method: 'GET',
    path: '/search?q=a',
    req: 'GET /search?q=a HTTP/1.1',
    size: '512',
    reqtime: '0.020',
    apptime: '0.019',
    user_agent: 'test',
    forwardedfor: '',
    forwardedproto: '',
    referrer: '',
    'service.namespace': 'twitter',
    'service.name': 'nginx',
    'trace.id': trace,
    'span.id': '1111111111111111',
  }
  const lines = [
    line,
    { ...line, apptime: '', 'trace.id': '', 'span.id': '' },
    { ...line, apptime: '0.001, 0.002' },
    { ...line, apptime: '-' },
  ]
  const records = lines.map((one) => ({
    timeUnixNano: now(),
    body: { stringValue: JSON.stringify(one) },
    attributes: pairs({ ...one, 'log.file.name': 'access.log' }),
  }))
  await post(`${running.url}/v1/logs`, { resourceLogs: [{ scopeLogs: [{ logRecords: records }] }] })
  await sink.until(() => sink.logs().length === lines.length)
  const [traced, file, twice] = sink.logs()
  assert.equal(traced!.traceId, trace)
  assert.equal(traced!.spanId, '1111111111111111')
  assert.equal(file!.traceId, '')
  assert.deepEqual(traced!.attributes, {
    'http.request.method': 'GET',
    'http.response.status_code': 404,
    'http.response.body.size': 512,
    'url.path': '/search',
    'client.address': '192.0.2.7',
    'server.address': 'birds.example',
    'user_agent.original': 'test',
    'event.name': 'nginx.access',
    duration_s: 0.02,
    'upstream.duration_s': 0.019,
  })
  assert.equal(twice!.attributes['upstream.duration_s'], undefined)
  assert.doesNotMatch(running.printed(), /failed to execute/)
})

test("query strings are removed from nginx's error log", async (t) => {
  if (!has(t, 'otelcol')) return
  using place = scratch()
  await using sink = await startSink()
  const processors = /^processors:\n(?:.*\n)*?(?=^connectors:)/m.exec(contrib)![0]
  const part = `${place.folder}/part.yaml`
  writeFileSync(
    part,
    `${processors}service:\n  pipelines:\n    logs:\n      processors: [transform/nginx_error]\n`,
  )
  assert.match(
    contrib,
    /receivers: \[file_log\/nginx_error\]\n {6}processors: \[memory_limiter, transform\/nginx_error\]/,
  )
  await using running = await collector(sink, ['--config', part])
  const head = '2026/01/01 00:00:00 [error] 7#7: *1 connect() failed (111: Connection refused)'
  const line = (query: string) =>
    `${head}, client: 192.0.2.7, server: _, request: "GET /login${query} HTTP/1.1", upstream: "http://127.0.0.1:5000/login${query}", host: "birds.example", referrer: "http://birds.example/login${query}"`
  const queries = ['?password=CANARY7', '?a="CANARY7', '?CANARY7?CANARY7&b="', '']
  const records = queries.map((query) => ({
    timeUnixNano: now(),
    body: { stringValue: line(query) },
  }))
  await post(`${running.url}/v1/logs`, { resourceLogs: [{ scopeLogs: [{ logRecords: records }] }] })
  await sink.until(() => sink.logs().length === queries.length)
  assert.deepEqual(
    sink.logs().map(({ body }) => body),
    queries.map((query) => line(query && '?REDACTED')),
  )
})

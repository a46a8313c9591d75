// The configurations under observability/, read by the programs that they are for where those are on PATH.
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { freePort } from './libsql-server.ts'
import { startSink, type Sink } from './otlp-sink.ts'
import { scratch } from './process.ts'
import { has, run, start } from './programs.ts'
import { at, keysOf, readYaml, type Yaml } from './yaml.ts'

const root = fileURLToPath(new URL('../observability/', import.meta.url))
const config = `${root}collector/config.yaml`
const contrib = `${root}collector/contrib.yaml`
const source = (path: string) => readFileSync(path, 'utf8')
const read = (path: string) => readYaml(source(`${root}${path}`))
const texts = (value: Yaml | undefined) => (Array.isArray(value) ? value.map(String) : [])

test('the Collector accepts its configuration without a word about old names', (story) => {
  if (!has(story, 'otelcol')) return
  const { code, printed } = run('otelcol', ['validate', '--config', config])
  assert.equal(code, 0, printed)
  assert.equal(printed.trim(), '')
})

test('spans are counted before sampling, once, and every backend has a queue and is tried again', () => {
  const base = read('collector/config.yaml')
  const pipelines = at(base, 'service', 'pipelines')
  assert.deepEqual(at(pipelines, 'traces', 'exporters'), ['span_metrics'])
  assert.ok(!texts(at(pipelines, 'traces', 'processors')).includes('tail_sampling'))
  assert.equal(texts(at(pipelines, 'traces/kept', 'processors')).at(-1), 'tail_sampling')
  for (const name of keysOf(pipelines))
    assert.equal(texts(at(pipelines, name, 'processors'))[0], 'memory_limiter', name)
  for (const name of keysOf(at(base, 'exporters'))) {
    assert.equal(at(base, 'exporters', name, 'sending_queue', 'enabled'), true, name)
    assert.equal(at(base, 'exporters', name, 'retry_on_failure', 'enabled'), true, name)
  }
  assert.equal(at(base, 'connectors', 'span_metrics', 'exemplars', 'enabled'), true)
  assert.equal(at(base, 'connectors', 'span_metrics', 'histogram', 'unit'), 's')
  assert.equal(at(read('tempo/tempo.yaml'), 'metrics_generator'), undefined, 'counted once only')
})

test('contrib.yaml names what is there, keeps what it replaces, and adds logs of nginx', () => {
  const [base, more] = [read('collector/config.yaml'), read('collector/contrib.yaml')]
  const defined = (kind: string) => [...keysOf(at(base, kind)), ...keysOf(at(more, kind))]
  const sources = [...defined('receivers'), ...defined('connectors')]
  const targets = [...defined('exporters'), ...defined('connectors')]
  const pipelines = at(more, 'service', 'pipelines')
  for (const name of keysOf(pipelines)) {
    for (const one of texts(at(pipelines, name, 'receivers'))) assert.ok(sources.includes(one), one)
    for (const one of texts(at(pipelines, name, 'exporters'))) assert.ok(targets.includes(one), one)
    for (const one of texts(at(pipelines, name, 'processors')))
      assert.ok(defined('processors').includes(one), one)
    // A list here replaces the one there.
    for (const list of ['receivers', 'processors', 'exporters']) {
      const [before, after] = [
        at(base, 'service', 'pipelines', name, list),
        at(pipelines, name, list),
      ]
      if (before && after)
        for (const one of texts(before)) assert.ok(texts(after).includes(one), one)
    }
  }
  for (const one of texts(at(base, 'service', 'extensions')))
    assert.ok(texts(at(more, 'service', 'extensions')).includes(one), one)
  const files = keysOf(at(more, 'receivers')).filter((name) => name.startsWith('file_log'))
  assert.equal(files.length, 2)
  for (const name of files)
    assert.equal(at(more, 'receivers', name, 'resource', 'service.name'), 'nginx', name)
  assert.equal(
    at(more, 'receivers', 'nginx', 'endpoint'),
    '${env:NGINX_STATUS_URL:-http://nginx:8081/nginx_status}',
  )
})

test('Loki and Mimir accept their configurations', (story) => {
  const places = { LISTEN: '127.0.0.1' }
  if (has(story, 'loki')) {
    const args = ['-verify-config', '-config.expand-env=true', `-config.file=${root}loki/loki.yaml`]
    const { code, printed } = run('loki', args, { env: places })
    assert.equal(code, 0, printed)
  }
  if (has(story, 'mimir')) {
    const args = ['-modules', '-config.expand-env=true', `-config.file=${root}mimir/mimir.yaml`]
    const { code, printed } = run('mimir', args, { env: places })
    assert.equal(code, 0, printed)
  }
  assert.ok(Number(at(read('mimir/mimir.yaml'), 'limits', 'max_global_exemplars_per_user')) > 0)
  assert.equal(at(read('mimir/mimir.yaml'), 'limits', 'otel_metric_suffixes_enabled'), true)
})

test('Mimir and Loki start on a folder of their own, and answer questions', async (story) => {
  using place = scratch()
  const ports = [await freePort(), await freePort(), await freePort()].map(String)
  const common = { LISTEN: '127.0.0.1' }
  const args = (name: string) => [
    '-config.expand-env=true',
    `-config.file=${root}${name}/${name}.yaml`,
  ]
  const answers = async (url: string) => {
    for (const giveUp = Date.now() + 40_000; Date.now() < giveUp; await pause(500)) {
      const status = await fetch(url, { signal: AbortSignal.timeout(5000) }).then(
        (answer) => answer.status,
        () => 0,
      )
      if (status === 200) return true
    }
    return false
  }
  for (const name of ['mimir', 'loki']) {
    if (!has(story, name)) continue
    const prefix = name.toUpperCase()
    mkdirSync(`${place.folder}/${name}`) // as the volume is in the container
    const env = {
      ...common,
      [`${prefix}_PORT`]: ports[0]!,
      [`${prefix}_GRPC_PORT`]: ports[1]!,
      MIMIR_GOSSIP_PORT: ports[2]!,
      [`${prefix}_DATA`]: `${place.folder}/${name}`,
    }
    const url = `http://127.0.0.1:${ports[0]}`
    await using running = await start(name, { args: args(name), env, cwd: place.folder }, url)
    assert.ok(await answers(`${url}/ready`), running.printed().slice(-2000))
    // Through frontend, scheduler and querier: they must find each other on loopback.
    const path =
      name === 'mimir' ? '/prometheus/api/v1/label/__name__/values' : '/loki/api/v1/labels'
    assert.ok(await answers(url + path), running.printed().slice(-2000))
    await running.stop('SIGKILL')
  }
})

test('Tempo 3 is told only what it knows', () => {
  const tempo = read('tempo/tempo.yaml')
  const known =
    'stream_over_http_enabled server distributor query_frontend storage overrides usage_report'
  for (const name of keysOf(tempo)) assert.ok(known.split(' ').includes(name), name)
  assert.deepEqual(keysOf(at(tempo, 'overrides')), ['defaults'], 'the flat form stops its start')
  assert.equal(
    at(tempo, 'distributor', 'receivers', 'otlp', 'protocols', 'http', 'endpoint'),
    '0.0.0.0:4418',
  )
  assert.match(
    String(at(read('collector/config.yaml'), 'exporters', 'otlp_http/tempo', 'endpoint')),
    /tempo:4418/,
  )
})

test("Grafana's sources have the original's uids, and link to each other both ways", () => {
  const path = 'grafana/provisioning/datasources/tracewren.yaml'
  const list = at(read(path), 'datasources')
  const sources = new Map(
    (Array.isArray(list) ? list : []).map((one) => [String(at(one, 'uid')), one]),
  )
  assert.deepEqual([...sources.keys()].sort(), ['loki', 'mimir', 'tempo'])
  const compose = readYaml(source(fileURLToPath(new URL('../compose.yaml', import.meta.url))))
  for (const [uid, one] of sources) {
    const url = new URL(String(at(one, 'url')))
    assert.ok(keysOf(at(compose, 'services')).includes(url.hostname), uid)
    assert.ok(
      source(`${root}${uid}/${uid}.yaml`).includes(url.port),
      `${uid} listens on ${url.port}`,
    )
  }
  const to = (uid: string, ...keys: (string | number)[]) =>
    at(sources.get(uid), 'jsonData', ...keys)
  assert.equal(to('mimir', 'exemplarTraceIdDestinations', 0, 'datasourceUid'), 'tempo')
  assert.equal(to('tempo', 'tracesToLogsV2', 'datasourceUid'), 'loki')
  assert.equal(to('tempo', 'tracesToMetrics', 'datasourceUid'), 'mimir')
  assert.equal(to('tempo', 'serviceMap', 'datasourceUid'), 'mimir')
  assert.equal(to('loki', 'derivedFields', 0, 'datasourceUid'), 'tempo')
  // A single $ is a variable of the environment to Grafana's provisioning: it would be empty.
  const withoutComments = source(`${root}${path}`).replaceAll(/^\s*#.*$/gm, '')
  assert.doesNotMatch(withoutComments, /(?<!\$)\$(?!\$)/)
  const provider = at(read('grafana/provisioning/dashboards/tracewren.yaml'), 'providers', 0)
  const mounts = texts(at(compose, 'services', 'grafana', 'volumes'))
  assert.ok(
    mounts.some((mount) => mount.includes(`:${String(at(provider, 'options', 'path'))}:ro`)),
  )
  assert.deepEqual(readdirSync(`${root}grafana/provisioning`).sort(), ['dashboards', 'datasources'])
})

/** The Collector with our configuration, and the sink in place of all three backends. */
async function collector(sink: Sink, extra: string[] = []) {
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

test("nginx's old names come out as the stable ones, health checks not at all", async (story) => {
  if (!has(story, 'otelcol')) return
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
      ]),
    ],
  })
  assert.equal(sent.status, 200)
  await sink.until(() => sink.deliveries.some(({ signal }) => signal === 'traces'))
  const spans = sink.spans()
  assert.deepEqual(spans.map(({ name }) => name).sort(), ['GET', 'GET /'])
  assert.deepEqual(spans.find(({ name }) => name === 'GET')!.attributes, {
    'http.request.method': 'GET',
    'http.response.status_code': 500,
    'error.type': '500',
    'http.request.body.size': 0,
    'http.response.body.size': 512,
    'url.scheme': 'http',
    'url.path': '/search',
    'url.query': 'q=a&b=%3F',
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
  assert.doesNotMatch(running.printed(), /deprecat|alias/i)
})

test('for the service graph, nginx is the client of the app, too', async (story) => {
  if (!has(story, 'otelcol')) return
  using place = scratch()
  await using sink = await startSink()
  // The graph itself needs the contrib distribution: here its spans go where the others go.
  const part = `${place.folder}/part.yaml`
  const processors = /^processors:\n(?:.*\n)*?(?=^connectors:)/m.exec(source(contrib))![0]
  const graph = /^ {4}traces\/graph:\n(?: {6}.*\n)+/m.exec(source(contrib))![0]
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

test("a line of nginx's access log gets stable names and its trace", async (story) => {
  if (!has(story, 'otelcol')) return
  using place = scratch()
  await using sink = await startSink()
  // Only the processor, because reading files needs the contrib distribution.
  const processors = /^processors:\n(?:.*\n)*?(?=^connectors:)/m.exec(source(contrib))![0]
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

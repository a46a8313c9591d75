// What the real process exports over OTLP, as a collector receives it: metrics, logs, all settings.
import assert from 'node:assert/strict'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import { ask, change, kinds, told } from './exported.ts'
import { freshServerUrl } from './libsql-server.ts'
import { startSink, type SinkSpan } from './otlp-sink.ts'
import { register, scratch, type Server } from './process.ts'

test('metrics: stable names, units, buckets and attributes, also for odd requests', async () => {
  const result = await told(
    {
      INSPECT: '0',
      OTEL_METRIC_EXPORT_INTERVAL: '300',
      OTEL_BSP_SCHEDULE_DELAY: '50',
      OTEL_BLRP_SCHEDULE_DELAY: '50',
    },
    async (server) => {
      const cookie = await register(server.url, 'alice')
      await ask(server, '/tweet', { cookie, fields: { msg: 'hello' } })
      await ask(server, '/timeline', { as: 'browser', cookie })
      for (let number = 0; number < 30; number++) await ask(server, `/odd/${number}?x=${number}`)
      for (const method of ['PROPFIND', 'PURGE', 'MKCOL']) await ask(server, '/', { method })
      await pause(400)
    },
  )
  const known = new Map(result.metrics.map((metric) => [metric.name, metric]))
  const component = ['otel.component.name', 'otel.component.type']
  const processed = [component, ['error.type', ...component]]
  const shapes: Record<string, [kind: string, unit: string, attributes: string[][]]> = {
    'tracewren.tweets.created': ['sum', '{tweet}', [[]]],
    'tracewren.timeline.reads': ['sum', '{read}', [['strategy']]],
    'tracewren.work_queue.wait': ['histogram', 's', [['queue']]],
    'tracewren.wal.size': ['gauge', 'By', [[]]],
    'tracewren.disk.free': ['gauge', 'By', [[]]],
    'otel.sdk.processor.span.processed': ['sum', '{span}', processed],
    'otel.sdk.processor.log.processed': ['sum', '{log_record}', processed],
    'tracewren.sessions.active': ['gauge', '{session}', [[]]],
    'tracewren.card_cache.lookups': ['sum', '{lookup}', [['hit']]],
    'otel.sdk.processor.span.queue.size': [
      'sum',
      '{span}',
      [['otel.component.name', 'otel.component.type']],
    ],
    'nodejs.eventloop.utilization': ['gauge', '1', [[]]],
    'v8js.memory.heap.used': ['gauge', 'By', [['v8js.heap.space.name']]],
    'db.client.operation.duration': [
      'histogram',
      's',
      [
        ['app.db.query.hash', 'db.namespace', 'db.query.summary', 'db.system.name'],
        ['app.db.query.hash', 'db.namespace', 'db.query.summary', 'db.system.name', 'error.type'],
      ],
    ],
    'http.server.request.duration': [
      'histogram',
      's',
      [
        [
          'http.request.method',
          'http.response.status_code',
          'http.route',
          'network.protocol.version',
          'url.scheme',
        ],
        [
          'http.request.method',
          'http.response.status_code',
          'network.protocol.version',
          'url.scheme',
        ],
      ],
    ],
  }
  for (const [name, [kind, unit, attributes]] of Object.entries(shapes)) {
    const metric = known.get(name)
    assert.ok(metric, name)
    assert.deepEqual([metric.kind, metric.unit], [kind, unit], name)
    assert.notEqual(metric.description, '', name)
    for (const point of metric.points)
      assert.ok(
        attributes.some((keys) => keys.join() === Object.keys(point.attributes).sort().join()),
        `${name}: ${Object.keys(point.attributes).join()}`,
      )
  }
  const requests = known.get('http.server.request.duration')!
  assert.deepEqual(
    requests.points[0]!.bounds,
    [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
  )
  const lost = requests.points.filter(
    (point) => point.attributes['http.response.status_code'] === 404,
  )
  assert.deepEqual(
    lost.map((point) => point.count),
    [30],
    'addresses that nobody knows are one series',
  )
  const odd = requests.points.filter(
    (point) => point.attributes['http.request.method'] === '_OTHER',
  )
  assert.deepEqual(
    odd.map((point) => point.count),
    [3],
  )
  const timeline = requests.points.find((point) => point.attributes['http.route'] === '/timeline')!
  const span = result.spans.find(({ name }) => name === 'GET /timeline')!
  assert.ok(Math.abs(timeline.sum - Number(span.end - span.start) / 1e9) < 1e-6, 'as its span')
  assert.deepEqual(
    known.get('db.client.operation.duration')!.points[0]!.bounds,
    [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10],
  )
})

test('logs: a line for each request with the ids of its span, an error with its stack, start and stop', async () => {
  const result = await told({ INSPECT: '0' }, async (server, path) => {
    const cookie = await register(server.url, 'alice')
    await ask(server, '/timeline', { as: 'browser', cookie })
    change(path, 'DROP TABLE favorites')
    assert.equal((await ask(server, '/favorites', { cookie })).status, 500)
  })
  const roots = result.spans.filter((span) => span.kind === kinds.server)
  const lines = result.logs.filter((line) => line.event === 'http.server.request')
  assert.deepEqual(
    lines.map((line) => `${line.traceId} ${line.spanId}`).sort(),
    roots.map((span) => `${span.traceId} ${span.spanId}`).sort(),
  )
  for (const line of lines) {
    const root = roots.find((span) => span.spanId === line.spanId)!
    const { duration_ms: ms, ...facts } = line.attributes
    assert.deepEqual(facts, root.attributes, 'the line says what the span says')
    assert.ok(Math.abs(Number(ms) - Number(root.end - root.start) / 1e6) < 0.001)
    assert.deepEqual([line.severity, line.severityText, line.body], [9, 'INFO', 'request'])
    assert.match(
      result.printed,
      new RegExp(`"trace_id":"${line.traceId}","span_id":"${line.spanId}"`),
    )
  }
  const failure = result.logs.find((line) => line.severityText === 'ERROR')!
  assert.equal(failure.severity, 17)
  assert.match(String(failure.attributes['exception.stacktrace']), /no such table/)
  assert.equal(failure.attributes['error_id'], failure.traceId)
  assert.equal(roots.find((span) => span.traceId === failure.traceId)!.name, 'GET /favorites')
  for (const word of ['listening', 'stopping', 'stopped'])
    assert.ok(
      result.logs.some((line) => line.body === word),
      word,
    )
})

test('gzip, headers, an endpoint for each signal, and the resource attributes', async () => {
  await using logSink = await startSink()
  const result = await told(
    {
      INSPECT: '0',
      OTEL_EXPORTER_OTLP_COMPRESSION: 'gzip',
      OTEL_EXPORTER_OTLP_HEADERS: 'x-key=open%20sesame,x-other=2',
      OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: `${logSink.url}/elsewhere/v1/logs`,
      OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE: 'delta',
      OTEL_SERVICE_NAME: 'aviary',
      OTEL_RESOURCE_ATTRIBUTES: 'service.namespace=twitter,deployment.environment.name=test',
    },
    async (server) => void (await ask(server, '/')),
  )
  assert.deepEqual([...new Set(result.deliveries.map(({ path }) => path))].sort(), [
    '/v1/metrics',
    '/v1/traces',
  ])
  assert.deepEqual([...new Set(logSink.deliveries.map(({ path }) => path))], ['/elsewhere/v1/logs'])
  for (const { headers } of [...result.deliveries, ...logSink.deliveries]) {
    assert.equal(headers['content-type'], 'application/x-protobuf')
    assert.equal(headers['content-encoding'], 'gzip')
    assert.deepEqual([headers['x-key'], headers['x-other']], ['open sesame', '2'])
  }
  assert.ok(result.spans.length > 0 && logSink.logs().length > 0)
  assert.ok(result.metrics.find(({ name }) => name === 'http.server.request.duration')!.isDelta)
  const { 'service.instance.id': instance, 'service.version': version, ...rest } = result.resource
  assert.match(String(instance), /^[0-9a-f-]{36}$/)
  assert.match(String(version), /^\d+\.\d+\.\d+$/)
  assert.deepEqual(rest, {
    'service.name': 'aviary',
    'service.namespace': 'twitter',
    'deployment.environment.name': 'test',
    'telemetry.sdk.language': 'nodejs',
    'telemetry.sdk.name': 'opentelemetry',
    'telemetry.sdk.version': '2.12.0',
  })
})

test('health checks are not measured, and counters of what has not happened yet are 0', async () => {
  const { metrics } = await told({ INSPECT: '0' }, async (server) => {
    for (const path of ['/livez', '/readyz', '/'])
      assert.equal((await ask(server, path)).status, 200)
  })
  const pointsOf = (metric: string) => metrics.find(({ name }) => name === metric)?.points ?? []
  assert.deepEqual(
    pointsOf('http.server.request.duration').map(({ attributes }) => attributes['http.route']),
    ['/'],
  )
  assert.deepEqual(
    pointsOf('tracewren.tweets.created').map(({ value }) => value),
    [0],
  )
  assert.deepEqual(
    pointsOf('tracewren.work_queue.depth').map(({ attributes, value }) => [
      attributes['queue'],
      value,
    ]),
    [
      ['write', 0],
      ['password', 0],
    ],
  )
})

test('OTEL_SDK_DISABLED switches all telemetry off; an exporter for one signal exports only that', async () => {
  const none = await told({ OTEL_SDK_DISABLED: 'true', INSPECT: '1' }, async (server) => {
    const answer = await ask(server, '/', { as: 'browser' })
    assert.equal(answer.trace, null)
    assert.equal(answer.headers.get('Server-Timing'), null)
    assert.doesNotMatch(answer.text, /id="chip"|traceparent/)
    const inspector = await ask(server, '/traces', { as: 'browser' })
    assert.equal(inspector.status, 200)
    assert.match(inspector.text, /The inspector is off/)
    assert.equal((await ask(server, `/traces/${'ab'.repeat(16)}`)).status, 404)
  })
  assert.deepEqual([none.code, none.deliveries.length], [0, 0])
  assert.doesNotMatch(none.printed, /"request"|telemetry/)
  const one = await told(
    { INSPECT: '0', OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'console' },
    async (server) => void (await ask(server, '/')),
  )
  assert.deepEqual([...new Set(one.deliveries.map(({ signal }) => signal))], ['traces'])
  assert.match(one.printed, /severityText: 'INFO'/, 'the log records are on the console')
})

test('samplers: off, a ratio, and the decision of a trusted caller', async () => {
  const load = async (server: Server) => {
    for (let number = 0; number < 40; number++) await ask(server, '/')
    const flags = async (flag: string) =>
      ask(server, '/', {
        headers: { traceparent: `00-${flag.repeat(16)}-${flag.repeat(8)}-${flag}` },
      })
    await flags('00').catch(() => undefined)
    await ask(server, '/', {
      headers: { traceparent: `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-01` },
    })
    await ask(server, '/', {
      headers: { traceparent: `00-${'ef'.repeat(16)}-${'cd'.repeat(8)}-00` },
    })
  }
  const pages = (spans: SinkSpan[]) => spans.filter((span) => span.name === 'GET /').length
  const with_ = async (sampler: string, argument = '', inspect = '0') =>
    told(
      {
        INSPECT: inspect,
        OTEL_TRACES_SAMPLER: sampler,
        OTEL_TRACES_SAMPLER_ARG: argument,
      },
      load,
    )
  const off = await with_('always_off')
  assert.equal(off.spans.length, 0)
  assert.ok(off.logs.length >= 42 && off.metrics.length > 0, 'logs and metrics go on')
  const followed = await with_('parentbased_always_off', '', '1')
  assert.deepEqual(
    followed.spans.filter((span) => span.kind === kinds.server).map((span) => span.traceId),
    ['ab'.repeat(16)],
    'the inspector records all, but exports none of it',
  )
  assert.equal(
    followed.spans.find((span) => span.kind === kinds.server)!.parentSpanId,
    'cd'.repeat(8),
  )
  const all = await with_('always_on')
  assert.equal(pages(all.spans), 43, 'a caller that does not sample is overruled')
  const some = await with_('traceidratio', '0.5')
  assert.ok(pages(some.spans) > 5 && pages(some.spans) < 38, String(pages(some.spans)))
  const based = await with_('PARENTBASED_TRACEIDRATIO', '0')
  assert.equal(pages(based.spans), 1)
})

test('the limits of spans that the environment sets are kept', async () => {
  const { spans } = await told(
    {
      INSPECT: '1',
      OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: '4',
      OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT: '9',
    },
    async (server) => void (await ask(server, `/${'long'.repeat(9)}`, { as: 'browser' })),
  )
  assert.ok(spans.some(({ kind }) => kind === kinds.server))
  for (const { name, attributes } of spans) {
    assert.ok(Object.keys(attributes).length <= 4, name)
    for (const value of Object.values(attributes))
      if (typeof value === 'string') assert.ok(value.length <= 9, `${name}: ${value}`)
  }
})

test('each invalid value is named in one line, and the start goes on', async () => {
  const result = await told(
    {
      INSPECT: '0',
      OTEL_TRACES_SAMPLER: 'sometimes',
      OTEL_BSP_MAX_QUEUE_SIZE: 'many',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      OTEL_EXPORTER_OTLP_HEADERS: 'secret words without a sign',
      OTEL_EXPORTER_OTLP_COMPRESSION: 'brotli',
      OTEL_METRIC_EXPORT_INTERVAL: '-5',
      OTEL_PROPAGATORS: 'tracecontext,b3',
      OTEL_RESOURCE_ATTRIBUTES: 'a=b=c',
      OTEL_LOG_LEVEL: 'chatty',
    },
    async (server) => void (await ask(server, '/')),
  )
  const warnings = result.printed.split('\n').filter((line) => line.includes('"warn"'))
  const named = warnings.map((line) => /"message":"(OTEL_\w+) /.exec(line)?.[1])
  assert.deepEqual(
    named.map(String).toSorted((one, other) => one.localeCompare(other)),
    [
      'OTEL_BSP_MAX_QUEUE_SIZE',
      'OTEL_EXPORTER_OTLP_COMPRESSION',
      'OTEL_EXPORTER_OTLP_HEADERS',
      'OTEL_EXPORTER_OTLP_PROTOCOL',
      'OTEL_LOG_LEVEL',
      'OTEL_METRIC_EXPORT_INTERVAL',
      'OTEL_PROPAGATORS',
      'OTEL_RESOURCE_ATTRIBUTES',
      'OTEL_TRACES_SAMPLER',
    ],
  )
  assert.doesNotMatch(result.printed, /secret words/)
  assert.ok(
    result.spans.some((span) => span.name === 'GET /'),
    'the defaults are used',
  )
  assert.equal(result.code, 0)
})

test('on a libSQL server, the HTTP call is a child of its query, without private data', async () => {
  using place = scratch()
  const database = await freshServerUrl(place.folder)
  try {
    const result = await told({ INSPECT: '0', DATABASE_URL: database.url }, async (server) => {
      const cookie = await register(server.url, 'alice')
      await ask(server, '/timeline', { as: 'browser', cookie })
    })
    const timeline = result.spans.find((span) => span.name === 'GET /timeline')!
    const spans = result.spans.filter((span) => span.traceId === timeline.traceId)
    const calls = spans.filter(
      (span) => 'url.full' in span.attributes && span.kind === kinds.client,
    )
    const queries = spans.filter((span) => 'db.query.text' in span.attributes)
    assert.deepEqual(
      calls.map((span) => span.parentSpanId).sort(),
      queries.map((span) => span.spanId).sort(),
    )
    const { hostname, port } = new URL(database.url)
    const measured = result.metrics.find(({ name }) => name === 'db.client.operation.duration')!
    for (const { attributes } of [...queries, ...measured.points]) {
      assert.equal(attributes['db.namespace'], 'main')
      assert.equal(attributes['server.address'], hostname)
      assert.equal(attributes['server.port'], Number(port))
    }
    for (const call of calls) {
      assert.equal(call.name, 'POST')
      assert.equal(call.kind, kinds.client)
      assert.equal(call.attributes['url.full'], `${database.url}/v2/pipeline`)
      assert.equal(call.attributes['http.response.status_code'], 200)
    }
  } finally {
    await database.stop()
  }
})

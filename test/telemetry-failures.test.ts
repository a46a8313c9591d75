// A collector that fails in different ways: no request fails or waits, and losses are reported.
import assert from 'node:assert/strict'
import { createServer as createTcpServer, type Socket } from 'node:net'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import { freePort } from '../bin/free-port.ts'
import { ask, told } from './exported.ts'
import { startSink, type Sink, type SinkSpan } from './otlp-sink.ts'
import { scratch, startServer } from './process.ts'

/** A TCP server whose connections are handled by `answer`. */
async function portOf(answer: (socket: Socket) => void) {
  const server = createTcpServer(answer)
  const port = await new Promise<number>((done) =>
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      done(typeof address === 'object' && address ? address.port : 0)
    }),
  )
  return { url: `http://127.0.0.1:${port}`, stop: () => void server.close() }
}

const answering = async (status: number, body = '') => {
  const sink = await startSink((response) => response.writeHead(status).end(body))
  return { url: sink.url, stop: sink.close }
}

type Trouble = [start: () => Promise<{ url: string; stop: () => unknown }>, why: RegExp]
const troubles: Record<string, Trouble> = {
  'is not there': [
    async () => ({ url: `http://127.0.0.1:${await freePort()}`, stop: () => {} }),
    /^connect ECONNREFUSED [\d.:]+$/,
  ],
  hangs: [() => portOf(() => {}), /^no answer in time$/],
  'answers 503': [() => answering(503), /^503: it takes nothing more now$/],
  'answers 429': [() => answering(429), /^429: it takes nothing more now$/],
  'answers 400': [() => answering(400, 'no'), /^400 Bad Request$/],
  'answers 401': [
    () => answering(401, '{"message":"no"}'),
    /^401 Unauthorized: it wants other cred/,
  ],
  'answers 404': [() => answering(404, '{"message":"no"}'), /^404 Not Found: nothing takes this/],
  'does not speak HTTP': [
    () => portOf((socket) => socket.on('error', () => {}).end('220 mail.example.org ready\r\n')),
    /^Parse Error|^read |^socket /,
  ],
}

for (const [what, [start, why]] of Object.entries(troubles))
  test(`a collector that ${what}: requests go on, outage and loss are one line each, the stop is quick`, async () => {
    const collector = await start()
    using place = scratch()
    await using server = await startServer({
      DATABASE_URL: `file:${place.folder}/x.db`,
      INSPECT: '0',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      OTEL_BSP_SCHEDULE_DELAY: '50',
      OTEL_BSP_MAX_QUEUE_SIZE: '64',
      OTEL_BSP_MAX_EXPORT_BATCH_SIZE: '16',
    })
    const sent = 300
    for (let number = 0; number < sent; number++) assert.equal((await ask(server, '/')).status, 200)
    const began = performance.now()
    assert.equal(await server.stop(), 0)
    assert.ok(performance.now() - began < 5000, 'five seconds at most')
    await collector.stop()
    const lines = server
      .printed()
      .split('\n')
      .filter((line) => line.includes('telemetry dropped'))
    assert.equal(lines.length, 1, server.printed())
    const lost = JSON.parse(lines[0]!) as {
      spans: number
      log_records: number
      level: string
      why: string
    }
    assert.equal(lost.level, 'warn')
    // Each request has three spans and one log line; those of the start's health checks are added.
    assert.ok(lost.spans >= 3 * sent, JSON.stringify(lost))
    assert.ok(lost.log_records >= sent, JSON.stringify(lost))
    const others = server
      .printed()
      .split('\n')
      .filter((line) => line.includes('"telemetry: '))
    assert.deepEqual(others, [])
    const outages = server.printed().split('"telemetry is not delivered"').length - 1
    assert.equal(outages, 1, server.printed())
    const said = server
      .printed()
      .split('\n')
      .find((line) => line.includes('is not delivered'))!
    const outage = JSON.parse(said) as Record<
      'level' | 'signal' | 'address' | 'why' | 'same_collector',
      string
    >
    assert.deepEqual(
      [outage.signal, ...outage.same_collector.split(', ')].toSorted(),
      ['logs', 'metrics', 'traces'],
      'the line names all signals of this collector',
    )
    assert.equal(outage.level, 'warn')
    assert.match(outage.signal, /^(traces|metrics|logs)$/)
    assert.equal(outage.address, `${collector.url}/v1/${outage.signal}`)
    assert.match(outage.why, why)
    assert.match(lost.why, why, 'the loss has the same reason')
    assert.doesNotMatch(server.printed(), /"stack|\n    at |\\n    at /)
  })

test('a collector that answers 200 with an HTML page: nothing fails, nothing counts as lost', async () => {
  const collector = await answering(200, '<!doctype html><title>Welcome</title>')
  using place = scratch()
  await using server = await startServer({
    DATABASE_URL: `file:${place.folder}/x.db`,
    INSPECT: '0',
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    OTEL_BSP_SCHEDULE_DELAY: '50',
  })
  for (let number = 0; number < 50; number++) assert.equal((await ask(server, '/')).status, 200)
  assert.equal(await server.stop(), 0)
  await collector.stop()
  assert.doesNotMatch(server.printed(), /telemetry dropped/)
})

test('a collector that dies and restarts: what was lost meanwhile is counted, the rest arrives', async () => {
  using place = scratch()
  const first = await startSink()
  await using server = await startServer({
    DATABASE_URL: `file:${place.folder}/x.db`,
    INSPECT: '0',
    OTEL_EXPORTER_OTLP_ENDPOINT: first.url,
    OTEL_EXPORTER_OTLP_TIMEOUT: '300',
    OTEL_BSP_SCHEDULE_DELAY: '50',
  })
  const roots = (sink: Sink) => sink.spans().filter((span) => span.name === 'GET /').length
  for (let number = 0; number < 20; number++) await ask(server, '/')
  await first.until(() => roots(first) === 20)
  await first.close()
  for (let number = 0; number < 20; number++) await ask(server, '/')
  while (!server.printed().includes('telemetry is not delivered')) await pause(20)
  await pause(800)
  await using second = await startSink(undefined, first.port)
  for (let number = 0; number < 20; number++) await ask(server, '/')
  await second.until(() => roots(second) >= 20)
  assert.equal(await server.stop(), 0)
  const lost = Number(/"telemetry dropped","spans":(\d+)/.exec(server.printed())?.[1])
  const arrived = new Set(
    [...first.spans(), ...second.spans()].filter(isPage).map((span) => span.traceId + span.spanId),
  ).size
  assert.ok(lost > 0)
  const said = [...server.printed().matchAll(/"message":"(telemetry is [^"]+)"/g)]
  assert.deepEqual(
    said.map(([, line]) => line),
    ['telemetry is not delivered', 'telemetry is delivered again'],
  )
  const name = 'otel.sdk.processor.span.processed'
  const { points } = second.metrics().find((metric) => metric.name === name)!
  const failed = points.filter(({ attributes }) => 'error.type' in attributes)
  const counted = failed.reduce((sum, { value }) => sum + value, 0)
  assert.equal(counted, lost, 'the metric says what the line says')
  assert.ok(failed.length >= 3, 'and from 0 on, whatever the reason')
  // An export with a late answer may be counted as lost although it arrived; the opposite would hide a loss.
  assert.ok(arrived + lost >= 3 * 60, `${arrived} arrived, ${lost} lost`)
})

test('the inspector shows the outage in /logs and the state of the export on /traces', async () => {
  using place = scratch()
  const away = `http://127.0.0.1:${await freePort()}`
  await using sink = await startSink()
  await using server = await startServer({
    DATABASE_URL: `file:${place.folder}/x.db`,
    INSPECT: '1',
    OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `http://user:canary@127.0.0.1:${new URL(away).port}/v1/traces?canary=1`,
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Basic canary%,x-tenant=one',
    // Of the traces alone: on a busy machine the sink's answer to logs may take longer.
    OTEL_EXPORTER_OTLP_TRACES_TIMEOUT: '300',
    OTEL_BSP_SCHEDULE_DELAY: '50',
  })
  const shown = async (path: string) =>
    (await ask(server, path, { as: 'browser' })).text.replaceAll(/<[^>]*>|\s+/g, ' ')
  const fails =
    /traces: 0 spans sent, [1-9]\d* dropped since [\d:]+ UTC; failing since [\d:]+ UTC: connect ECONNREFUSED [\d.:]+; next try (in \d+ s|with the next span)\./
  const works = /logs: [1-9]\d* log records sent, 0 dropped since [\d:]+ UTC\./
  let traces = ''
  for (const giveUp = Date.now() + 20_000; Date.now() < giveUp; await pause(50)) {
    await ask(server, '/')
    traces = await shown('/traces')
    if (fails.test(traces) && works.test(traces)) break
  }
  assert.match(traces, fails)
  assert.match(traces, works)
  const logs = await shown('/logs?level=warn')
  assert.match(
    logs,
    new RegExp(
      `warn +telemetry is not delivered +signal=traces address=${away}/v1/traces why=connect`,
    ),
  )
  assert.match(logs, /OTEL_EXPORTER_OTLP_HEADERS: the header &quot;authorization&quot; is not sent/)
  assert.equal(sink.deliveries[0]!.headers['x-tenant'], 'one', 'the other header is')
  assert.equal(await server.stop(), 0)
  assert.doesNotMatch(server.printed() + logs + traces, /canary/)
})

const isPage = (span: SinkSpan) => span.name !== 'GET /livez'

test('a stop exports the queue: no span and no log line is missing', async () => {
  const traces: string[] = []
  const result = await told({ INSPECT: '0', OTEL_BSP_SCHEDULE_DELAY: '60000' }, async (server) => {
    for (let number = 0; number < 100; number++) traces.push((await ask(server, '/')).trace!)
  })
  const arrived = new Set(result.spans.map((span) => span.traceId))
  assert.deepEqual(
    traces.filter((trace) => !arrived.has(trace)),
    [],
  )
  const logged = new Set(result.logs.map((line) => line.traceId))
  assert.deepEqual(
    traces.filter((trace) => !logged.has(trace)),
    [],
  )
  assert.doesNotMatch(result.printed, /telemetry dropped/)
})

// `npm run doctor`: from the settings to the backends, and each break at its hop.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import test, { after, before } from 'node:test'

import { freePort } from '../bin/free-port.ts'
import {
  answering,
  examine,
  hangingServer,
  runDoctor,
  startChain,
  startCollector,
} from './doctor-rig.ts'
import { scratch, startServer, type Server } from './process.ts'
import { has, run, start } from './programs.ts'

let app: Server
let place: ReturnType<typeof scratch>
/** The settings that the app and doctor share. */
let shared: Record<string, string>

before(async () => {
  place = scratch()
  const DATABASE_URL = `file:${place.folder}/x.db`
  app = await startServer({ DATABASE_URL })
  shared = { DATABASE_URL, PORT: new URL(app.url).port }
})
after(async () => {
  await app[Symbol.asyncDispose]()
  place[Symbol.dispose]()
})

const endpoint = (url: string) => ({ ...shared, OTEL_EXPORTER_OTLP_ENDPOINT: url })
const signals = ['traces', 'logs', 'metrics']

test('a whole chain: the probe is found at every hop, through Grafana and directly', async (t) => {
  if (!has(t, 'otelcol')) return
  await using chain = await startChain()
  const env = endpoint(chain.collector.url)
  for (const words of [
    ['--grafana', chain.grafana.url],
    ['--grafana', chain.grafana.url, ...chain.direct],
  ]) {
    const { code, told, printed } = await examine(words, env)
    assert.equal(code, 0, printed)
    assert.deepEqual(
      told.checks.map(({ hop, signal, status }) => [hop, signal, status].filter(Boolean).join(' ')),
      [
        'settings ok',
        'app ok',
        'database ok',
        'disk ok',
        'clock ok',
        ...['traces Tempo', 'logs Loki', 'metrics Mimir'].flatMap((pair) => {
          const [signal, name] = pair.split(' ')
          return [`Collector ${signal} ok`, `${name} ${signal} ok`, `Grafana ${signal} ok`]
        }),
      ],
    )
    assert.match(told.probe ?? '', /^[0-9a-f]{32}$/)
    assert.equal(told.stoppedAt, null)
  }
  const without = await examine(chain.direct, env)
  assert.equal(without.code, 0)
  assert.equal(without.row('Grafana')?.status, 'skipped')
  const people = await runDoctor(['--grafana', chain.grafana.url], env)
  assert.match(people.printed, /^ok {7}Tempo \(traces\) +Tempo, asked through Grafana/m)
  assert.match(people.printed, /\nNothing is broken\.\n$/)
})

test('the probe leaves a span that tail sampling keeps, and no series of a service that has gone', async (t) => {
  if (!has(t, 'otelcol') || !has(t, 'prometheus')) return
  await using chain = await startChain()
  using folder = scratch()
  const port = await freePort()
  writeFileSync(`${folder.folder}/p.yml`, 'otlp: { promote_resource_attributes: [service.name] }\n')
  const args = [
    `--config.file=${folder.folder}/p.yml`,
    `--storage.tsdb.path=${folder.folder}/data`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--web.enable-otlp-receiver',
  ]
  const prometheus = `http://127.0.0.1:${port}`
  await using _running = await start('prometheus', { args }, `${prometheus}/-/ready`)
  await using collector = await startCollector(
    {
      tempo: chain.backends.tempo.sink.url,
      loki: chain.backends.loki.sink.url,
      mimir: `${prometheus}/api/v1`,
    },
    { more: { SAMPLING_PERCENTAGE: '0' } },
  )
  const words = [...chain.direct.slice(0, 4), '--mimir', prometheus]
  const { code, printed } = await examine(words, endpoint(collector.url))
  assert.equal(code, 0, printed)
  const asked = await fetch(`${prometheus}/api/v1/query?query=target_info{job=~".*doctor"}`)
  assert.deepEqual(((await asked.json()) as { data: { result: unknown[] } }).data.result, [])
})

type Break = {
  env: Record<string, string>
  said: RegExp
  cure: RegExp
  answered?: RegExp
  close: () => unknown
}
const nothing = () => undefined

/** A Collector that receives with TLS, and a certificate that no machine trusts. */
async function tlsCollector(folder: string) {
  const words =
    'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout key.pem -out cert.pem'
  const made = run('openssl', words.split(' '), { cwd: folder })
  assert.equal(made.code, 0, made.printed)
  writeFileSync(
    `${folder}/tls.yaml`,
    `receivers: { otlp: { protocols: { http: { tls: { cert_file: ${folder}/cert.pem, key_file: ${folder}/key.pem } } } } }\n`,
  )
  const nowhere = 'http://127.0.0.1:9'
  const sinks = { tempo: nowhere, loki: nowhere, mimir: nowhere }
  return startCollector(sinks, { extra: [`${folder}/tls.yaml`] })
}

/** The breaks between the app and the Collector, with the real Collector where it makes them. */
const breaks: Record<string, (folder: string) => Promise<Break>> = {
  'wrong path': async () => {
    const { url, stop } = await collectorTo('http://127.0.0.1:9')
    const [said, cure] = [/answered 404: nothing receives OTLP/, /Correct OTEL_EXPORTER_OTLP_END/]
    return { env: endpoint(`${url}/otlp`), said, cure, close: stop }
  },
  'path written twice': async () => {
    const { url, stop } = await collectorTo('http://127.0.0.1:9')
    const cure = /The app adds \/v1\/\w+ itself/
    return {
      env: endpoint(`${url}/v1/traces`),
      said: /\/v1\/traces\/v1\/\w+ answered 404/,
      cure,
      close: stop,
    }
  },
  'path of one signal missing': async () => {
    const { url, stop } = await collectorTo('http://127.0.0.1:9')
    const names = signals.map((signal) => `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_ENDPOINT`)
    const env = { ...shared, ...Object.fromEntries(names.map((name) => [name, url])) }
    return {
      env,
      said: /answered 404/,
      cure: /_ENDPOINT is used as it is: add \/v1\//,
      close: stop,
    }
  },
  'gRPC port': async () => {
    const { grpc, stop } = await collectorTo('http://127.0.0.1:9')
    const said = /not in HTTP\/1\.1: it is probably the gRPC port/
    return { env: endpoint(`http://127.0.0.1:${grpc}`), said, cure: /4318/, close: stop }
  },
  'TLS to a plain port': async () => {
    const { url, stop } = await collectorTo('http://127.0.0.1:9')
    const env = endpoint(url.replace('http:', 'https:'))
    return { env, said: /does not speak TLS/, cure: /http:\/\//, close: stop }
  },
  'plain to a TLS port': async (folder) => {
    const { url, stop } = await tlsCollector(folder)
    const answered = /HTTP request to an HTTPS server/
    return { env: endpoint(url), said: /it speaks TLS/, cure: /https:\/\//, answered, close: stop }
  },
  'unknown CA': async (folder) => {
    const { url, stop } = await tlsCollector(folder)
    const env = endpoint(url.replace('http:', 'https:'))
    return { env, said: /nobody whom this machine trusts/, cure: /OTLP_CERTIFICATE/, close: stop }
  },
  'nothing there': async () => {
    const env = endpoint(`http://127.0.0.1:${await freePort()}`)
    return { env, said: /nothing listens/, cure: /4318/, answered: /ECONNREFUSED/, close: nothing }
  },
  'unknown name': async () => {
    const env = endpoint('http://no-such-collector.invalid:4318')
    return {
      env,
      said: /the name no-such-collector\.invalid is not known/,
      cure: /name/,
      close: nothing,
    }
  },
  hanging: async () => {
    const { url, close } = await hangingServer()
    const env = { ...endpoint(url), OTEL_EXPORTER_OTLP_TIMEOUT: '500' }
    return { env, said: /did not answer in time/, cure: /hangs/, close }
  },
  'no credentials': async () => {
    const { url, close } = await answering(401, {}, 'who are you?')
    const said = /answered 401: it does not accept a sender without credentials/
    return { env: endpoint(url), said, cure: /OTLP_HEADERS/, answered: /who are you/, close }
  },
  'full queue, 503': async () => {
    const { url, close } = await answering(503, { 'Retry-After': '60' }, 'sending queue is full')
    const said = /answered 503 \(Retry-After: 60\)/
    return { env: endpoint(url), said, cure: /full/, answered: /queue is full/, close }
  },
  'full queue, 429': async () => {
    const { url, close } = await answering(429, { 'Retry-After': '60' })
    return { env: endpoint(url), said: /answered 429 \(Retry-After: 60\)/, cure: /full/, close }
  },
  'full queue of the real Collector': async (folder) => {
    const hanging = await hangingServer()
    const queue = '{ num_consumers: 1, sizer: requests, queue_size: 1 }'
    const to = (kind: string, name: string) =>
      `    ${kind}: { receivers: [otlp], processors: [], exporters: [otlp_http/${name}] }\n`
    writeFileSync(
      `${folder}/small.yaml`,
      `exporters:
${['tempo', 'loki', 'mimir'].map((name) => `  otlp_http/${name}: { sending_queue: ${queue} }\n`).join('')}service:
  pipelines:
${to('traces', 'tempo')}${to('logs', 'loki')}${to('metrics', 'mimir')}`,
    )
    const { url, stop } = await startCollector(
      { tempo: hanging.url, loki: hanging.url, mimir: hanging.url },
      { extra: [`${folder}/small.yaml`] },
    )
    await fillQueues(url)
    const close = async () => {
      await hanging.close()
      await stop()
    }
    return {
      env: endpoint(url),
      said: /answered 503/,
      cure: /full/,
      answered: /queue is full/,
      close,
    }
  },
  'unknown tenant': async () => {
    const { url, close } = await answering(401, {}, 'no org id')
    return { env: endpoint(url), said: /wants to know the tenant/, cure: /X-Scope-OrgID/, close }
  },
  'a web page': async () => {
    const { url, close } = await answering(200, { 'Content-Type': 'text/html' }, '<h1>Hello</h1>')
    return { env: endpoint(url), said: /this does not receive OTLP/, cure: /4318/, close }
  },
  'a redirect': async () => {
    const { url, close } = await answering(301, { Location: 'https://birds.example/' })
    return { env: endpoint(url), said: /exporters do not follow/, cure: /address/, close }
  },
  'a part rejected': async () => {
    // partial_success { rejected: 1, error_message: "too old" }
    const body = Buffer.from('0a0b0801120774 6f6f206f6c64'.replaceAll(' ', ''), 'hex')
    const { url, close } = await answering(200, { 'Content-Type': 'application/x-protobuf' }, body)
    return { env: endpoint(url), said: /rejected a part/, cure: /time/, answered: /too old/, close }
  },
}

/** Sends each signal until the Collector refuses it. */
async function fillQueues(url: string): Promise<void> {
  const scope = { name: 'test' }
  const [traceId, spanId] = ['1'.repeat(32), '1'.repeat(16)]
  const points = { dataPoints: [{ asInt: '1', timeUnixNano: '1' }] }
  const bodies = {
    traces: {
      resourceSpans: [{ scopeSpans: [{ scope, spans: [{ traceId, spanId, name: 'x' }] }] }],
    },
    logs: {
      resourceLogs: [{ scopeLogs: [{ scope, logRecords: [{ body: { stringValue: 'x' } }] }] }],
    },
    metrics: {
      resourceMetrics: [{ scopeMetrics: [{ scope, metrics: [{ name: 'x', gauge: points }] }] }],
    },
  }
  for (const [signal, body] of Object.entries(bodies))
    for (let tries = 0; ; tries++) {
      const headers = { 'Content-Type': 'application/json' }
      const answer = await fetch(`${url}/v1/${signal}`, {
        method: 'POST',
        headers,
        body: JSON.stringify(body),
      })
      await answer.body?.cancel()
      if (answer.status === 503) break
      assert.ok(tries < 50, `The queue of ${signal} does not become full: ${answer.status}`)
    }
}

const collectorTo = (url: string) => startCollector({ tempo: url, loki: url, mimir: url })
const needsCollector = new Set([
  'wrong path',
  'path written twice',
  'path of one signal missing',
  'gRPC port',
  'TLS to a plain port',
  'plain to a TLS port',
  'unknown CA',
  'full queue of the real Collector',
])
const needsOpenssl = new Set(['plain to a TLS port', 'unknown CA'])

for (const [name, make] of Object.entries(breaks))
  test(`stopped at the Collector: ${name}`, async (t) => {
    if (needsCollector.has(name) && !has(t, 'otelcol')) return
    if (needsOpenssl.has(name) && !has(t, 'openssl')) return
    using folder = scratch()
    const broken = await make(folder.folder)
    try {
      const { code, told, printed, row } = await examine([], broken.env)
      assert.equal(code, 1, printed)
      assert.deepEqual(told.stoppedAt, { hop: 'Collector', signal: 'traces' })
      for (const signal of signals) {
        const check = row('Collector', signal)
        assert.equal(check?.status, 'failed', printed)
        assert.match(check.said, broken.said)
        assert.match(check.cure ?? '', broken.cure)
        if (broken.answered) assert.match(check.answered ?? '', broken.answered)
      }
      assert.equal(row('Tempo', 'traces')?.status, 'skipped')
    } finally {
      await broken.close()
    }
  })

test('a Collector with TLS is reached with the certificate of its CA', async (t) => {
  if (!has(t, 'otelcol') || !has(t, 'openssl')) return
  using folder = scratch()
  await using collector = await tlsCollector(folder.folder)
  const env = endpoint(collector.url.replace('http:', 'https:'))
  const { row, printed } = await examine(['--wait', '1'], {
    ...env,
    OTEL_EXPORTER_OTLP_CERTIFICATE: `${folder.folder}/cert.pem`,
  })
  for (const signal of signals) assert.equal(row('Collector', signal)?.status, 'ok', printed)
})

test('one signal alone is broken: the others go on', async (t) => {
  if (!has(t, 'otelcol')) return
  await using chain = await startChain()
  const { told, row, printed } = await examine(['--grafana', chain.grafana.url], {
    ...endpoint(chain.collector.url),
    OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: chain.collector.url,
    OTEL_METRICS_EXPORTER: 'none',
  })
  assert.deepEqual(told.stoppedAt, { hop: 'Collector', signal: 'logs' }, printed)
  assert.equal(row('Grafana', 'traces')?.status, 'ok')
  assert.match(row('Collector', 'metrics')?.said ?? '', /OTEL_METRICS_EXPORTER is none/)
})

// Settings with quotes, without a scheme, or blank, as people and compose files write them.
import assert from 'node:assert/strict'
import test from 'node:test'

import { readSettings } from '../src/config/env.ts'
import { readTelemetrySettings } from '../src/config/telemetry-settings.ts'
import { startSink } from './otlp-sink.ts'
import { refusedStart, scratch, startServer } from './process.ts'

test('a list of people or an address that is none is refused at the start, in one sentence', async () => {
  const bad: [string, string[]][] = [
    [
      'OPERATORS',
      [
        '"mara@example.org"',
        "'mara@example.org' nell@example.org",
        'mara@example.org;nell@example.org',
        'Mara <mara@example.org>',
        'mara',
        '@example.org',
      ],
    ],
    [
      'GRAFANA_URL',
      [
        'localhost:3000',
        'grafana.example.org',
        '127.0.0.1:3000',
        '"http://localhost:3000"',
        'http://',
        'ftp://grafana.example.org',
        'http://admin:hunter2@grafana.example.org',
      ],
    ],
    ['PUBLIC_ORIGIN', ['birds.example.org', '"https://birds.example.org"', 'localhost:8080']],
    ['DATABASE_URL', ['"file:x.db"', './x.db', 'http://', 'http://[', 'localhost:8080']],
    ['TRUSTED_PROXIES', ['"loopback"', 'http://10.0.0.1']],
  ]
  for (const [name, values] of bad)
    for (const value of values)
      assert.throws(
        () => readSettings({ [name]: value }),
        (error: Error) =>
          error.message.startsWith(`${name} is "`) &&
          error.message.includes(', but it accepts ') &&
          !error.message.includes('\n') &&
          !error.message.includes('hunter2'),
        `${name}=${value}`,
      )
  const { said, code } = await refusedStart({ OPERATORS: '"mara@example.org"' })
  assert.equal(code, 1)
  assert.match(said, /^OPERATORS is ""mara@example\.org"", but it accepts .*without quotes/)

  const good = {
    OPERATORS: 'Mara@example.org, nell+birds@xn--bcher-kva.example  ö@bücher.example',
    GRAFANA_URL: ' https://grafana.example.org/sub/ ',
    DATABASE_URL: 'libsql://birds-mara.example.org',
  }
  const settings = readSettings(good)
  assert.equal(settings.operators.size, 3)
  assert.equal(settings.GRAFANA_URL, 'https://grafana.example.org/sub/')
  assert.equal(readSettings({ OPERATORS: '', GRAFANA_URL: '' }).operators.size, 0)
})

const otlp = ['ENDPOINT', 'HEADERS', 'COMPRESSION', 'TIMEOUT', 'PROTOCOL', 'CERTIFICATE']
const names = ['', 'TRACES_', 'METRICS_', 'LOGS_'].flatMap((signal) =>
  otlp.map((last) => `OTEL_EXPORTER_OTLP_${signal}${last}`),
)

test('an OTEL variable that is blank is unset, and blanks around a value do not count', async () => {
  for (const blank of ['', ' ', '\t ']) {
    const env = Object.fromEntries(names.map((name) => [name, blank]))
    assert.deepEqual(readTelemetrySettings(env, false), { wanted: undefined, warnings: [] })
  }
  using place = scratch()
  await using sink = await startSink()
  await using server = await startServer({
    ...Object.fromEntries(names.map((name) => [name, ' '])),
    DATABASE_URL: `file:${place.folder}/x.db`,
    INSPECT: '0',
    OTEL_EXPORTER_OTLP_ENDPOINT: ` ${sink.url} `,
    OTEL_EXPORTER_OTLP_HEADERS: 'x-unset=,x-set= yes ',
    OTEL_BSP_SCHEDULE_DELAY: ' 50 ',
    OTEL_RESOURCE_ATTRIBUTES: ' ',
    OTEL_TRACES_SAMPLER_ARG: '',
  })
  await fetch(`${server.url}/`)
  await sink.until(() => sink.spans().length > 0)
  assert.equal(await server.stop(), 0)
  assert.equal(sink.deliveries[0]?.headers['x-set'], 'yes')
  for (const signal of ['traces', 'metrics', 'logs'])
    assert.ok(
      sink.deliveries.some((one) => one.signal === signal),
      signal,
    )
  const lines = server.printed().match(/.*"level":"(warn|error)".*/g) ?? []
  assert.deepEqual(lines, [])
})

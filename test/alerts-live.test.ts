// The rules on a real Prometheus, fed by the real app: they find its series, count exactly what was sent, and fire in an overload.
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import { freePort } from '../bin/free-port.ts'
import { metricsIn } from '../bin/telemetry/dashboards.ts'
import { post, register, scratch, startServer } from './process.ts'
import { has, run, start } from './programs.ts'
import { readRules, recordedNames, ruleFiles } from './rules.ts'

type Found = { metric: Record<string, string>; value: [number, string] }[]

/** Starts a Prometheus that takes OTLP and evaluates the rules every second. */
async function startPrometheus(folder: string) {
  mkdirSync(`${folder}/rules`)
  for (const file of ruleFiles()) {
    const text = readFileSync(file, 'utf8').replaceAll(/interval: (30s|1m)$/gm, 'interval: 1s')
    writeFileSync(`${folder}/rules/${file.split('/').at(-1)}`, text)
  }
  writeFileSync(
    `${folder}/prometheus.yaml`,
    'rule_files: [rules/*.yaml]\n' +
      'otlp: { promote_resource_attributes: [service.name, service.namespace, service.instance.id] }\n',
  )
  const url = `http://127.0.0.1:${await freePort()}`
  const args = [
    `--config.file=${folder}/prometheus.yaml`,
    `--storage.tsdb.path=${folder}/data`,
    `--web.listen-address=${url.slice(7)}`,
    '--web.enable-otlp-receiver',
  ]
  const running = await start('prometheus', { args, cwd: folder }, `${url}/-/ready`)
  const query = async (expr: string): Promise<Found> => {
    const found = await fetch(`${url}/api/v1/query?${new URLSearchParams({ query: expr })}`)
    return ((await found.json()) as { data: { result: Found } }).data.result
  }
  return { running, url, query }
}

/** Asks until the answer is right; returns the last answer after a minute. */
async function eventually<T>(ask: () => Promise<T>, isRight: (answer: T) => boolean): Promise<T> {
  for (const giveUp = Date.now() + 60_000; ; await pause(300)) {
    const answer = await ask()
    if (isRight(answer) || Date.now() > giveUp) return answer
  }
}

test('the rules find the series of the real app, and an overload fires the alert it is for', async (t) => {
  if (!has(t, 'prometheus')) return
  if (!run('prometheus', ['--help']).printed.includes('enable-otlp-receiver'))
    return t.skip('This Prometheus is too old: version 3 receives OTLP.')
  using place = scratch()
  const { running, url, query } = await startPrometheus(place.folder)
  await using _ = running
  await using server = await startServer({
    DATABASE_URL: `file:${place.folder}/app.db`,
    REQUEST_QUEUE: '1',
    OTEL_SERVICE_NAME: 'app',
    OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: `${url}/api/v1/otlp/v1/metrics`,
    OTEL_METRIC_EXPORT_INTERVAL: '1000',
    OTEL_METRIC_EXPORT_TIMEOUT: '900',
    // Nobody listens there, so that the app drops its spans.
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `http://127.0.0.1:${await freePort()}/v1/traces`,
    OTEL_EXPORTER_OTLP_TIMEOUT: '300',
    OTEL_BSP_SCHEDULE_DELAY: '100',
    OTEL_LOGS_EXPORTER: 'none',
  })
  const statuses: number[] = []
  const ask = async (path: string, cookie = '') =>
    void statuses.push(
      (await fetch(server.url + path, { headers: { Cookie: cookie }, redirect: 'manual' })).status,
    )
  // Health checks, static files and streams do not count.
  for (const path of ['/livez', '/readyz', '/static/app.css', '/static/nothing'])
    await fetch(server.url + path)
  await (await fetch(`${server.url}/traces/live`)).body?.cancel()
  const cookie = await register(server.url, 'alice')
  await post(`${server.url}/tweet`, { msg: 'hello' }, cookie)
  statuses.push(303, 200)
  for (const path of ['/', '/timeline', '/nothing', '/login']) await ask(path, cookie)
  await Promise.all(Array.from({ length: 300 }, () => ask('/')))
  const refused = statuses.filter((status) => status === 503).length
  assert.ok(refused > 100, `only ${refused} of 300 were refused`)

  const count = (name: string, level: string) => async () =>
    Math.round(Number((await query(`service:${name}:increase5m{level="${level}"}`))[0]?.value[1]))
  const expect = async (name: string, level: string, expected: number) =>
    assert.equal(await eventually(count(name, level), (is) => is === expected), expected, name)
  await expect('bad_requests', 'availability', refused)
  await expect('requests', 'availability', statuses.length)
  // Without the failed ones and without the sign-up.
  await expect('requests', 'latency', statuses.length - refused - 1)

  const firing = () => query('ALERTS{alertstate="firing", service_name="app"}')
  const isThere = (found: Found, name: string) =>
    found.some(({ metric }) => metric['alertname'] === name)
  const expected = ['AvailabilityBudgetBurnsFast', 'TelemetryDroppedByApp']
  const found = await eventually(firing, (is) => expected.every((name) => isThere(is, name)))
  for (const name of expected) assert.ok(isThere(found, name), `${name}: ${JSON.stringify(found)}`)
  assert.ok(!isThere(found, 'TelemetryStale'))

  const names = (await (await fetch(`${url}/api/v1/label/__name__/values`)).json()) as {
    data: string[]
  }
  const rules = readRules()
  const own = new Set(rules.flatMap(({ expr }) => metricsIn(expr)))
  for (const name of recordedNames(rules)) own.delete(name)
  const missing = [...own].filter((name) => !names.data.includes(name))
  // What the Collector and nginx send, and a series that exists from the first write that waits on.
  const others = /^(otelcol_|nginx_|tracewren_work_queue_depth$|otel_sdk_processor_log_)/
  assert.deepEqual(
    missing.filter((name) => !others.test(name)),
    [],
  )
})

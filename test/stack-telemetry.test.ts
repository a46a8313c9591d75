// The configurations in observability/, checked by the programs that read them, if those are on PATH.
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { freePort } from '../bin/free-port.ts'
import { scratch } from './process.ts'
import { has, run, start } from './programs.ts'
import { at, keysOf, readYaml, type Yaml } from './yaml.ts'

const root = fileURLToPath(new URL('../observability/', import.meta.url))
const config = `${root}collector/config.yaml`
const source = (path: string) => readFileSync(path, 'utf8')
const read = (path: string) => readYaml(source(`${root}${path}`))
const texts = (value: Yaml | undefined) => (Array.isArray(value) ? value.map(String) : [])

test('the Collector accepts its configuration without a deprecation warning', (t) => {
  if (!has(t, 'otelcol')) return
  const { code, printed } = run('otelcol', ['validate', '--config', config])
  assert.equal(code, 0, printed)
  assert.equal(printed.trim(), '')
})

test('spans are counted once, before sampling, and each backend has a queue and retries', () => {
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

test('contrib.yaml refers to existing parts, keeps what it replaces, and adds the logs of nginx', () => {
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
    // A list in contrib.yaml replaces the list in the base file.
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

test('Loki and Mimir accept their configurations', (t) => {
  const places = { LISTEN: '127.0.0.1' }
  if (has(t, 'loki')) {
    const args = ['-verify-config', '-config.expand-env=true', `-config.file=${root}loki/loki.yaml`]
    const { code, printed } = run('loki', args, { env: places })
    assert.equal(code, 0, printed)
  }
  if (has(t, 'mimir')) {
    const args = ['-modules', '-config.expand-env=true', `-config.file=${root}mimir/mimir.yaml`]
    const { code, printed } = run('mimir', args, { env: places })
    assert.equal(code, 0, printed)
  }
  assert.ok(Number(at(read('mimir/mimir.yaml'), 'limits', 'max_global_exemplars_per_user')) > 0)
  assert.equal(at(read('mimir/mimir.yaml'), 'limits', 'otel_metric_suffixes_enabled'), true)
})

test('Mimir and Loki start with an empty folder, and answer queries', async (t) => {
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
    if (!has(t, name)) continue
    const prefix = name.toUpperCase()
    mkdirSync(`${place.folder}/${name}`) // as the volume is in the container
    const env = {
      ...common,
      [`${prefix}_PORT`]: ports[0]!,
      [`${prefix}_GRPC_PORT`]: ports[1]!,
      MIMIR_GOSSIP_PORT: ports[2]!,
      MIMIR_RULES: `${root}mimir/rules`,
      [`${prefix}_DATA`]: `${place.folder}/${name}`,
    }
    const url = `http://127.0.0.1:${ports[0]}`
    await using running = await start(name, { args: args(name), env, cwd: place.folder }, url)
    assert.ok(await answers(`${url}/ready`), running.printed().slice(-2000))
    // Frontend, scheduler and querier must find each other on loopback.
    const path =
      name === 'mimir' ? '/prometheus/api/v1/label/__name__/values' : '/loki/api/v1/labels'
    assert.ok(await answers(url + path), running.printed().slice(-2000))
    await running.stop('SIGKILL')
  }
})

test("Tempo's configuration contains only options of Tempo 3", () => {
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

test("Grafana's datasources have the uids of the original application, and link to each other in both directions", () => {
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
  // Grafana's provisioning expands a single $ as an environment variable, which would be empty.
  const withoutComments = source(`${root}${path}`).replaceAll(/^\s*#.*$/gm, '')
  assert.doesNotMatch(withoutComments, /(?<!\$)\$(?!\$)/)
  const provider = at(read('grafana/provisioning/dashboards/tracewren.yaml'), 'providers', 0)
  const mounts = texts(at(compose, 'services', 'grafana', 'volumes'))
  assert.ok(
    mounts.some((mount) => mount.includes(`:${String(at(provider, 'options', 'path'))}:ro`)),
  )
  assert.deepEqual(readdirSync(`${root}grafana/provisioning`).sort(), ['dashboards', 'datasources'])
})

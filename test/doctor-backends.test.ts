// `npm run doctor` behind the Collector: backends that are away, tenants, Grafana.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import test, { after, before } from 'node:test'

import { freePort } from '../bin/free-port.ts'
import {
  examine,
  fakeGrafana,
  hangingServer,
  runDoctor,
  startChain,
  type Kind,
} from './doctor-rig.ts'
import { scratch, startServer, type Server } from './process.ts'
import { has } from './programs.ts'

let app: Server
let place: ReturnType<typeof scratch>
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
const hops: [Kind, string, string][] = [
  ['tempo', 'Tempo', 'traces'],
  ['loki', 'Loki', 'logs'],
  ['mimir', 'Mimir', 'metrics'],
]

test('a backend that is away is named, whichever it is, through Grafana and directly', async (t) => {
  if (!has(t, 'otelcol')) return
  for (const [kind, hop, signal] of hops) {
    await using chain = await startChain()
    const env = endpoint(chain.collector.url)
    await chain.backends[kind].close()

    const through = await examine(['--wait', '8', '--grafana', chain.grafana.url], env)
    assert.equal(through.code, 1, through.printed)
    assert.deepEqual(through.told.stoppedAt, { hop, signal })
    assert.match(through.row(hop, signal)?.said ?? '', /Grafana does not reach .* \(502\)/)
    assert.match(through.row(hop, signal)?.cure ?? '', new RegExp(`docker compose up -d ${kind}`))
    assert.equal(through.row('Collector', signal)?.status, 'ok', 'the Collector keeps it')

    const direct = await examine(['--wait', '8', ...chain.direct], env)
    assert.deepEqual(direct.told.stoppedAt, { hop, signal })
    assert.match(direct.row(hop, signal)?.said ?? '', /nothing listens on this port/)
    for (const [, other, theirs] of hops)
      if (other !== hop) assert.equal(direct.row(other, theirs)?.status, 'ok', direct.printed)
  }
})

test('a backend that answers and gets nothing from the Collector is named', async (t) => {
  if (!has(t, 'otelcol')) return
  await using chain = await startChain()
  await chain.backends.loki.sink.close() // the Collector cannot write, and queries are answered
  const words = ['--wait', '3', '--grafana', chain.grafana.url]
  const { told, row, printed } = await examine(words, endpoint(chain.collector.url))
  assert.deepEqual(told.stoppedAt, { hop: 'Loki', signal: 'logs' }, printed)
  assert.match(row('Loki', 'logs')?.said ?? '', /answers, but does not have the probe/)
  assert.match(row('Loki', 'logs')?.cure ?? '', /logs opentelemetry-collector/)
})

test('a backend that hangs costs a few seconds and is named', async (t) => {
  if (!has(t, 'otelcol')) return
  await using chain = await startChain()
  const hanging = await hangingServer()
  const words = ['--wait', '8', ...chain.direct.slice(0, 4), '--mimir', hanging.url]
  const { told, row } = await examine(words, endpoint(chain.collector.url))
  assert.deepEqual(told.stoppedAt, { hop: 'Mimir', signal: 'metrics' })
  assert.match(row('Mimir', 'metrics')?.said ?? '', /did not answer in time/)
  await hanging.close()
})

/** Makes the Collector write to a tenant. */
function writingTo(folder: string, tenant: string): string {
  const file = `${folder}/tenant.yaml`
  const lines = ['tempo', 'loki', 'mimir'].map(
    (name) => `  otlp_http/${name}: { headers: { X-Scope-OrgID: ${tenant} } }\n`,
  )
  writeFileSync(file, `exporters:\n${lines.join('')}`)
  return file
}

test('a wrong tenant is named where it is wrong', async (t) => {
  if (!has(t, 'otelcol')) return
  using folder = scratch()
  await using chain = await startChain({
    tenants: true,
    extra: [writingTo(folder.folder, 'birds')],
  })
  const env = endpoint(chain.collector.url)
  const grafana = ['--wait', '6', '--grafana', chain.grafana.url]
  const reading = (tenant?: string) => {
    for (const [kind] of hops)
      chain.sources[kind].headers = tenant === undefined ? {} : { 'X-Scope-OrgID': tenant }
  }
  reading('birds')
  assert.equal((await examine(grafana.slice(2), env)).code, 0)
  assert.equal((await examine([...chain.direct, '--tenant', 'birds'], env)).code, 0)

  const unnamed = await examine(chain.direct, env)
  assert.deepEqual(unnamed.told.stoppedAt, { hop: 'Tempo', signal: 'traces' })
  reading('bees')
  const through = await examine(grafana, env)
  const both = await examine([...grafana, ...chain.direct, '--tenant', 'birds'], env)
  reading()
  const none = await examine(grafana, env)
  for (const [, hop, signal] of hops) {
    assert.match(unnamed.row(hop, signal)?.said ?? '', /401: it wants to know the tenant/)
    assert.match(unnamed.row(hop, signal)?.cure ?? '', /--tenant/)
    assert.match(through.row(hop, signal)?.said ?? '', /does not have the probe/)
    assert.match(through.row(hop, signal)?.cure ?? '', /another tenant/)
    assert.equal(both.row(hop, signal)?.status, 'ok', both.printed)
    assert.match(both.row('Grafana', signal)?.said ?? '', /does not find the probe, but .* has it/)
    assert.match(both.row('Grafana', signal)?.cure ?? '', /X-Scope-OrgID/)
    assert.match(none.row('Grafana', signal)?.said ?? '', /wants to know the tenant/)
  }
  assert.deepEqual(both.told.stoppedAt, { hop: 'Grafana', signal: 'traces' })
})

test('Grafana: away, a data source missing or with a wrong address, a login', async (t) => {
  if (!has(t, 'otelcol')) return
  await using chain = await startChain()
  const env = endpoint(chain.collector.url)
  const away = await examine(
    [...chain.direct, '--grafana', `http://127.0.0.1:${await freePort()}`],
    env,
  )
  assert.deepEqual(away.told.stoppedAt, { hop: 'Grafana' }, away.printed)
  assert.equal(away.row('Mimir', 'metrics')?.status, 'ok')

  const { tempo, loki, mimir } = chain.sources
  const sources = { loki: { url: `http://127.0.0.1:${await freePort()}` }, mimir }
  const half = await fakeGrafana(sources)
  const broken = await examine([...chain.direct, '--grafana', half.url], env)
  assert.match(broken.row('Grafana', 'traces')?.said ?? '', /"tempo" is not there/)
  assert.match(broken.row('Grafana', 'logs')?.said ?? '', /does not reach Loki \(502\)/)
  assert.match(broken.row('Grafana', 'logs')?.cure ?? '', /address of the data source "loki"/)
  assert.equal(broken.row('Grafana', 'metrics')?.status, 'ok')
  await half.close()

  const closed = await fakeGrafana({ tempo, loki, mimir }, 'admin:s3cret-word')
  const refused = await examine(['--grafana', closed.url], env)
  assert.match(refused.row('Grafana', 'traces')?.said ?? '', /Grafana wants a login/)
  const asAdmin = closed.url.replace('//', '//admin:s3cret-word@')
  const let_in = await examine(['--grafana', asAdmin], env)
  assert.equal(let_in.code, 0, let_in.printed)
  assert.doesNotMatch(let_in.printed, /s3cret-word/)
  await closed.close()
})

test('Grafana is found by GRAFANA_URL', async (t) => {
  if (!has(t, 'otelcol')) return
  await using chain = await startChain()
  const env = { ...endpoint(chain.collector.url), GRAFANA_URL: chain.grafana.url }
  const { code, printed } = await runDoctor([], env)
  assert.equal(code, 0, printed)
  assert.match(printed, /Grafana \(traces\) +Grafana's data source "tempo" finds the probe/)
})

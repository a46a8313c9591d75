// Three processes, nginx with our files and a libSQL server, under load: each part fails, and nothing acknowledged is lost.
// Times count from the moment when a part answers again, because a busy machine is slow.
import assert from 'node:assert/strict'
import { cpSync } from 'node:fs'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { createClient } from '@libsql/client/http'

import { freePort } from '../bin/free-port.ts'
import { startLoad, type Load } from './chaos-load.ts'
import { freshServerUrl } from './libsql-server.ts'
import { startNginx } from './nginx.ts'
import { register, scratch, startServer, type Server } from './process.ts'
import { has, run } from './programs.ts'
import { startProxy } from './tcp-proxy.ts'

/** How many people post, read and like without a pause. */
const people = 9
/** No answer comes later, and no error later than `calmMs` after the part is back. */
const answerMs = 6000
const calmMs = 2000
/** So long a part is away, and so long it is watched after that. */
const awayMs = 1000
const watchMs = 2500

/** A site with all its parts, each of which can be stopped and started. */
async function site(folder: string) {
  const database = { now: await freshServerUrl(folder) }
  const proxy = await startProxy(database.now.port)
  const ports = [await freePort(), await freePort(), await freePort()]
  const start = (at: number) =>
    startServer({
      PORT: String(ports[at]),
      DATABASE_URL: proxy.url,
      LOG_LEVEL: 'silent',
      LIMIT_WRITE: '1000000/60',
      DEMO: '1',
    })
  const apps = await Promise.all(ports.map((_, at) => start(at)))
  const script = fileURLToPath(new URL('../nginx/container/servers.sh', import.meta.url))
  const env = {
    SERVERS_FOLDER: folder,
    APP_SERVERS: ports.map((port) => `127.0.0.1:${port}`).join(),
  }
  assert.equal(run('sh', [script], { env }).code, 0)
  const nginx = await startNginx(folder, 'unused:1', (conf) =>
    cpSync(`${folder}/servers.conf`, `${conf}/upstream.conf`),
  )
  return {
    database,
    proxy,
    apps,
    nginx,
    /** Starts a process again, on its port, and waits until it can serve. */
    async restart(at: number) {
      apps[at] = await start(at)
      await ready(apps[at])
    },
    async [Symbol.asyncDispose]() {
      await nginx[Symbol.asyncDispose]()
      for (const app of apps) await app[Symbol.asyncDispose]()
      await proxy.close()
      await database.now.stop()
    },
  }
}

async function ready({ url }: Server): Promise<void> {
  for (const giveUp = Date.now() + 30_000; ; await pause(20)) {
    if (
      await fetch(`${url}/readyz`).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      return
    assert.ok(Date.now() < giveUp, 'it is not ready again')
  }
}

type Site = Awaited<ReturnType<typeof site>>
/** Breaks a part and puts it back. Returns when it answers again. */
type Fault = { name: string; run: (on: Site, folder: string) => Promise<void> }

const kill = (at: number): Fault => ({
  name: `process ${at + 1} is killed`,
  run: async (on) => {
    await on.apps[at]!.stop('SIGKILL')
    await pause(awayMs)
    await on.restart(at)
  },
})

const late = (ms: number): Fault => ({
  name: `answers of the server are ${ms / 1000} s late`,
  run: async ({ proxy }) => {
    proxy.delayMs = ms
    await pause(3000)
    proxy.delayMs = 0
    await pause(ms) // the last late answers are on their way
  },
})

const faults: Fault[] = [
  { name: 'nothing fails', run: () => pause(awayMs) },
  kill(0),
  kill(1),
  kill(2),
  {
    name: 'the server is killed',
    run: async ({ database }, folder) => {
      const { port } = database.now
      await database.now.stop('SIGKILL')
      await pause(awayMs)
      database.now = await freshServerUrl(folder, port)
    },
  },
  {
    name: 'all processes are restarted, one by one',
    run: async (on) => {
      for (const at of on.apps.keys()) {
        await on.apps[at]!.stop('SIGTERM')
        await on.restart(at)
      }
    },
  },
  late(1500),
  late(4000),
  {
    name: 'connections to the server are cut all the time',
    run: async ({ proxy }) => {
      for (let times = 0; times < 15; times++) {
        proxy.cut()
        await pause(200)
      }
    },
  },
  {
    name: 'answers of the server are thrown away',
    run: async ({ proxy }) => {
      proxy.cutsAnswers = true
      await pause(awayMs)
      proxy.cutsAnswers = false
    },
  },
]

/** Runs one fault under load, prints its figures, and checks its answers. */
async function under(fault: Fault, on: Site, { load, folder }: { load: Load; folder: string }) {
  const from = Date.now()
  await fault.run(on, folder)
  const back = Date.now()
  await pause(watchMs)
  const figures = load.figures(from, Date.now())
  const { requests, failures, gapMs, slowestMs, statuses } = figures
  console.log(
    `# ${fault.name}: ${requests} requests, ${failures.length} failures, longest gap ${gapMs} ms, slowest answer ${slowestMs} ms`,
  )
  assert.deepEqual(
    [...statuses].filter((status) => ![200, 502, 503].includes(status)),
    [],
    fault.name,
  )
  assert.ok(slowestMs <= answerMs, `${fault.name}: an answer after ${slowestMs} ms`)
  const after = failures.filter(({ at }) => at > back + calmMs)
  assert.deepEqual(after, [], `${fault.name}: an error ${calmMs} ms after the part was back`)
  return requests
}

test('each part fails under load: nothing acknowledged is lost, errors are 502 or 503 and end soon', async (t) => {
  if (!has(t, 'nginx')) return
  using place = scratch()
  await using on = await site(place.folder)
  const cookies = await Promise.all(
    Array.from({ length: people }, (_, n) => register(on.nginx.url, `chaos${n}`)),
  )
  const load = startLoad(on.nginx.url, cookies)
  for (const fault of faults) await under(fault, on, { load, folder: place.folder })
  const { acknowledged, sent } = await load.stop()

  const client = createClient({ url: on.database.now.url })
  const { rows } = await client.execute(
    "SELECT msg, count(*) AS n FROM tweets WHERE msg GLOB 'chaos *' GROUP BY msg",
  )
  const stored = new Map(rows.map((row) => [String(row['msg']), Number(row['n'])]))
  const lost = acknowledged.filter((msg) => !stored.has(msg))
  const twice = [...stored].filter(([, times]) => times > 1)
  console.log(
    `# ${acknowledged.length} of ${sent} posts acknowledged, ${stored.size} stored, lost ${lost.length}, twice ${twice.length}`,
  )
  assert.deepEqual([lost, twice], [[], []])
  const likes = await client.execute(
    'SELECT like_count AS kept, (SELECT count(*) FROM favorites WHERE tweet_id = tweets.id) AS counted FROM tweets WHERE id = 1',
  )
  assert.equal(likes.rows[0]!['kept'], likes.rows[0]!['counted'])
  client.close()
})

// Three processes behind the real nginx on a real libSQL server, under load, while each part dies, restarts or is slow.
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { cpSync } from 'node:fs'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { createClient } from '@libsql/client/http'

import { freePort, freshServerUrl } from './libsql-server.ts'
import { startNginx } from './nginx.ts'
import { ended, launch, register, scratch } from './process.ts'
import { has, run } from './programs.ts'
import { startProxy } from './tcp-proxy.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const writers = 6
const readers = 6
/** No answer may take longer, and no error may come later after the part is back. */
const answerMs = 6000
const recoverMs = 2000
/** Load between the faults, so that each one's errors can be told from those of the next. */
const calmMs = 2500

type Asked = { at: number; ended: number; status: number; isWrite: boolean }
type Fault = { name: string; from: number; back: number }

/** A process of the app that can be started again on its port. */
class App {
  readonly port: number
  readonly #env: Record<string, string>
  child!: ChildProcess

  constructor(port: number, env: Record<string, string>) {
    this.port = port
    this.#env = { ...env, PORT: String(port), LOG_LEVEL: 'silent', LIMIT_WRITE: '100000/60' }
  }

  async start(): Promise<void> {
    this.child = launch(this.#env, { stdio: 'ignore' })
    await answers(`http://127.0.0.1:${this.port}/livez`)
  }

  async stop(signal: NodeJS.Signals): Promise<void> {
    this.child.kill(signal)
    await ended(this.child)
  }
}

async function answers(url: string): Promise<void> {
  for (const until = Date.now() + 60_000; ; await pause(20)) {
    const ok = await fetch(url, { signal: AbortSignal.timeout(5000) }).then(
      (answer) => answer.ok,
      () => false,
    )
    if (ok) return
    assert.ok(Date.now() < until, `${url} answers`)
  }
}

/** People who write and read through nginx until `stop`; what was acknowledged and what was asked. */
async function load(url: string) {
  const asked: Asked[] = []
  const acknowledged: string[] = []
  const cookies = await Promise.all(
    Array.from({ length: writers }, (_, writer) => register(url, `w${writer}`)),
  )
  let isOver = false
  async function ask(path: string, init: RequestInit): Promise<number> {
    const at = Date.now()
    const signal = AbortSignal.timeout(2 * answerMs)
    const status = await fetch(url + path, { ...init, redirect: 'manual', signal }).then(
      async (answer) => (await answer.arrayBuffer(), answer.status),
      () => 0,
    )
    asked.push({ at, ended: Date.now(), status, isWrite: init.method === 'POST' })
    return status
  }
  const writing = cookies.map(async (Cookie, writer) => {
    for (let number = 0; !isOver; number++) {
      const msg = `chaos ${writer} ${number}`
      const fields = { msg, key: crypto.randomUUID() }
      // It may have been done: the same once more, until it is acknowledged.
      for (let status = 0; status !== 200 && !isOver; await pause(status === 200 ? 20 : 100)) {
        const body = new URLSearchParams(fields)
        status = await ask('/tweet', { method: 'POST', headers: { Cookie }, body })
        if (status === 200) acknowledged.push(msg)
      }
    }
  })
  const reading = Array.from({ length: readers }, async (_, reader) => {
    const headers = { Cookie: cookies[reader % writers]!, Accept: 'text/html' }
    for (let number = 0; !isOver; number++) {
      await ask(number % 2 ? '/timeline' : '/everybody', { headers })
      await pause(20)
    }
  })
  const stop = async () => {
    isOver = true
    await Promise.all([...writing, ...reading])
  }
  return { asked, acknowledged, stop }
}

function tableOf(faults: Fault[], asked: Asked[]): string[] {
  return faults.map(({ name, from, back }, index) => {
    const to = faults[index + 1]?.from ?? Infinity
    const during = asked.filter(({ ended: at }) => at >= from && at < to)
    const failed = during.filter(({ status }) => status !== 200)
    const good = during.filter(({ status }) => status === 200).map(({ ended: at }) => at)
    const gaps = [from, ...good.toSorted((a, b) => a - b)].map((at, i, all) =>
      i === 0 ? 0 : at - all[i - 1]!,
    )
    return `# ${name}: away ${back - from} ms, ${during.length} requests, ${failed.length} failed, longest gap ${Math.max(...gaps)} ms`
  })
}

test('each part dies, restarts or is slow: what was acknowledged is stored once, and errors end soon', async (t) => {
  if (!has(t, 'nginx')) return
  using place = scratch()
  let database = await freshServerUrl(place.folder)
  const proxy = await startProxy(database.port)
  const ports = [await freePort(), await freePort(), await freePort()]
  const apps = ports.map((port) => new App(port, { DATABASE_URL: proxy.url }))
  await Promise.all(apps.map((app) => app.start()))
  const named = run('sh', [`${root}nginx/container/servers.sh`], {
    env: {
      SERVERS_FOLDER: place.folder,
      APP_SERVERS: ports.map((port) => `127.0.0.1:${port}`).join(' '),
    },
  })
  assert.equal(named.code, 0, named.printed)
  const nginx = await startNginx(place.folder, 'unused:1', (conf) =>
    cpSync(`${place.folder}/servers.conf`, `${conf}/upstream.conf`),
  )
  const faults: Fault[] = []
  const during = async (name: string, work: () => Promise<void>) => {
    const from = Date.now()
    await work()
    faults.push({ name, from, back: Date.now() })
    await pause(calmMs)
  }
  try {
    const people = await load(nginx.url)
    await pause(1000)
    for (const [index, app] of apps.entries())
      await during(`kill -9 of process ${index + 1}`, async () => {
        await app.stop('SIGKILL')
        await app.start()
      })
    await during('kill -9 of the server', async () => {
      await database.stop('SIGKILL')
      database = await freshServerUrl(place.folder, database.port)
    })
    await during('all processes, one by one', async () => {
      for (const app of apps) {
        await app.stop('SIGTERM')
        await app.start()
      }
    })
    await during('answers of the server 300 ms late', async () => {
      proxy.delayMs = 300
      await pause(3000)
      proxy.delayMs = 0
    })
    await during('connections to the server cut ten times', async () => {
      for (let count = 0; count < 10; count++) {
        proxy.cut()
        await pause(100)
      }
    })
    await during('answers of the server lost for a second', async () => {
      proxy.cutsAnswers = true
      await pause(1000)
      proxy.cutsAnswers = false
    })
    await people.stop()
    const { asked, acknowledged } = people
    for (const line of tableOf(faults, asked)) console.log(line)

    const client = createClient({ url: database.url })
    const { rows } = await client.execute("select msg from tweets where msg like 'chaos %'")
    client.close()
    const stored = new Map<string, number>()
    for (const { msg } of rows) stored.set(String(msg), (stored.get(String(msg)) ?? 0) + 1)
    const lost = acknowledged.filter((msg) => !stored.has(msg))
    console.log(`# ${acknowledged.length} posts acknowledged, ${lost.length} lost`)
    assert.deepEqual(lost, [])
    assert.deepEqual(
      [...stored].filter(([, times]) => times > 1),
      [],
      'a repeat makes no second row',
    )
    assert.ok(acknowledged.length > 50, String(acknowledged.length))
    const statuses = new Set(asked.map(({ status }) => status))
    assert.deepEqual(
      [...statuses].filter((status) => ![200, 502, 503].includes(status)),
      [],
    )
    assert.deepEqual(
      asked.filter(({ at, ended: end }) => end - at > answerMs),
      [],
      'no answer takes longer',
    )
    const isExcused = ({ at, ended: end }: Asked) =>
      faults.some(({ from, back }) => end >= from && at <= back + recoverMs)
    const late = asked.filter((one) => one.status !== 200 && !isExcused(one))
    assert.deepEqual(late, [], 'no error comes later')
  } finally {
    await nginx.stop()
    for (const app of apps) await app.stop('SIGKILL')
    await proxy.close()
    await database.stop()
  }
})

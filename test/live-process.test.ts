// The stream of new posts in the real process: its end, readers that stop reading, and pages that come back after a restart.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { get, type ClientRequest } from 'node:http'
import { connect } from 'node:net'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { createContext, Script } from 'node:vm'

import { ended, launch, post, scratch, startServer, type Server } from './process.ts'

const patienceMs = 60_000
const script = readFileSync(new URL('../static/live.js', import.meta.url), 'utf8')

async function until(condition: () => boolean, what: string): Promise<void> {
  for (const end = Date.now() + patienceMs; !condition(); await pause(20))
    assert.ok(Date.now() < end, what)
}

async function signIn(server: Server, number = 3): Promise<string> {
  const mailaddress = `user${String(number).padStart(4, '0')}@example.com`
  const answer = await post(`${server.url}/login`, { mailaddress, password: 'password123' })
  return answer!.headers.getSetCookie()[0]!.split(';')[0]!
}

/** As much of EventSource as the script needs, over a real connection. */
function eventSourceOf(cookie: string) {
  return class {
    readonly #request: ClientRequest
    readonly #listeners = new Map<string, (event: { data: string }) => void>()
    onmessage?: (event: { data: string }) => void
    onerror?: () => void
    isClosed = false

    constructor(url: string) {
      this.#request = get(url, { headers: { Cookie: cookie } }, (answer) => {
        if (answer.statusCode !== 200) return this.#fail()
        answer.setEncoding('utf8').on('data', (text: string) => this.#take(text))
        answer.on('close', () => this.#fail())
      })
      this.#request.on('error', () => this.#fail())
    }

    addEventListener(name: string, listener: (event: { data: string }) => void) {
      this.#listeners.set(name, listener)
    }

    close() {
      this.isClosed = true
      this.#request.destroy()
    }

    #fail() {
      if (!this.isClosed) this.onerror?.()
    }

    #take(text: string) {
      for (const [, name, data] of text.matchAll(/^(?:event: (\w+)\n)?data: (.*)$/gm)) {
        const listener = name === undefined ? this.onmessage : this.#listeners.get(name)
        listener?.({ data: data! })
      }
    }
  }
}

/** A page with the real script; its timers are kept instead of run. */
function openTab(url: string, cookie: string) {
  const line = { textContent: '' }
  const link = { textContent: 'New posts', hidden: true }
  const bar = { children: [line, link], dataset: { live: `${url}/timeline/live?after=0` } }
  const tab = { line, link, waits: [] as number[], back: () => {}, leave: () => {} }
  const context = createContext({
    $: () => bar,
    on: () => {},
    addEventListener: () => {},
    document: { hidden: false },
    EventSource: eventSourceOf(cookie),
    clearTimeout: () => {},
    setTimeout: (work: () => void, ms: number | string) => {
      tab.waits.push(Number(ms))
      tab.back = work
    },
  })
  new Script(script).runInContext(context)
  tab.leave = () => void new Script('hush()').runInContext(context)
  return tab
}

test('500 pages come back 1 to 15 s after a restart, never more than 40 in a second', async (t) => {
  using place = scratch()
  const env = {
    DATABASE_URL: `file:${place.folder}/x.db`,
    LIVE_PER_ADDRESS: '500',
    REQUEST_QUEUE: '1000',
    REQUEST_WAIT_MS: '60000',
    MAX_IN_FLIGHT: '1000',
    LOG_LEVEL: 'warn',
  }
  await using server = await startServer(env)
  const cookie = await signIn(server)
  const tabs = Array.from({ length: 500 }, () => openTab(server.url, cookie))
  // The demo world has posts for her: each page that is open has been told.
  await until(() => tabs.every(({ link }) => !link.hidden), 'all are open')
  const began = performance.now()
  server.child.kill('SIGTERM')
  assert.equal(await ended(server.child), 0)
  const ms = performance.now() - began
  assert.ok(ms < 5000, `500 streams held up the end for ${ms} ms`)
  await until(() => tabs.every(({ waits }) => waits.length === 1), 'all have lost it')
  const waits = tabs.map((tab) => tab.waits[0]!).sort((a, b) => a - b)
  assert.ok(waits[0]! >= 1000 && waits.at(-1)! <= 15_000, `${waits[0]} to ${waits.at(-1)}`)
  const inSecond = (from: number) => waits.filter((at) => at >= from && at < from + 1000).length
  const most = Math.max(...waits.map(inSecond))
  assert.ok(most <= 40, `${most} in a second`)
  // Nobody is there yet: then not before half a minute, so that a long outage gets few requests, too.
  for (const tab of tabs.slice(0, 50)) tab.back()
  await until(() => tabs.slice(0, 50).every((tab) => tab.waits.length === 2), 'refused')
  const later = tabs.slice(0, 50).map((tab) => tab.waits[1]!)
  assert.ok(Math.min(...later) >= 30_000 && Math.max(...later) <= 90_000)
  assert.ok(new Set(later).size > 40, 'at random')
  const again = launch({ ...env, PORT: new URL(server.url).port })
  t.after(() => again.kill('SIGKILL'))
  for (const end = Date.now() + patienceMs; Date.now() < end; await pause(50))
    if (await fetch(`${server.url}/livez`).catch(() => undefined)) break
  for (const tab of tabs.slice(0, 20)) {
    tab.link.hidden = true
    tab.back()
  }
  await until(() => tabs.slice(0, 20).every(({ link }) => !link.hidden), 'back again')
  for (const tab of tabs) tab.leave()
  again.kill('SIGTERM')
  assert.equal(await ended(again), 0)
})

test('open streams are no requests in progress, and neither they nor half a second delay the exit', async () => {
  using place = scratch()
  await using server = await startServer({
    DATABASE_URL: `file:${place.folder}/x.db`,
    MAX_IN_FLIGHT: '1',
    LIVE_STREAMS: '10',
    LOG_LEVEL: 'info',
    INSPECT: '1',
  })
  const cookie = await signIn(server)
  const tabs: ReturnType<typeof openTab>[] = []
  for (let number = 0; number < 10; number++) {
    const tab = openTab(server.url, cookie)
    tabs.push(tab)
    await until(() => !tab.link.hidden, 'open')
  }
  const page = await fetch(`${server.url}/timeline`, { headers: { Cookie: cookie } })
  assert.equal(page.status, 200)
  const eleventh = openTab(server.url, cookie)
  await until(() => eleventh.waits.length === 1, 'refused')
  assert.ok(eleventh.waits[0]! >= 30_000)
  // Their spans have ended: the inspector lists them.
  const list = await (await fetch(`${server.url}/traces`, { headers: { Cookie: cookie } })).text()
  assert.match(list, /GET \/timeline\/live/)
  for (const tab of tabs) tab.leave()
  assert.equal(await server.stop(), 0)
})

test('a stopped reader is cut off', async () => {
  using place = scratch()
  await using server = await startServer({
    DATABASE_URL: `file:${place.folder}/x.db`,
    LIVE_STREAMS: '1',
    LOG_LEVEL: 'warn',
  })
  const cookie = await signIn(server)
  const deaf = connect(Number(new URL(server.url).port), '127.0.0.1')
  let isCut = false
  deaf.once('error', () => (isCut = true)).once('close', () => (isCut = true))
  // What comes before fills all buffers on the way, so that the stream's own bytes wait in the process.
  const large = 'GET /static/htmx.js HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(500)
  deaf.write(`${large}GET /timeline/live HTTP/1.1\r\nHost: x\r\nCookie: ${cookie}\r\n\r\n`)
  deaf.pause()
  const asked = async () => {
    const stop = new AbortController()
    const { status } = await fetch(`${server.url}/timeline/live`, {
      headers: { Cookie: cookie },
      signal: stop.signal,
    })
    stop.abort()
    return status
  }
  // Its place is taken, and soon free again; another reader beside it would have been served all the time.
  const statuses: number[] = []
  for (const end = Date.now() + patienceMs; statuses.at(-1) !== 200 || statuses.length < 2;) {
    assert.ok(Date.now() < end, 'the place is never free')
    await pause(100)
    statuses.push(await asked())
  }
  assert.ok(statuses.includes(503), 'it was open')
  deaf.resume()
  await until(() => isCut, 'the connection is closed')
  assert.equal(await server.stop(), 0)
})

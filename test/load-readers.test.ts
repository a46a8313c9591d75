// LOAD_USERS: users of Locust that start by themselves with the stack, so that the dashboards show something.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import { freePort } from '../bin/free-port.ts'
import { inFront, missing, place } from './load-runs.ts'
import { startServer } from './process.ts'

/** Runs Locust with its web page for some seconds, as compose.yaml does. Returns what it printed. */
async function withPage(host: string, users: string, enough: (said: string) => boolean) {
  const words = ['-f', 'loadtest/locust/locustfile.py', '--class-picker', '--web-host=127.0.0.1']
  const child = spawn('locust', [...words, `--web-port=${await freePort()}`, '--host', host], {
    env: { ...process.env, SHAPE: 'pick', LOAD_USERS: users },
  })
  const ended = new Promise<number | null>((done) => child.once('close', (code) => done(code)))
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (piece: Buffer) => (said += piece))
  for (const giveUp = Date.now() + 40_000; !enough(said) && Date.now() < giveUp;) await pause(100)
  child.kill('SIGTERM')
  return { said, code: await ended }
}

const options = { skip: missing('locust') }

test(
  'readers start by themselves: they sign in, only read, at most one request a second',
  options,
  async () => {
    const seen: { at: number; what: string }[] = []
    await using front = await inFront(({ method, url }) => {
      seen.push({ at: performance.now(), what: `${method} ${url}` })
      return false
    })
    const { said, code } = await withPage(front.url, '5', () => seen.length >= 14)
    assert.equal(code, 0, `no answer was wrong:\n${said}`)
    const [look, ...requests] = seen
    assert.equal(look!.what, 'GET /login')
    const logins = requests.filter(({ what }) => what === 'POST /login').length
    assert.equal(logins, 5)
    assert.ok(requests.every(({ what }) => what.startsWith('GET ') || what === 'POST /login'))
    const seconds = (requests.at(-1)!.at - requests[0]!.at) / 1000
    assert.ok(seconds > requests.length - 2, `${requests.length} requests in ${seconds} s`)
  },
)

test(
  'readers do not start without demo accounts, without a target, or with 0: one line says why',
  options,
  async () => {
    await using real = await startServer({
      DATABASE_URL: `file:${place.folder}/real.db`,
      LOG_LEVEL: 'silent',
      DEMO: '0',
    })
    const isUp = (said: string) => /no user starts/.test(said)
    const away = `http://127.0.0.1:${await freePort()}`
    for (const [host, why] of [
      [real.url, /LOAD_USERS=2: \S+ offers no demo accounts, so no user starts by itself/],
      [away, /LOAD_USERS=2: \S+ does not answer \(.*refused.*\), so no user starts by itself/],
    ] as const) {
      const { said } = await withPage(host, '2', isUp)
      assert.match(said, why)
      assert.doesNotMatch(said, /Ramping|Traceback/)
    }
    const { said } = await withPage(away, '0', (text) => /web interface/.test(text))
    assert.doesNotMatch(said, /no user starts|Ramping|Traceback/)
  },
)

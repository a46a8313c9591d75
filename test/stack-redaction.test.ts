// URLs in nginx's access log: they contain only values of parameters that the route declares.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import { startNginx } from './nginx.ts'
import { scratch, startServer } from './process.ts'
import { has } from './programs.ts'
import { addresses, canary, declaredParameters, oddAddresses } from './redacted.ts'

type Line = { path: string; req: string; referrer: string; status: string }

/** nginx in front of the app; `lines` sends raw requests, each on its own connection, and returns their log lines. */
async function site() {
  const place = scratch()
  const app = await startServer({ DATABASE_URL: `file:${place.folder}/town.db` })
  const nginx = await startNginx(place.folder, new URL(app.url).host).catch(
    async (error: unknown) => {
      await app[Symbol.asyncDispose]()
      throw error
    },
  )
  const { host, port } = new URL(nginx.url)
  const say = (bytes: string) =>
    new Promise<void>((resolve) => {
      const socket = connect(Number(port), '127.0.0.1', () => socket.end(bytes, 'latin1'))
      socket.setTimeout(10_000, () => socket.destroy())
      socket.on('error', () => undefined).on('close', () => resolve())
      socket.resume()
    })
  let known = 0
  const logged = () => nginx.accessLog().split('\n').slice(0, -1)
  return {
    host,
    lines: async (requests: string[]) => {
      for (const [index, request] of requests.entries()) {
        await say(request)
        // nginx writes the line after it has closed: the next request must not come before.
        const giveUp = Date.now() + 20_000
        while (logged().length <= known + index && Date.now() < giveUp) await pause(2)
      }
      const all = logged()
      const fresh = all.slice(known).map((line) => JSON.parse(line) as Line)
      known = all.length
      assert.equal(fresh.length, requests.length)
      return fresh
    },
    errors: () => readFileSync(`${place.folder}/log/nginx/error.log`, 'utf8'),
    async [Symbol.asyncDispose]() {
      await nginx[Symbol.asyncDispose]()
      await app[Symbol.asyncDispose]()
      place[Symbol.dispose]()
    },
  }
}

const get = (target: string, more = '') =>
  `GET ${target} HTTP/1.1\r\nHost: birds.example:81\r\nConnection: close\r\n${more}\r\n`

test('path, req and referrer in the access log contain only values that the route declares', async (t) => {
  if (!has(t, 'nginx')) return
  await using running = await site()
  const asked = addresses.map(([address]) => address)
  const paths = await running.lines(asked.map((address) => get(address)))
  const own = 'http://birds.example:81'
  const from = await running.lines(asked.map((one) => get('/', `Referer: ${own}${one}\r\n`)))
  for (const [index, [address, shown]] of addresses.entries()) {
    assert.equal(paths[index]!.path, shown, address)
    assert.equal(paths[index]!.req, `GET ${shown} HTTP/1.1`, address)
    assert.equal(from[index]!.referrer, own + shown, address)
    assert.equal(from[index]!.req, 'GET / HTTP/1.1')
  }

  const odd = await running.lines(oddAddresses.map((address) => get(address)))
  const oddFrom = await running.lines(
    oddAddresses.map((address) => get('/', `Referer: https://birds.example:81${address}\r\n`)),
  )
  for (const [index, address] of oddAddresses.entries())
    for (const { path, req, referrer } of [odd[index]!, oddFrom[index]!])
      assert.ok(!`${path} ${req} ${referrer}`.includes(canary), `${address}: ${path} ${referrer}`)
})

test('of a Referer from another site only the origin is logged, of an invalid one nothing', async (t) => {
  if (!has(t, 'nginx')) return
  await using running = await site()
  const referrers = [
    ['https://other.test/CANARY7?CANARY7#CANARY7', 'https://other.test'],
    ['https://user:CANARY7@other.test:444/', 'https://other.test:444'],
    ['http://user:CANARY7@birds.example:81/', 'http://birds.example:81'],
    ['http://birds.example/CANARY7', 'http://birds.example'],
    ['http://birds.example:81', 'http://birds.example:81'],
    ['http://birds.example:81?CANARY7', 'http://birds.example:81'],
    ['http://birds.example:81#CANARY7', 'http://birds.example:81'],
    ['http://birds.example:81.other.test/CANARY7', 'http://birds.example:81.other.test'],
    ['android-app://com.example/CANARY7', 'android-app://com.example'],
    ['//birds.example:81/CANARY7', 'REDACTED'],
    ['/login?password=CANARY7', 'REDACTED'],
    ['CANARY7', 'REDACTED'],
    [
      'http://birds.example:81/search?password=CANARY7 password',
      'http://birds.example:81/search?password=REDACTED',
    ],
    ['', ''],
  ]
  const lines = await running.lines(referrers.map(([one]) => get('/', `Referer: ${one}\r\n`)))
  for (const [index, [sent, shown]] of referrers.entries())
    assert.equal(lines[index]!.referrer, shown, sent)
})

test('odd and broken request lines are redacted, too', async (t) => {
  if (!has(t, 'nginx')) return
  await using running = await site()
  const host = 'Host: birds.example\r\nConnection: close\r\n\r\n'
  const requests: [request: string, shown: string][] = [
    [
      `GET http://birds.example/search?q=a&token=CANARY7 HTTP/1.1\r\n${host}`,
      'GET http://birds.example/search?q=a&token=REDACTED HTTP/1.1',
    ],
    [
      `POST /login?password=CANARY7 HTTP/1.1\r\nContent-Length: 0\r\n${host}`,
      'POST /login?password=REDACTED HTTP/1.1',
    ],
    [
      `POST /search?q=CANARY7 HTTP/1.1\r\nContent-Length: 0\r\n${host}`,
      'POST /search?q=REDACTED HTTP/1.1',
    ],
    ['GET /login?password=CANARY7 HTTP/1.0\r\n\r\n', 'GET /login?password=REDACTED HTTP/1.0'],
    ['GET /login?password=CANARY7\r\n', 'GET /login?password=REDACTED'],
    [`GET  /login?password=CANARY7 HTTP/1.1\r\n${host}`, 'GET  /login?password=REDACTED HTTP/1.1'],
    [`GET http://user:CANARY7@birds.example/ HTTP/1.1\r\n${host}`, 'GET REDACTED'],
    ['GET /login?password=CANARY7 HTTP/9.9\r\n\r\n', 'GET REDACTED'],
    [`GET login?password=CANARY7 HTTP/1.1\r\n${host}`, 'GET REDACTED'],
    [`get /login?password=CANARY7 HTTP/1.1\r\n${host}`, 'REDACTED'],
    [
      `GET /login?password=CANARY7 HTTP/1.1\r\nHost: a/b\r\n\r\n`,
      'GET /login?password=REDACTED HTTP/1.1',
    ],
    [`GET /../../CANARY7 HTTP/1.1\r\n${host}`, 'GET REDACTED'],
    ['QUIT\r\n\r\n', 'QUIT'],
  ]
  const lines = await running.lines(requests.map(([request]) => request))
  for (const [index, [request, shown]] of requests.entries())
    assert.equal(lines[index]!.req, shown, request)
})

test('parameters declared in docs/http.md are logged, on their route only', async (t) => {
  if (!has(t, 'nginx')) return
  await using running = await site()
  const routes = declaredParameters()
  assert.ok(routes.length >= 20)
  const names = [...new Set(routes.flatMap(({ parameters }) => parameters))]
  const all = routes.flatMap(({ address, parameters }) =>
    names.map((name) => ({ address, name, declared: parameters.includes(name) })),
  )
  const lines = await running.lines(all.map(({ address, name }) => get(`${address}?${name}=/a`)))
  for (const [index, { address, name, declared }] of all.entries()) {
    const { path } = lines[index]!
    if (declared) assert.equal(path, `${address}?${name}=/a`)
    // Declare `next` for /register, as for /login.
    else if (name !== 'next') assert.equal(path, `${address}?${name}=REDACTED`)
    else assert.ok(path.startsWith(`${address}?next=`))
  }
})

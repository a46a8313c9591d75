// The program on a libSQL server: round trips, and a server that fails.
import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

process.env['TEST_DATABASE'] = 'server'
const { startApp } = await import('./harness.ts')
const { freshServerUrl, freePort } = await import('./libsql-server.ts')
const { post, register, scratch, startServer } = await import('./process.ts')

const pages = [
  '/',
  '/timeline',
  '/tweet/1',
  '/@alice',
  '/@alice/likes',
  '/@alice/followers',
  '/user/1',
  '/favorites',
  '/bookmarks',
  '/everybody',
  '/followers',
  '/following',
  '/search?q=hello',
  '/account',
  '/post',
  '/login',
]

test('a page needs at most two round trips besides that for the visitor, and HTTP spans are children of query spans', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  await alice.tweet('hello world')
  const bob = await app.person('Bob')
  for (const path of pages) {
    const answer = await bob.get(path, { as: 'browser' })
    const calls = answer.spans.filter(
      (span) => span.name === 'POST' && 'url.full' in span.attributes,
    )
    assert.ok(calls.length <= 3, `${path}: ${calls.length} round trips`)
    assert.equal(calls.length, answer.queries.length, path)
    const queries = new Set(answer.queries.map((span) => span.spanContext().spanId))
    for (const call of calls)
      assert.ok(
        queries.has(call.parentSpanContext?.spanId ?? ''),
        `${path}: an HTTP call beside its query`,
      )
  }
  const ready = await bob.get('/readyz')
  assert.deepEqual(
    ready.spans.map(({ name }) => name),
    ['GET /readyz'],
    'the Collector drops it: a span below it would have no parent',
  )
})

test('the server dies and restarts: 503 meanwhile, then recovery, and no acknowledged write is lost', async () => {
  using place = scratch()
  let database = await freshServerUrl(place.folder)
  await using server = await startServer({
    DATABASE_URL: database.url,
    LOG_LEVEL: 'silent',
    DATABASE_TIMEOUT_MS: '1000',
  })
  const cookie = await register(server.url, 'rita')
  const acknowledged: string[] = []
  const statuses = new Set<number>()
  let done = false
  const writing = Array.from({ length: 3 }, async (_, writer) => {
    for (let number = 0; !done; number++) {
      const msg = `r${writer}-${number}`
      const answer = await post(`${server.url}/tweet`, { msg }, cookie)
      statuses.add(answer?.status ?? 0)
      if (answer?.status === 200) acknowledged.push(msg)
      if (answer?.status === 503) {
        assert.ok(answer.headers.get('Retry-After'))
        await pause(20)
      }
    }
  })
  for (let round = 0; round < 3; round++) {
    const before = acknowledged.length
    while (acknowledged.length < before + 20) await pause(10)
    await database.stop('SIGKILL')
    while (!statuses.has(503)) await pause(10)
    assert.equal((await fetch(`${server.url}/livez`)).status, 200)
    database = await freshServerUrl(place.folder, database.port)
    statuses.delete(503)
  }
  const before = acknowledged.length
  while (acknowledged.length < before + 20) await pause(10)
  done = true
  await Promise.all(writing)
  const missing: string[] = []
  const found = new Set<string>()
  for (let path: string | undefined = '/@rita?limit=100'; path;) {
    const html: string = await (await fetch(server.url + path)).text()
    for (const [, msg] of html.matchAll(/class="msg"[^>]*>(r\d-\d+)</g)) found.add(msg!)
    path = /hx-get="([^"]*before=[^"]*)"/.exec(html)?.[1]?.replaceAll('&amp;', '&')
  }
  for (const msg of acknowledged) if (!found.has(msg)) missing.push(msg)
  console.log(`# 3 kills of the server, ${acknowledged.length} acknowledged`)
  assert.deepEqual(missing, [])
  assert.deepEqual(
    [...statuses].filter((status) => status !== 200 && status !== 503),
    [],
  )
  await server.stop()
  await database.stop()
})

test('a request to a server that hangs fails after DATABASE_TIMEOUT_MS', async () => {
  using place = scratch()
  const database = await freshServerUrl(place.folder)
  await using server = await startServer({
    DATABASE_URL: database.url,
    LOG_LEVEL: 'silent',
    DATABASE_TIMEOUT_MS: '1000', // on a busy machine a start needs some of it
  })
  await database.stop()
  const hanging = createServer(() => {}).listen(database.port, '127.0.0.1')
  const answer = await fetch(`${server.url}/`, { signal: AbortSignal.timeout(5000) })
  assert.equal(answer.status, 503)
  assert.doesNotMatch(await answer.text(), /fetch failed|127\.0\.0\.1:\d+|TimeoutError/)
  await server.stop('SIGKILL')
  hanging.close()
  assert.ok((await freePort()) > 0)
})

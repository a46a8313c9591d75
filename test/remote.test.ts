// The program on a libSQL server: round trips, and a server that fails.
import assert from 'node:assert/strict'
import { connect, createServer } from 'node:net'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import { sql } from 'drizzle-orm'

import { freePort } from '../bin/free-port.ts'
import { serverClient } from '../src/db/libsql-http.ts'
import type { Answer } from './harness.ts'

process.env['TEST_DATABASE'] = 'server'
const { startApp } = await import('./harness.ts')
const { freshServerUrl } = await import('./libsql-server.ts')
const { post, register, scratch, startServer } = await import('./process.ts')

/** Round trips of each page for somebody who has signed in, that of the session included. */
const pages: [path: string, trips: number][] = [
  ['/', 2],
  ['/timeline', 2],
  ['/timeline?before=900', 2],
  ['/tweet/1', 2],
  ['/@alice', 2],
  ['/@alice/replies', 2],
  ['/@alice/likes', 2],
  ['/@alice/followers', 2],
  ['/@alice/following', 2],
  ['/@alice/feed', 2],
  ['/user/1', 2],
  ['/favorites', 2],
  ['/bookmarks', 2],
  ['/notifications', 2],
  ['/everybody', 2],
  ['/followers', 2],
  ['/following', 2],
  ['/search?q=hello', 2],
  ['/search?q=alice&type=people', 2],
  ['/tag/hello', 2],
  ['/account', 2],
  ['/post', 1],
  ['/post?quote=1', 2],
]

/** The HTTP requests to the server, each of which is the child of the span of its query or batch. */
function roundTrips(answer: Answer, path: string): number {
  const calls = answer.spans.filter((span) => span.name === 'POST')
  assert.ok(calls.every((span) => span.attributes['http.response.status_code'] === 200))
  const queries = new Set(answer.queries.map((span) => span.spanContext().spanId))
  for (const call of calls)
    assert.ok(queries.delete(call.parentSpanContext?.spanId ?? ''), `${path}: beside its query`)
  assert.equal(queries.size, 0, `${path}: a query without its HTTP call`)
  return calls.length
}

test('a page needs at most two round trips, and HTTP spans are children of query spans', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  for (let number = 1; number <= 30; number++) await alice.tweet('hello #world')
  const bob = await app.person('Bob')
  const lonely = await app.person('Lonely')
  await bob.post('/follow/1')
  await alice.post('/follow/2')
  // Somebody who hides people is asked about them in the same batches.
  const carol = await app.person('Carol')
  await carol.post(`/mute/${lonely.id}`)
  for (const reader of [bob, lonely, carol])
    for (const [path, trips] of pages) {
      const answer = await reader.get(path, { as: 'browser' })
      assert.equal(answer.status, 200, path)
      assert.ok(roundTrips(answer, path) <= trips, `${path}: ${roundTrips(answer, path)}`)
    }
  const visitor = await app.visitor().get('/tweet/1', { as: 'browser' })
  assert.equal(roundTrips(visitor, '/tweet/1'), 1)
  const ready = await bob.get('/readyz')
  assert.deepEqual(
    ready.spans.map(({ name }) => name),
    ['GET /readyz'],
    'the Collector drops it: a span below it would have no parent',
  )
})

test('a timeline of 200 followees takes two round trips, with enough new posts and with too few', async () => {
  await using app = await startApp()
  const reader = await app.person('Reader')
  const { db } = app.database
  const numbers = sql.raw(
    '(with recursive s(value) as (select 1 union all select value + 1 from s where value < 2500) select value from s)',
  )
  await db.run(sql`insert into users (name, handle, mailaddress, password_hash, created_at)
    select 'P' || value, 'p' || value, 'p' || value || '@example.org', '', 1 from ${numbers} where value <= 201`)
  await db.run(sql`insert into follows (follower_id, followed_id, created_at)
    select ${reader.id}, id, 1 from users where id between 2 and 201`)
  await db.run(sql`insert into tweets (user_id, msg, created_at)
    select 2 + value % 200, 'early', value from ${numbers} where value <= 40`)
  const timeline = async () => {
    const answer = await reader.get('/timeline', { as: 'browser' })
    assert.equal(roundTrips(answer, '/timeline'), 2)
    assert.equal([...answer.text.matchAll(/data-tweet-id=/g)].length, 20)
    const span = answer.spans.find(({ name }) => name === 'timeline.read')
    return span?.attributes['app.timeline.strategy']
  }
  assert.equal(await timeline(), 'list')
  // Now the newest two thousand are by somebody else.
  await db.run(
    sql`insert into tweets (user_id, msg, created_at) select 202, 'late', 1 from ${numbers}`,
  )
  assert.equal(await timeline(), 'list+merge')
})

test('a server behind a connection that breaks: a read is asked again, a write never', async () => {
  using place = scratch()
  const database = await freshServerUrl(place.folder)
  const breaking = await breakingProxy(database.port)
  const client = serverClient(new URL(breaking.url), 5000, undefined)
  await client.execute('create table notes (words text)')
  breaking.breaks = 1
  assert.deepEqual((await client.execute('select 1')).rows[0]?.[0], 1)
  breaking.breaks = 1
  await assert.rejects(client.execute("insert into notes values ('once')"), /SERVER_ERROR/)
  const { rows } = await client.execute('select count(*) from notes')
  assert.equal(rows[0]?.[0], 1, 'it was done, and not twice')
  client.close()
  breaking.close()
  await database.stop()
})

/** Passes requests on; cuts the next `breaks` connections when the server has answered. */
async function breakingProxy(to: number) {
  const state = { breaks: 0, url: '', close: () => {} }
  const server = createServer((socket) => {
    const upstream = connect(to, '127.0.0.1')
    socket.on('data', (chunk) => upstream.write(chunk))
    upstream.on('data', (chunk) => {
      if (state.breaks > 0) {
        state.breaks -= 1
        socket.destroy()
        upstream.destroy()
      } else socket.write(chunk)
    })
    for (const one of [socket, upstream])
      one
        .on('error', () => {})
        .on('close', () => {
          socket.destroy()
          upstream.destroy()
        })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  state.url = `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`
  state.close = () => server.close()
  return state
}

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
  const answer = await fetch(`${server.url}/`, { signal: AbortSignal.timeout(20_000) })
  assert.equal(answer.status, 503)
  assert.doesNotMatch(await answer.text(), /fetch failed|127\.0\.0\.1:\d+|TimeoutError/)
  await server.stop('SIGKILL')
  hanging.close()
  assert.ok((await freePort()) > 0)
})

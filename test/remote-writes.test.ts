// Writes to a libSQL server that is busy, slow or cut off: what the answers say, and that a repeat does no harm.
import assert from 'node:assert/strict'
import test from 'node:test'

import Connection from 'libsql'

import { startApp, type Someone } from './harness.ts'
import { freshServerUrl } from './libsql-server.ts'
import { scratch } from './process.ts'
import { startProxy, type TcpProxy } from './tcp-proxy.ts'

/** Another writer of the server's database, which holds the write lock. */
function otherWriter(folder: string) {
  const connection = new Connection(`${folder}/server/dbs/default/data`, { timeout: 10_000 })
  return {
    lock: () => connection.exec('BEGIN IMMEDIATE'),
    unlock: () => connection.exec('ROLLBACK'),
    [Symbol.dispose]: () => void connection.close(),
  }
}

/** An app behind a proxy, with two people and a post of the second one. */
async function behindProxy(env: Record<string, string> = {}) {
  const place = scratch()
  const server = await freshServerUrl(place.folder)
  const proxy = await startProxy(server.port)
  const app = await startApp({ DATABASE_URL: proxy.url, ...env })
  const alice = await app.person('Alice')
  const bob = await app.person('Bob')
  const tweet = await bob.tweet('A post of Bob')
  return {
    app,
    proxy,
    folder: place.folder,
    alice,
    bob,
    tweet,
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]()
      await proxy.close()
      await server.stop()
      place[Symbol.dispose]()
    },
  }
}

/** Sends a request, and silences the database from its second statement on: the first one is that of the session. */
async function silencedAfterSession<T>(
  proxy: TcpProxy,
  how: () => void,
  send: () => Promise<T>,
  from = 2,
): Promise<T> {
  proxy.watch((number) => number === from && how())
  const answer = await send()
  proxy.watch(() => undefined)
  Object.assign(proxy, { cutsAnswers: false, delayMs: 0 })
  return answer
}

test('SQLITE_BUSY: one more try, then 503 with Retry-After and never 500; /readyz says so meanwhile', async () => {
  await using running = await behindProxy()
  const { alice, proxy, folder } = running
  using other = otherWriter(folder)
  other.lock()
  const refused = await alice.post('/tweet', { msg: 'into the lock' })
  assert.equal(refused.status, 503, refused.text)
  assert.equal(refused.headers.get('Retry-After'), '2')
  assert.match(refused.text, /Too many people want this at once/)
  assert.equal((await alice.get('/@alice')).status, 200, 'reads are answered')
  const unready = await alice.get('/readyz')
  assert.deepEqual([unready.status, unready.text], [503, 'the database cannot be written\n'])

  // The first statement is that of the session, the second one finds the lock, the third one is the second try.
  proxy.watch((number) => number === 3 && other.unlock())
  const answer = await alice.post('/tweet', { msg: 'around the lock' })
  assert.equal(answer.status, 200, answer.text)
  assert.equal((await alice.get('/readyz')).status, 200)
  const shown = (await alice.get('/@alice')).text
  assert.doesNotMatch(shown, /into the lock/, 'nothing of it was done')
  assert.match(shown, /around the lock/)
})

test('a write whose answer is lost: 503 says that it may have been done, and a repeat does no harm', async () => {
  await using running = await behindProxy({ DATABASE_TIMEOUT_MS: '1000' })
  const { alice, bob, proxy, tweet } = running
  const actions: [
    string,
    (who: Someone) => Promise<{ status: number; text: string; headers: Headers }>,
  ][] = [
    ['post', (who) => who.post('/tweet', { msg: 'only once', key: 'one' })],
    ['like', (who) => who.post(`/favorite/${tweet}`)],
    ['repost', (who) => who.post(`/retweet/${tweet}`)],
    ['keep', (who) => who.post(`/bookmark/${tweet}`)],
    ['follow', (who) => who.post(`/follow/${bob.id}`)],
  ]
  for (const how of ['late', 'cut'] as const) {
    for (const [name, act] of actions) {
      const lost = await silencedAfterSession(
        proxy,
        () => Object.assign(proxy, how === 'late' ? { delayMs: 2000 } : { cutsAnswers: true }),
        () => act(alice),
      )
      assert.equal(lost.status, 503, `${name}, ${how}: ${lost.text}`)
      assert.match(lost.text, /This may have been done, or not: look before you do it again/)
      assert.equal(lost.headers.get('Retry-After'), '2')
      const repeat = await act(alice)
      assert.ok(repeat.status === 200 || repeat.status === 409, `${name}: ${repeat.text}`)
    }
  }
  const { db } = running.app.database
  const counted = await db.values<number[]>(
    `SELECT (SELECT count(*) FROM tweets WHERE msg = 'only once'), (SELECT count(*) FROM favorites),
      (SELECT count(*) FROM tweets WHERE retweet_of IS NOT NULL), (SELECT count(*) FROM bookmarks),
      (SELECT count(*) FROM follows), (SELECT like_count FROM tweets WHERE id = ${tweet})`,
  )
  assert.deepEqual(Object.values(counted[0]!).slice(0, 6), [1, 1, 1, 1, 1, 1])
})

test('a sign-up whose answer is lost is repeated with the same form, and lets in; reads and unsent writes promise nothing', async () => {
  await using running = await behindProxy({ DATABASE_TIMEOUT_MS: '1000' })
  const { alice, proxy } = running
  const form = { name: 'Carla', mailaddress: 'carla@example.org', password: 'password-of-carla' }
  const carla = running.app.visitor()
  // When the account is written: after two limits, a look for the address, and another limit.
  const lost = await silencedAfterSession(
    proxy,
    () => (proxy.delayMs = 2000),
    () => carla.post('/register', form),
    5,
  )
  const made = await running.app.database.db.values("SELECT 1 FROM users WHERE name = 'Carla'")
  assert.equal(made.length, 1)
  assert.equal(lost.status, 503)
  assert.match(lost.text, /may have been done/)
  assert.equal((await carla.post('/register', form)).location, '/timeline')

  proxy.delayMs = Infinity
  const read = await alice.get('/timeline')
  const unbegun = await alice.post('/tweet', { msg: 'not even the session is known' })
  proxy.delayMs = 0
  proxy.cut()
  for (const { status, text } of [read, unbegun]) {
    assert.equal(status, 503)
    assert.match(text, /The database does not answer/)
    assert.doesNotMatch(text, /may have been done/)
  }
})

test('all statements of a request have one budget: no answer comes late because each of them waited', async () => {
  await using running = await behindProxy({ DATABASE_TIMEOUT_MS: '2000', REQUEST_WAIT_MS: '60000' })
  const { alice, proxy } = running
  proxy.delayMs = 900
  // One is written at a time: the last of ten would wait for five seconds in the queue, and work for two.
  const slowest = await Promise.all(
    Array.from({ length: 10 }, async (_, n) => {
      const asked = performance.now()
      const { status } = await alice.post('/tweet', { msg: `late ${n}` })
      assert.ok(status === 200 || status === 503)
      return performance.now() - asked
    }),
  )
  proxy.delayMs = 0
  const seconds = Math.max(...slowest) / 1000
  assert.ok(seconds < 6, `an answer after ${seconds} s`)
  assert.equal((await alice.post('/tweet', { msg: 'in time' })).status, 200)
})

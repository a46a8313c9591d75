import assert from 'node:assert/strict'
import test from 'node:test'

import { sql } from 'drizzle-orm'

import { startApp, type Someone, type TestApp } from '../../../test/harness.ts'
import { streamOf } from './export.ts'

type Exported = {
  profile: Record<string, unknown>
  tweets: Record<string, unknown>[]
  likes: Record<string, unknown>[]
  following: Record<string, unknown>[]
  followers: Record<string, unknown>[]
  complete: boolean
}

const read = async (who: Someone): Promise<Exported> => {
  const answer = await who.get('/account/export')
  assert.equal(answer.status, 200, answer.text)
  return JSON.parse(answer.text) as Exported
}

/** Asks without reading the answer. */
const begin = (app: TestApp, who: Someone, method = 'GET') => {
  const cookie = [...who.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const headers = { Host: 'localhost:5000', Cookie: cookie }
  return app.fetch(new Request('http://localhost:5000/account/export', { method, headers }))
}

test('the file has all that a person has written and done, and nothing that opens an account', async () => {
  await using app = await startApp()
  const [alice, bob] = [await app.person('Alice'), await app.person('Bob')]
  const theirs = await bob.tweet('of Bob')
  const first = await alice.tweet('first "quoted" \\ \u2028 \ud83e\udd86')
  await alice.post('/tweet', { msg: 'a reply', reply_to: `${theirs}` })
  await alice.post('/tweet', { msg: 'a quote', quote: `${theirs}` })
  await alice.post(`/retweet/${theirs}`)
  await alice.post(`/favorite/${theirs}`)
  await alice.post(`/follow/${bob.id}`)
  await bob.post(`/follow/${alice.id}`)
  await alice.post('/account/handle', { handle: 'alicia' })
  const answer = await alice.get('/account/export')
  assert.match(answer.headers.get('Content-Type')!, /^application\/json/)
  assert.match(
    answer.headers.get('Content-Disposition')!,
    /^attachment; filename="alicia-\d{4}-\d\d-\d\d\.json"$/,
  )
  assert.equal(answer.headers.get('Cache-Control'), 'private, no-store')
  assert.equal(answer.headers.get('X-Accel-Buffering'), 'no')
  const all = JSON.parse(answer.text) as Exported
  assert.equal(Object.keys(all).at(-1), 'complete')
  assert.equal(all.complete, true)
  assert.equal(all.profile['mailaddress'], 'alice@example.org')
  assert.deepEqual(all.profile['former_handles'], ['alice'])
  const posts = all.tweets.map(({ id, text, reply_to, quote_of, repost_of }) => [
    [id, text],
    [reply_to, quote_of, repost_of],
  ])
  assert.deepEqual(posts, [
    [
      [first, 'first "quoted" \\ \u2028 \ud83e\udd86'],
      [null, null, null],
    ],
    [
      [first + 1, 'a reply'],
      [theirs, null, null],
    ],
    [
      [first + 2, 'a quote'],
      [null, theirs, null],
    ],
    [
      [first + 3, ''],
      [null, null, theirs],
    ],
  ])
  assert.deepEqual(
    all.likes.map(({ tweet, author }) => [tweet, author]),
    [[theirs, 'bob']],
  )
  assert.deepEqual([all.following[0]!['handle'], all.followers[0]!['handle']], ['bob', 'bob'])
  assert.doesNotMatch(answer.text, /bob@|\$2[aby]\$|hash|token|"key"/)
  const account = await alice.get('/account', { as: 'browser' })
  assert.match(account.text, /href="\/account\/export"/)
})

test('more rows than a page has arrive in order, each once', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  await app.database.db.run(sql`insert into tweets (user_id, msg, created_at)
    with recursive n(i) as (select 1 union all select i + 1 from n where i < 1000)
    select ${alice.id}, 'post ' || i, i from n`)
  const { tweets, complete } = await read(alice)
  assert.deepEqual(
    tweets.map(({ text }) => text),
    Array.from({ length: 1000 }, (_, at) => `post ${at + 1}`),
  )
  assert.equal(complete, true)
})

test('one at a time, three an hour; who hangs up makes room, and HEAD takes none', async () => {
  await using app = await startApp({ DEMO: '0' })
  await app.database.db
    .run(sql`insert into users (name, handle, mailaddress, password_hash, created_at)
    values ('Zoe', 'zoe', 'z@example.org', '', 1)`)
  const [alice, bob] = [await app.person('Alice'), await app.person('Bob')]
  assert.equal((await begin(app, alice, 'HEAD')).status, 200)
  const open = await begin(app, alice)
  assert.equal(open.status, 200)
  const refused = await bob.get('/account/export')
  assert.equal(refused.status, 503)
  assert.equal(refused.headers.get('Retry-After'), '30')
  assert.equal(refused.headers.get('Content-Disposition'), null, 'the sentence is no file')
  await open.body!.cancel()
  for (let times = 1; times <= 3; times++) assert.equal((await read(bob)).complete, true)
  const fourth = await bob.get('/account/export', { as: 'browser' })
  assert.equal(fourth.status, 429)
  assert.ok(Number(fourth.headers.get('Retry-After')) > 3000)
  assert.match(fourth.headers.get('Content-Type')!, /text\/html/)
  assert.equal((await read(alice)).complete, true, 'a refused one leaves room')
  assert.equal((await app.visitor().get('/account/export')).status, 302)
})

test('a file that could not be written whole does not say that it is complete', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  await alice.tweet('hello')
  const open = await begin(app, alice)
  const reader = open.body!.getReader()
  const first = await reader.read()
  await app.database.db.run(sql`delete from users where id = ${alice.id}`)
  let text = Buffer.from(first.value!).toString()
  await assert.rejects(async () => {
    for (let next = await reader.read(); !next.done; next = await reader.read())
      text += Buffer.from(next.value).toString()
  })
  assert.match(text, /"profile"/)
  assert.doesNotMatch(text, /complete/)
  const bob = await app.person('Bob')
  assert.equal((await read(bob)).complete, true, 'and it makes room')
})

test('a client that reads too slowly is cut off, one that keeps the pace is not', async () => {
  async function* pieces(count: number, done: () => void) {
    try {
      for (let number = 0; number < count; number++) yield await Promise.resolve('x'.repeat(70_000))
    } finally {
      done()
    }
  }
  let isDone = false
  const cut = new Promise<void>((resolve) => {
    const source = pieces(1000, () => (isDone = true))
    const slow = streamOf(source, { firstMs: 50, bytesPerMs: 1e9 }, resolve)
    void slow.body.getReader().read()
    void slow.ended.then(({ isComplete }) => assert.equal(isComplete, false))
  })
  await cut
  while (!isDone) await new Promise((resolve) => setTimeout(resolve, 5))
  const source = pieces(100, () => undefined)
  const fast = streamOf(source, { firstMs: 60_000, bytesPerMs: 32 }, () => assert.fail('cut'))
  let bytes = 0
  for await (const chunk of fast.body) bytes += chunk.length
  assert.equal(bytes, 7_000_000)
  assert.deepEqual(await fast.ended, { bytes, isComplete: true })
})

// Large tweets and accounts: out of sight at once, removed in slices, and nothing counts wrongly meanwhile.
import assert from 'node:assert/strict'
import test from 'node:test'

import { sql } from 'drizzle-orm'
import Database from 'libsql'

import { startApp, type TestApp } from '../../test/harness.ts'
import { removeDeleted } from './deletions.ts'
import { dependentsOf } from './dependents.ts'
import { findProblems, repair } from './integrity.ts'

/** `db:check` on the file; a server has the same triggers. */
function check(app: TestApp): void {
  if (!app.url.startsWith('file:')) return
  const file = new Database(app.url.replace('file:', ''), { timeout: 1000 })
  assert.deepEqual(findProblems(file), [])
  file.close()
}

/** The same after each slice of a deletion: until then, as after it, nothing counts wrongly. */
const checked = (app: TestApp) => {
  const { patient } = app.database
  const batch: typeof patient.batch = async (slice) => {
    const results = await patient.batch(slice)
    check(app)
    return results
  }
  return { patient: Object.assign(Object.create(patient) as typeof patient, { batch }) }
}

const numbers = async (app: TestApp, text: string): Promise<number[]> =>
  (await app.database.db.values(sql.raw(text))).map((row) => Number((row as ArrayLike<unknown>)[0]))

/** People p1 to p`count`; the first has the id that is returned. */
async function crowd(app: TestApp, count: number): Promise<number> {
  const { db } = app.database
  await db.run(sql`insert into users (name, handle, mailaddress, password_hash, created_at)
    with recursive n(i) as (select 1 union all select i + 1 from n where i < ${count})
    select 'P' || i, 'p' || i, 'p' || i || '@example.org', '', 1 from n`)
  return (await numbers(app, "select id from users where handle = 'p1'"))[0]!
}

/** Everybody of the crowd retweets and likes a tweet. */
async function crowdLikes(app: TestApp, tweet: number): Promise<void> {
  const { db } = app.database
  await db.run(sql`insert into tweets (user_id, msg, created_at, retweet_of)
    select id, '', 1, ${tweet} from users where handle glob 'p[0-9]*'`)
  await db.run(sql`insert into favorites (user_id, tweet_id, weight, created_at)
    select id, ${tweet}, 1, 9e12 from users where handle glob 'p[0-9]*'`)
}

test('a tweet with many retweets is gone at once, everywhere, and then its rows are', async () => {
  await using app = await startApp()
  const [alice, bob] = [await app.person('Alice'), await app.person('Bob')]
  const first = await crowd(app, 300)
  const root = await bob.tweet('the root')
  await alice.post('/tweet', { msg: 'large goose', reply_to: `${root}`, key: 'k1' })
  const [large] = await numbers(app, "select id from tweets where msg = 'large goose'")
  await crowdLikes(app, large!)
  await alice.post(`/retweet/${large}`)
  await bob.post(`/favorite/${large}`)
  await bob.post(`/bookmark/${large}`)
  await bob.post('/tweet', { msg: 'a reply of Bob', reply_to: `${large}` })
  await bob.post('/tweet', { msg: 'a quote of Bob', quote: `${large}` })
  const [retweet] = await numbers(app, `select id from tweets where user_id = ${first}`)
  await bob.post(`/follow/${first}`)
  assert.match((await bob.get('/timeline')).text, /large goose/, 'a retweet')
  check(app)

  const gone = await alice.post(`/tweet/${large}/delete`, undefined, { as: 'htmx' })
  assert.equal(gone.status, 200)
  assert.match(gone.text, /Deleted\./)
  assert.deepEqual(await numbers(app, 'select count(*) from deletions'), [1])
  check(app)
  for (const path of [
    '/',
    '/timeline',
    '/everybody',
    '/favorites',
    '/bookmarks',
    '/@alice',
    '/@alice/replies',
    '/@p1',
  ])
    assert.doesNotMatch(
      (await bob.get(path)).text,
      /large goose|data-tweet-id="" |<p class="msg"[^>]*><\/p>/,
      path,
    )
  assert.doesNotMatch((await bob.get('/search?q=goose')).text, /class="tweet"/)
  for (const path of [`/tweet/${large}`, `/tweet/${retweet}`, `/post?quote=${large}`])
    assert.equal((await bob.get(path)).status, 404, path)
  for (const action of ['favorite', 'unfavorite', 'retweet', 'unretweet', 'bookmark', 'unbookmark'])
    for (const id of [large, retweet])
      assert.equal((await bob.post(`/${action}/${id}`)).status, 404, `${action} ${id}`)
  assert.equal((await alice.post(`/tweet/${large}/delete`)).status, 404, 'twice')
  assert.equal((await bob.post('/tweet', { msg: 'late', reply_to: `${large}` })).status, 404)
  const [reply] = await numbers(app, "select id from tweets where msg = 'a reply of Bob'")
  assert.match((await bob.get(`/tweet/${reply}`)).text, /This post is gone/)
  assert.match((await bob.get('/@bob')).text, /This post is gone/)
  const again = await alice.post('/tweet', { msg: 'large goose', key: 'k1' })
  assert.equal(again.status, 200, 'the same key is free')
  assert.deepEqual(await numbers(app, `select reply_count from tweets where id = ${root}`), [0])

  await removeDeleted(checked(app), 0)
  assert.deepEqual(await numbers(app, 'select count(*) from deletions'), [0])
  assert.deepEqual(
    await numbers(app, `select count(*) from tweets where ${large} in (id, retweet_of)`),
    [0],
  )
  assert.deepEqual(await numbers(app, 'select count(*) from favorites'), [0])
  assert.deepEqual(await numbers(app, 'select count(*) from bookmarks'), [0])
  check(app)
})

test('a timeline goes on below the rows that are hidden', async () => {
  await using app = await startApp()
  const bob = await app.person('Bob')
  await crowd(app, 300)
  const alice = await app.person('Alice')
  const [old, large] = [await alice.tweet('an old one'), await alice.tweet('large')]
  await crowdLikes(app, large)
  await app.database.db.run(sql`insert into follows (follower_id, followed_id, created_at)
    select ${bob.id}, id, 1 from users where handle glob 'p[0-9]*' and id < 100`)
  await bob.post(`/follow/${alice.id}`)
  await alice.post(`/tweet/${large}/delete`)
  let next: string | undefined = '/timeline'
  for (let pages = 0; next !== undefined && pages < 10; pages++) {
    const { text } = await bob.get(next, { as: 'browser' })
    if (text.includes(`data-tweet-id="${old}"`)) return
    next = /href="(\/timeline\?before=[^"]*)"/.exec(text)?.[1]?.replaceAll('&amp;', '&')
  }
  assert.fail('the old post was not reached')
})

test('a large account is gone at once, everywhere, and then its rows are', async () => {
  await using app = await startApp()
  const [alice, bob] = [await app.person('Alice'), await app.person('Bob')]
  await crowd(app, 120)
  const { db } = app.database
  const theirs = await bob.tweet('a duck of Bob')
  const large = await alice.tweet('the first goose')
  await crowdLikes(app, large)
  await db.run(sql`insert into tweets (user_id, msg, created_at)
    with recursive n(i) as (select 1 union all select i + 1 from n where i < 700) select ${alice.id}, 'goose ' || i, i from n`)
  for (let n = 1; n <= 3; n++) await alice.post('/tweet', { msg: `@bob has #geese, goose ${n}` })
  await alice.post(`/block/${(await numbers(app, "select id from users where handle = 'p5'"))[0]}`)
  await bob.post(`/favorite/${large}`)
  await bob.post(`/follow/${alice.id}`)
  await alice.post(`/follow/${bob.id}`)
  await alice.post('/tweet', { msg: 'goose answers', reply_to: `${theirs}` })
  await alice.post(`/retweet/${theirs}`)
  await bob.post('/tweet', { msg: 'Bob on it', quote: `${large}` })
  await bob.post('/tweet', { msg: 'Bob answers', reply_to: `${large}` })
  await alice.post('/account/handle', { handle: 'alicia' })
  const another = app.visitor()
  const right = { mailaddress: 'alice@example.org', password: 'password-of-Alice' }
  await another.post('/login', right)
  assert.equal((await another.get('/timeline')).status, 200)
  assert.match((await bob.get('/timeline')).text, /goose/)
  check(app)

  const gone = await alice.post('/account/delete', { farewell: 'password-of-Alice' })
  assert.equal(gone.status, 200)
  check(app)
  assert.equal((await another.get('/timeline')).status, 302, 'sessions end')
  assert.equal((await app.visitor().post('/login', right)).status, 422)
  for (const path of [
    '/@alice',
    '/@alicia',
    `/user/${alice.id}`,
    `/tweet/${large}`,
    '/@alicia/feed',
  ])
    assert.equal((await bob.get(path)).status, 404, path)
  for (const path of [
    '/',
    '/timeline',
    '/favorites',
    '/following',
    '/followers',
    '/@bob/followers',
    `/tweet/${theirs}`,
  ])
    assert.doesNotMatch((await bob.get(path)).text, /goose|alici|Alice|href="\/@~/, path)
  for (const path of ['/search?q=goose', '/search?q=alicia&type=people', '/search?q=alice'])
    assert.doesNotMatch((await bob.get(path)).text, /class="tweet"|data-user-id/, path)
  assert.match((await bob.get('/@bob')).text, /This post is gone/)
  for (const path of [`/follow/${alice.id}`, `/favorite/${large}`, `/retweet/${large}`])
    assert.equal((await bob.post(path)).status, 404, path)
  const taken = { name: 'X', mailaddress: 'x@example.org', password: 'password-of-X' }
  for (const handle of ['alice', 'alicia'])
    assert.equal((await app.visitor().post('/register', { ...taken, handle })).status, 422, handle)
  const back = await app.visitor().post('/register', { name: 'Anna', ...right })
  assert.equal(back.location, '/timeline', 'the address is free')

  await removeDeleted(checked(app), 0)
  check(app)
  assert.deepEqual(await numbers(app, `select count(*) from users where id = ${alice.id}`), [0])
  assert.deepEqual(await numbers(app, `select count(*) from tweets where msg like '%goose%'`), [0])
  assert.deepEqual(
    await numbers(app, "select count(*) from retired_handles where handle glob '~*'"),
    [0],
  )
  assert.deepEqual(await numbers(app, 'select count(*) from deletions'), [0])
  assert.deepEqual(
    await numbers(app, `select count(*) from tweets where msg like 'Bob %'`),
    [2],
    'answers stay',
  )
})

test('small ones are deleted at once, and every table that refers to tweets or people is known', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  await crowd(app, 20)
  const id = await alice.tweet('small')
  await crowdLikes(app, id)
  await alice.post(`/tweet/${id}/delete`)
  await alice.post('/account/delete', { farewell: 'password-of-Alice' })
  assert.deepEqual(await numbers(app, 'select count(*) from tweets'), [0])
  assert.deepEqual(await numbers(app, 'select count(*) from deletions'), [0])
  for (const parent of ['tweets', 'users'] as const) {
    const found = await app.database.db.values(sql`select m.name, f."from" from sqlite_schema m,
      pragma_foreign_key_list(m.name) f where m.type = 'table' and f."table" = ${parent}`)
    const wanted = found.map(
      (row) => `${String((row as string[])[0])}.${String((row as string[])[1])}`,
    )
    const known = dependentsOf(parent).map(({ table, column }) => `${table}.${column}`)
    assert.deepEqual(known.toSorted(), wanted.toSorted())
  }
})

test('the check finds what nobody would remove, and two processes do not take one deletion', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  await crowd(app, 300)
  const id = await alice.tweet('large')
  await crowdLikes(app, id)
  await alice.post(`/tweet/${id}/delete`)
  const soon = Date.now() + 9000
  await app.database.db.run(sql`update deletions set taken_until = ${soon}`)
  await removeDeleted(app.database, 0)
  assert.deepEqual(await numbers(app, 'select taken_until from deletions'), [soon], 'it is taken')
  await app.database.db.run(sql`delete from deletions`)
  if (!app.url.startsWith('file:')) return
  const file = new Database(app.url.replace('file:', ''), { timeout: 1000 })
  assert.deepEqual(findProblems(file), [`tweets ${id}: deleted, but never to be removed`])
  repair(file)
  assert.deepEqual(findProblems(file), [])
  file.close()
  await removeDeleted(app.database, 0)
  assert.deepEqual(await numbers(app, 'select count(*) from favorites'), [0])
})

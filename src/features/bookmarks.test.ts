// Bookmarks: kept by one person for that person alone, for each kind of client.
import assert from 'node:assert/strict'
import test from 'node:test'

import { sql } from 'drizzle-orm'
import Database from 'libsql'

import { expectQueries } from '../../test/budget.ts'
import { startApp, told, type Answer, type TestApp } from '../../test/harness.ts'
import { explain } from '../db/db.ts'
import { findProblems } from '../db/integrity.ts'
import { cardLookups } from '../ui/fragment-cache.ts'

const filesOnly = process.env['TEST_DATABASE'] === 'server' && 'looks into the file'

const bySql = async (app: TestApp, text: string) => {
  const rows = await app.database.db.values<[number]>(sql.raw(text))
  return rows.map((row) => Object.values(row)[0])
}
const kept = (app: TestApp) => bySql(app, 'select tweet_id from bookmarks order by id')

/** The ids of the posts on a page. */
const cards = ({ text }: Pick<Answer, 'text'>) =>
  [...text.matchAll(/<article class="tweet"[^>]* data-tweet-id="(\d+)"/g)].map(([, id]) =>
    Number(id),
  )

type Listed = { bookmarks: { id: number; bookmarked: boolean }[]; before: number | null }
const listed = ({ text }: Answer) => {
  const { bookmarks, before } = JSON.parse(text) as Listed
  return { ids: bookmarks.map(({ id }) => id), before }
}

/** Alice writes, Bob passes it on and keeps things. */
async function town() {
  const app = await startApp()
  const [alice, bob] = [await app.person('Alice'), await app.person('Bob')]
  return { app, alice, bob, id: await alice.tweet('Where is the goose?') }
}

test('each kind of client: bookmark twice is one, undo twice is none; gone is 404 in words', async () => {
  const { app, bob, id } = await town()
  await using _ = app
  for (let n = 0; n < 2; n++)
    assert.deepEqual(JSON.parse((await bob.post(`/bookmark/${id}`)).text), { success: true })
  assert.deepEqual(await kept(app), [id])
  const headers = { Referer: 'http://localhost:5000/@alice' }
  const browser = await bob.post(`/unbookmark/${id}`, undefined, { as: 'browser', headers })
  assert.equal(told(browser), `303 /@alice#tweet-${id}`)
  assert.equal(told(await bob.post(`/unbookmark/${id}`)), '200 json')
  assert.deepEqual(await kept(app), [])
  const htmx = await bob.post(`/bookmark/${id}`, undefined, { as: 'htmx' })
  assert.match(
    htmx.text,
    /^<hx-partial hx-target="\[data-tweet-id=&quot;1&quot;\] .bookmark" hx-swap="outerMorph"><button class="bookmark on"[^>]*hx-post="\/unbookmark\/1"/,
  )
  assert.match(htmx.text, /aria-pressed="true" aria-label="Bookmark" title="Bookmark"/)
  expectQueries(htmx, 3)
  assert.equal(told(await app.visitor().post(`/bookmark/${id}`)), '401 json')
  for (const path of ['/bookmark/999', '/unbookmark/999', '/bookmark/0', '/bookmark/99999999999'])
    assert.deepEqual(JSON.parse((await bob.post(path)).text), { error: 'There is nothing here.' })
  assert.deepEqual(await kept(app), [id])
})

test("a retweet's id stands for its original", async () => {
  const { app, bob, id } = await town()
  await using _ = app
  await bob.post(`/retweet/${id}`)
  const row = id + 1
  const htmx = await bob.post(`/bookmark/${row}`, undefined, { as: 'htmx' })
  assert.match(htmx.text, /data-tweet-id=&quot;1&quot;[\s\S]*hx-post="\/unbookmark\/1"/)
  assert.deepEqual(await kept(app), [id])
  // On the profile the card of the retweet has the pressed button, too.
  const profile = await bob.get('/@bob', { as: 'browser' })
  assert.match(profile.text, /id="tweet-2" data-tweet-id="1"[\s\S]*class="bookmark on"/)
  await bob.post(`/unbookmark/${row}`)
  assert.deepEqual(await kept(app), [])
  await bob.post(`/bookmark/${row}`)
  await bob.post(`/unretweet/${id}`)
  assert.deepEqual(await kept(app), [id], 'it is of the original, which stays')
})

test('the list: newest bookmark first, by cursor, as a page, a slice and JSON', async () => {
  const { app, alice, bob, id } = await town()
  await using _ = app
  const empty = await bob.get('/bookmarks', { as: 'browser' })
  assert.match(empty.text, /You have no bookmarks yet/)
  assert.deepEqual(listed(await bob.get('/bookmarks')), { ids: [], before: null })
  const ids = [id]
  for (let n = 0; n < 24; n++) ids.push(await alice.tweet(`post ${n}`))
  // Not in the order of the posts: the even ones first.
  const order = [...ids.filter((one) => one % 2 === 0), ...ids.filter((one) => one % 2 === 1)]
  for (const one of order) await bob.post(`/bookmark/${one}`)
  await bob.post(`/bookmark/${order[0]}`)
  const newestFirst = order.toReversed()

  const top = await bob.get('/bookmarks', { as: 'browser' })
  assert.deepEqual(cards(top), newestFirst.slice(0, 20))
  expectQueries(top, 2)
  const next = /hx-get="([^"]*before=[^"]*)"/.exec(top.text)![1]!.replaceAll('&amp;', '&')
  assert.equal(next, '/bookmarks?before=6&from=21')
  const rest = await bob.get(next, { as: 'htmx' })
  assert.deepEqual(cards(rest), newestFirst.slice(20))
  assert.equal(rest.headers.get('HX-Replace-Url'), '/bookmarks?through=1')
  const again = await bob.get('/bookmarks?through=1', { as: 'browser' })
  assert.deepEqual(cards(again), newestFirst)

  const json = await bob.get('/bookmarks?limit=10')
  assert.deepEqual(listed(json), { ids: newestFirst.slice(0, 10), before: 16 })
  const [first] = (JSON.parse(json.text) as { bookmarks: object[] }).bookmarks
  const { created_at: at, ...others } = first as { created_at: number }
  assert.ok(Math.abs(at - Date.now()) < 3_600_000)
  assert.deepEqual(others, {
    id: newestFirst[0],
    author: { id: alice.id, name: 'Alice', handle: 'alice' },
    msg: 'post 23',
    reply_to: null,
    quote: null,
    reply_count: 0,
    retweet_count: 0,
    like_count: 0,
    retweeted: false,
    liked: false,
    bookmarked: true,
  })
  const last = await bob.get('/bookmarks?limit=10&before=6')
  assert.deepEqual(listed(last), { ids: newestFirst.slice(20), before: null })
  assert.equal(told(await bob.get('/bookmarks?before=x')), '400 page')

  // Taken back on the list itself: the card stays until the list is read again.
  await bob.post(`/unbookmark/${newestFirst[0]}`)
  assert.deepEqual(cards(await bob.get('/bookmarks', { as: 'browser' })), newestFirst.slice(1, 21))
})

test('bookmarks are of one person alone: no cache keeps them, no page of others shows them or their number', async () => {
  const { app, alice, bob, id } = await town()
  await using _ = app
  const before = await alice.get(`/tweet/${id}`, { as: 'browser' })
  await bob.post(`/bookmark/${id}`)
  for (const as of ['browser', 'htmx', 'program', 'json'] as const) {
    const answer = await bob.get('/bookmarks', { as })
    assert.equal(answer.headers.get('Cache-Control'), 'private, no-store', as)
    const slice = await bob.get('/bookmarks?before=9', { as })
    assert.equal(slice.headers.get('Cache-Control'), 'private, no-store', `${as}, a slice`)
  }
  const page = await bob.get('/bookmarks', { as: 'browser' })
  assert.match(page.text, /data-private="\/bookmarks"/)
  assert.deepEqual(cards(page), [id])
  assert.deepEqual(cards(await alice.get('/bookmarks', { as: 'browser' })), [])
  const plain = ({ text }: Answer) =>
    text.slice(text.indexOf('<article'), text.indexOf('</article>')).replace(/>(\d+s|now)</g, '')
  assert.equal(plain(await alice.get(`/tweet/${id}`, { as: 'browser' })), plain(before))
  for (const path of [`/tweet/${id}`, '/@alice', '/@bob', '/everybody']) {
    for (const who of [alice, app.visitor()])
      assert.doesNotMatch((await who.get(path, { as: 'browser' })).text, /class="bookmark on"/)
  }
  for (const as of ['browser', 'program', 'json'] as const)
    assert.equal(
      told(await app.visitor().get('/bookmarks', { as })),
      '302 /login?next=%2Fbookmarks',
      as,
    )
})

test('the card of who bookmarked and that of who did not are two in the cache, and both are kept', async () => {
  const { app, alice, bob, id } = await town()
  await using _ = app
  await bob.post(`/bookmark/${id}`)
  for (let round = 0; round < 2; round++) {
    const { misses } = cardLookups
    assert.match((await bob.get('/@alice')).text, /class="bookmark on"/)
    assert.doesNotMatch((await app.visitor().get('/@alice')).text, /class="bookmark on"/)
    assert.equal(cardLookups.misses - misses, round === 0 ? 2 : 0)
  }
  assert.equal((await alice.get('/timeline')).text.match(/class="bookmark"/g)?.length, 1)
})

test('bookmarks go with their post and with their person; the check finds orphans', async () => {
  const { app, alice, bob, id } = await town()
  await using _ = app
  const reply = await alice.tweet('Nobody knows')
  for (const one of [id, reply]) await bob.post(`/bookmark/${one}`)
  await alice.post(`/bookmark/${reply}`)
  await alice.post(`/tweet/${id}/delete`)
  assert.deepEqual(await kept(app), [reply, reply])
  assert.deepEqual(listed(await bob.get('/bookmarks')).ids, [reply])
  await bob.post('/account/delete', { farewell: 'password-of-Bob' })
  assert.deepEqual(await bySql(app, 'select user_id from bookmarks'), [alice.id])
  if (process.env['TEST_DATABASE'] === 'server') return
  const file = new Database(app.url.replace('file:', ''), { timeout: 1000 })
  assert.deepEqual(findProblems(file), [])
  file.exec(
    'pragma foreign_keys = 0; insert into bookmarks (user_id, tweet_id, created_at) values (1, 777, 1)',
  )
  assert.deepEqual(findProblems(file), [
    'bookmarks row 4 refers to a row of tweets that does not exist',
  ])
  file.close()
})

test('many at the same moment: one bookmark of each person and post, none of a post that is gone', async () => {
  const { app, alice, bob, id } = await town()
  await using _ = app
  const brief = await alice.tweet('Brief')
  const statuses: number[] = []
  for (let round = 0; round < 10; round++) {
    const answers = Array.from({ length: 6 }, async (_unused, n) => {
      if (round === 5 && n === 3) await alice.post(`/tweet/${brief}/delete`)
      const verb = (round + n) % 5 === 4 ? 'unbookmark' : 'bookmark'
      return (await (n % 2 ? bob : alice).post(`/${verb}/${n % 3 ? id : brief}`)).status
    })
    statuses.push(...(await Promise.all(answers)))
  }
  assert.deepEqual(new Set(statuses), new Set([200, 404]))
  assert.ok(statuses.every((status, n) => status === 200 || (n >= 30 && n % 3 === 0)))
  const pairs = await app.database.db.values<[number, number]>(
    sql`select count(*), count(distinct user_id) from bookmarks where tweet_id = ${id}`,
  )
  const [rows, people] = Object.values(pairs[0]!).map(Number)
  assert.equal(rows, people)
  assert.deepEqual(await bySql(app, `select id from bookmarks where tweet_id = ${brief}`), [])
})

test(
  '10,000 bookmarks of one person, and of one post: the plans read a slice',
  { skip: filesOnly },
  async () => {
    const { app, bob, id } = await town()
    await using _ = app
    const { db } = app.database
    await bob.post('/follow/1')
    const series = sql`with recursive s(n) as (select 1 union all select n + 1 from s where n < 10000)`
    await db.run(
      sql`insert into tweets (user_id, msg, created_at) ${series} select 1, 'post ' || n, 1 from s`,
    )
    await db.run(sql`insert into users (name, handle, mailaddress, password_hash, created_at)
      ${series} select 'P' || n, 'p' || n, 'p' || n || '@example.org', '', 1 from s`)
    await db.run(
      sql`insert into bookmarks (user_id, tweet_id, created_at) select ${bob.id}, id, 1 from tweets`,
    )
    await db.run(
      sql`insert into bookmarks (user_id, tweet_id, created_at) select id, ${id}, 1 from users where id > ${bob.id}`,
    )
    const mine = /SEARCH mine USING COVERING INDEX bookmarks_once \(user_id=\? AND tweet_id=\?\)/
    for (const [path, step] of [
      ['/bookmarks', /SEARCH bookmarks USING INDEX bookmarks_user \(user_id=\? AND id<\?\)/],
      [
        '/bookmarks?before=500',
        /SEARCH bookmarks USING INDEX bookmarks_user \(user_id=\? AND id<\?\)/,
      ],
      [
        '/bookmarks?through=9990',
        /SEARCH bookmarks USING INDEX bookmarks_user \(user_id=\? AND id>\?\)/,
      ],
      ['/timeline', mine],
      [`/tweet/${id}`, mine],
    ] as const) {
      const page = await bob.get(path, { as: 'browser' })
      assert.equal(page.status, 200)
      expectQueries(page, 3)
      const texts = page.queries.map((span) => String(span.attributes['db.query.text']))
      const plan = (await Promise.all(texts.map((text) => explain(db, text)))).flat()
      const steps = plan.map((one) => one.step)
      assert.ok(
        steps.some((one) => step.test(one)) && steps.some((one) => mine.test(one)),
        `${path}\n${steps.join('\n')}`,
      )
      assert.deepEqual(
        steps.filter((one) => /^SCAN (tweets|users|bookmarks|mine|given)\b/.test(one)),
        [],
        path,
      )
    }
  },
)

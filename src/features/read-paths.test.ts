// Read paths: timeline, search, trends, profiles.
import assert from 'node:assert/strict'
import test from 'node:test'

import { sql } from 'drizzle-orm'

import { startApp, type Answer } from '../../test/harness.ts'
import { rebaseTrends } from '../db/trend-score.ts'

const ids = (answer: Answer) =>
  [...answer.text.matchAll(/data-tweet-id="(\d+)"/g)].map(([, id]) => Number(id))

test('the timeline has the tweets of followed people and of the viewer, newest first, and continues by cursor', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  const bob = await app.person('Bob')
  const carol = await app.person('Carol')
  const mine: number[] = []
  for (let number = 0; number < 25; number++) {
    mine.unshift(await (number % 2 ? alice : bob).tweet(`tweet ${number}`))
    await carol.tweet('somebody else')
  }
  await alice.post(`/follow/${bob.id}`)
  const first = await alice.get('/timeline', { as: 'browser' })
  assert.deepEqual(ids(first), mine.slice(0, 20))
  const next = /hx-get="([^"]*before=[^"]*)"/.exec(first.text)![1]!.replaceAll('&amp;', '&')
  const second = await alice.get(next, { as: 'htmx' })
  assert.deepEqual(ids(second), mine.slice(20))
  assert.equal(second.headers.get('HX-Replace-Url'), `/timeline?through=${mine.at(-1)}`)
  assert.match(second.text, /That is all/)
  const reloaded = await alice.get(`/timeline?through=${mine.at(-1)}`, { as: 'browser' })
  assert.deepEqual(ids(reloaded), mine)
  assert.deepEqual(ids(await alice.get('/timeline?limit=100')), mine)
})

test('a reload far down the list shows the last 200 tweets and a link to newer ones', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  await app.database.db.run(
    sql`insert into tweets (user_id, msg, created_at) with recursive s(n) as (select 1 union all select n + 1 from s where n < 230) select ${alice.id}, 'n' || n, 1 from s`,
  )
  const answer = await alice.get('/timeline?through=1', { as: 'browser' })
  assert.deepEqual(
    ids(answer),
    Array.from({ length: 200 }, (_, index) => 200 - index),
  )
  assert.match(answer.text, /class="newer"/)
})

test('search finds words and prefixes, newest first, and treats FTS syntax as text', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  const goose = await alice.tweet('Gerald the GOOSE again')
  const gooses = await alice.tweet('a goose, 100% goose_feathers')
  const tokyo = await alice.tweet('\u6771\u4eac\u306f\u4eca\u65e5\u3082\u6674\u308c')
  const found = async (q: string, as: 'htmx' | 'browser' = 'browser') =>
    ids(await alice.get(`/search?q=${encodeURIComponent(q)}`, { as }))
  assert.deepEqual(await found('goose'), [gooses, goose])
  assert.deepEqual(await found('goo'), [], 'a search that was sent')
  assert.deepEqual(await found('goo', 'htmx'), [gooses, goose], 'while one types')
  assert.deepEqual(await found('gera goose', 'htmx'), [], 'only the last word may be a beginning')
  assert.deepEqual(await found('goose gera', 'htmx'), [goose])
  assert.deepEqual(await found('\u4eca\u65e5'), [tokyo])
  assert.deepEqual(await found('\u4eca%'), [], 'no wildcards')
  for (const odd of [
    '"',
    '""',
    "'",
    'goose"',
    'NEAR(',
    'msg:goose',
    '-goose',
    'goose*',
    '(',
    'a OR b',
    '^goose',
    '{x}',
    '\\',
    '%',
    '_',
  ]) {
    assert.equal((await alice.get(`/search?q=${encodeURIComponent(odd)}`)).status, 200, odd)
  }
  assert.match((await alice.get('/search')).text, /Please enter search keywords/)
  assert.match((await alice.get('/search?q=goose')).text, /2 tweets found/)
  await app.database.db.run(
    sql`insert into tweets (user_id, msg, created_at) with recursive s(n) as (select 1 union all select n + 1 from s where n < 130) select ${alice.id}, 'gull', 1 from s`,
  )
  assert.match((await alice.get('/search?q=gull')).text, /100\+ tweets found/)
})

test('trends need two likes, rank new likes higher, drop a removed like, and survive a new epoch', async () => {
  await using app = await startApp()
  const { db } = app.database
  const people = await Promise.all(['Ann', 'Ben', 'Cleo', 'Dan'].map((name) => app.person(name)))
  const [ann, ben, cleo, dan] = people
  const old = await ann!.tweet('old')
  const fresh = await ann!.tweet('fresh')
  const single = await ann!.tweet('single')
  for (const who of [ben!, cleo!, dan!]) await who.post(`/favorite/${old}`)
  // Make those three likes a day old.
  await db.run(
    sql`update favorites set weight = weight * exp(-6), created_at = created_at - 86400000`,
  )
  await db.run(sql`update tweets set trend_score = trend_score * exp(-6)`)
  for (const who of [ben!, cleo!]) await who.post(`/favorite/${fresh}`)
  await ben!.post(`/favorite/${single}`)
  const trends = async () => ids(await app.visitor().get('/', { as: 'browser' }))
  assert.deepEqual(await trends(), [fresh, old])
  await rebaseTrends(db, Date.now() + 90 * 86_400_000)
  const rows = await db.values(sql`select epoch, (select max(trend_score) from tweets) from trends`)
  assert.ok(Number(rows[0]![0]) > Date.now(), 'the epoch has moved')
  assert.ok(Number.isFinite(Number(rows[0]![1])))
  assert.deepEqual(await trends(), [fresh, old])
  await cleo!.post(`/unfavorite/${fresh}`)
  // With one trend only, the page would show the posts of everybody.
  await cleo!.post(`/favorite/${single}`)
  assert.deepEqual(await trends(), [single, old])
})

test('handles are derived from names and are unique; names without Latin letters get one, too', async () => {
  await using app = await startApp()
  const handles: string[] = []
  for (const [index, name] of [
    'Luc\u00eda Ortega',
    'Lucia Ortega',
    '\u7530\u4e2d',
    'u5',
    '  A  B  ',
    'x'.repeat(50),
  ].entries()) {
    const someone = app.visitor()
    await someone.post('/register', {
      name,
      mailaddress: `n${index}@example.org`,
      password: 'long enough',
    })
    handles.push(
      /href="\/@([a-z0-9_]+)" class="who"/.exec((await someone.get('/timeline')).text)![1]!,
    )
  }
  assert.deepEqual(handles, ['lucia_ortega', 'lucia_ortega2', 'u3', 'u5_', 'a_b', 'x'.repeat(20)])
  const profile = await app.visitor().get('/@Lucia_Ortega', { as: 'browser' })
  assert.match(profile.text, /<link rel="canonical" href="http:\/\/localhost:5000\/@lucia_ortega"/)
  assert.doesNotMatch(profile.text, /example\.org/, "addresses are nobody's business")
})

test('two simultaneous registrations of one address create one user', async () => {
  await using app = await startApp()
  const fields = { name: 'Twin', mailaddress: 'twin@example.org', password: 'long enough' }
  const answers = await Promise.all(
    Array.from({ length: 6 }, () => app.visitor().post('/register', fields)),
  )
  assert.deepEqual(
    answers.map(({ status, location }) => [status, location]),
    answers.map(() => [303, '/timeline']),
  )
  const rows = await app.database.db.values(sql`select count(*) from users`)
  assert.deepEqual(Number(rows[0]![0]), 1)
})

test('a tweet: 280 graphemes, safe links, one for each key', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  const family = '\u{1F468}\u200D\u{1F469}\u200D\u{1F467}\u200D\u{1F466}'
  assert.equal((await alice.post('/tweet', { msg: family.repeat(160) })).status, 200)
  assert.equal(
    (await alice.post('/tweet', { msg: family.repeat(161) })).status,
    400,
    'more than 1,120 code points',
  )
  assert.equal(
    (await alice.post('/tweet', { msg: 'e\u0301'.repeat(280) })).status,
    200,
    'NFC first',
  )
  const key = crypto.randomUUID()
  for (let times = 0; times < 3; times++) await alice.post('/tweet', { msg: 'once', key })
  const page = await alice.get('/@alice')
  assert.equal([...page.text.matchAll(/>once</g)].length, 1)
  await alice.post('/tweet', {
    msg: 'see https://example.org/a?b=1, @mara and #redglove (http://x.example/).',
  })
  const linked = await alice.get('/@alice')
  assert.match(
    linked.text,
    /<a href="https:\/\/example\.org\/a\?b=1" dir="ltr" rel="nofollow ugc noopener" target="_blank">example\.org\/a<\/a>,/,
  )
  assert.match(linked.text, /<a href="\/@mara" dir="auto">@mara<\/a>/)
  assert.match(linked.text, /<a href="\/tag\/redglove" dir="auto">#redglove<\/a>/)
})

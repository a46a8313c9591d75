// Mentions and hashtags: what is written with a post, the page of a tag, trending tags, whom to follow.
import assert from 'node:assert/strict'
import test from 'node:test'

import { sql } from 'drizzle-orm'
import Database from 'libsql'

import { expectQueries } from '../../test/budget.ts'
import { startApp, type Answer, type TestApp } from '../../test/harness.ts'
import { freshServerUrl } from '../../test/libsql-server.ts'
import { makeOldDatabase } from '../../test/old-database.ts'
import { scratch } from '../../test/process.ts'
import { explain } from '../db/db.ts'
import { findProblems, repair } from '../db/integrity.ts'
import { buildTags } from '../db/tag-build.ts'
import { readTrendingTags } from './tags.tsx'

const isServer = process.env['TEST_DATABASE'] === 'server'
const filesOnly = isServer && 'looks into the file'
const hour = 3_600_000

const ids = ({ text }: Answer) =>
  [...text.matchAll(/data-tweet-id="(\d+)"/g)].map(([, id]) => Number(id))
const listed = async ({ database: { db } }: TestApp, text: string) =>
  (await db.values(sql.raw(text))).map((row) => String(row[0]))
const mentioned = (app: TestApp, tweet: number) =>
  listed(
    app,
    `select handle from mentions join users on id = user_id where tweet_id = ${tweet} order by 1`,
  )
const tagged = (app: TestApp, tweet: number) =>
  listed(app, `select tag from tag_uses where tweet_id = ${tweet} order by 1`)

test('a post says whom it mentions: the first ten others who are there, once each', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  for (const name of ['Bob', 'Gone', 'Mute']) await app.person(name)
  const carol = await app.person('Carol')
  await carol.post('/account/handle', { handle: 'caro' })
  await app.database.db.run(sql`update users set suspended_at = 1 where handle = 'mute'`)
  await app.database.db.run(sql`delete from users where handle = 'gone'`)
  const id = await alice.tweet(
    '@Bob @bob ＠BOB @alice @gone @mute @nobody @carol @caro bob@x.example',
  )
  assert.deepEqual(await mentioned(app, id), ['bob', 'caro'])
  const reply = await alice.post('/tweet', { msg: 'yes, @bob', reply_to: String(id) })
  assert.equal(reply.status, 200)
  assert.deepEqual(await mentioned(app, id + 1), ['bob'])

  for (let number = 1; number <= 12; number++) await app.person(`n${number}`)
  const many = Array.from({ length: 50 }, (_, at) => `@n${at - 30}`)
    .filter((one) => one !== '@n')
    .map((one) => one.replace('-', '_'))
  const answer = await alice.post('/tweet', { msg: `${many.slice(25).join(' ')} @bob` })
  assert.equal(answer.status, 200)
  expectQueries(answer, 3)
  assert.equal((await mentioned(app, id + 2)).length, 10)
  assert.ok(!(await mentioned(app, id + 2)).includes('bob'), 'Bob comes after ten others')

  await alice.post(`/tweet/${id + 2}/delete`)
  assert.deepEqual(await mentioned(app, id + 2), [])
})

test('a post that is sent twice writes its mentions and tags once, and none of another post', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  const bob = await app.person('Bob')
  const post = () => alice.post('/tweet', { msg: '#One for @bob', key: 'k1' })
  await Promise.all([post(), post(), post()])
  await bob.tweet('plain')
  await post()
  await alice.post('/tweet', { msg: '#two', reply_to: '999' })
  assert.deepEqual(await listed(app, 'select count(*) from tweets'), ['2'])
  assert.deepEqual(
    await listed(app, "select tag || ' ' || tweet_id || ' ' || user_id from tag_uses"),
    ['one 1 1'],
  )
  assert.deepEqual(await listed(app, 'select tweet_id from mentions'), ['1'])
  // The same words again, without a key: another post with its own rows.
  const again = await alice.tweet('#One for @bob')
  assert.deepEqual(await tagged(app, again), ['one'])
  assert.deepEqual(await mentioned(app, again), ['bob'])
})

test('the page of a tag: every spelling, newest first, page by page, also for visitors', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  const spelled = ['#Café', '#CAFE\u0301', '#cafe', '＃ＣＡＦＥ']
  const written = []
  for (let number = 0; number < 24; number++)
    written.push(await alice.tweet(`${number} ${spelled[number % 4]} #cafes`))
  const newest = written.toReversed()
  const visitor = app.visitor()
  for (const path of ['/tag/cafe', '/tag/Caf%C3%A9', '/tag/CAFE%CC%81', '/tag/%EF%BC%A3afe']) {
    const answer = await visitor.get(path, { as: 'browser' })
    assert.equal(answer.status, 200, path)
    assert.deepEqual(ids(answer), newest.slice(0, 20), path)
    assert.match(answer.text, /<link rel="canonical" href="[^"]*\/tag\/cafe"/)
    expectQueries(answer, 1)
  }
  const first = await alice.get('/tag/Caf%C3%A9', { as: 'browser' })
  assert.match(first.text, /<title>#café - Tracewren/)
  assert.match(first.text, /<h1 dir="auto">#café</)
  assert.match(first.text, /<a href="\/tag\/caf%C3%A9" dir="auto">#Café<\/a>/)
  const more = /href="(\/tag\/cafe\?before=\d+[^"]*)"/
    .exec(first.text)![1]!
    .replaceAll('&amp;', '&')
  const rest = await alice.get(more, { as: 'htmx' })
  assert.deepEqual(ids(rest), newest.slice(20))
  assert.doesNotMatch(rest.text, /<html/)
  const through = await visitor.get(`/tag/cafe?through=${newest[22]}`, { as: 'browser' })
  assert.deepEqual(ids(through), newest.slice(0, 23))

  const unused = await visitor.get('/tag/nothing', { as: 'browser' })
  assert.equal(unused.status, 200)
  assert.match(unused.text, /Nobody has used this tag yet/)
  for (const path of [
    '/tag/',
    '/tag/2024',
    '/tag/a.b',
    '/tag/a%20b',
    '/tag/%23a',
    '/tag/_',
    '/tag/%C3',
    `/tag/${'x'.repeat(51)}`,
    '/tag/a/b',
  ]) {
    assert.equal((await visitor.get(path, { as: 'browser' })).status, 404, path)
    const json = await visitor.get(path, { as: 'json' })
    assert.match(json.text, /^\{"error":/, path)
  }
  assert.equal((await visitor.get('/tag/cafe?before=x')).status, 400)
  await alice.post(`/tweet/${newest[0]}/delete`)
  assert.deepEqual(ids(await visitor.get('/tag/cafe')), newest.slice(1, 21))
})

test('of fifty tags the first twenty lead to the post, and all are links', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  const letters = Array.from(
    { length: 50 },
    (_, at) => `#${String.fromCharCode(97 + (at % 26))}${at}`,
  )
  const answer = await alice.post('/tweet', { msg: letters.join(' ') }, { as: 'htmx' })
  expectQueries(answer, 3)
  assert.equal([...answer.text.matchAll(/href="\/tag\//g)].length, 50)
  assert.deepEqual(
    await tagged(app, 1),
    letters
      .slice(0, 20)
      .map((tag) => tag.slice(1))
      .sort(),
  )
})

const series = (count: number) =>
  `(with recursive s(value) as (select 1 union all select value + 1 from s where value < ${count}) select value from s)`

test(
  'a tag of 100,000 posts is read from its index, as is one of 20',
  { skip: filesOnly },
  async () => {
    await using app = await startApp()
    const { db } = app.database
    const alice = await app.person('Alice')
    for (const text of [
      `insert into tweets (user_id, msg, created_at) select 1, '#big', value from ${series(100_000)}`,
      "insert into tag_uses select 'big', id, user_id, created_at from tweets",
      "insert into tag_uses select 'small', id, user_id, created_at from tweets where id % 5000 = 0",
    ])
      await db.run(sql.raw(text))
    const older = /^SEARCH tag_uses USING PRIMARY KEY \(tag=\? AND tweet_id<\?\)$/
    const upTo = /^SEARCH tag_uses USING PRIMARY KEY \(tag=\? AND tweet_id>\?\)$/
    for (const [path, search] of [
      ['/tag/big', older],
      ['/tag/small', older],
      ['/tag/big?before=50000', older],
      ['/tag/big?through=99000', upTo],
    ] as const) {
      const answer = await alice.get(path)
      expectQueries(answer, 2)
      const steps = await explain(db, String(answer.queries[1]!.attributes['db.query.text']))
      assert.ok(
        steps.some(({ step }) => search.test(step)),
        path,
      )
      assert.ok(!steps.some(({ step }) => /TEMP B-TREE/.test(step)), path)
      assert.ok(!steps.some(({ step }) => /^SCAN (tag_uses|tweets)\b/.test(step)), path)
    }
    const trending = await db.values<[number, number, number, string]>(
      sql`explain query plan select tag from tag_uses order by tweet_id desc limit 5000`,
    )
    assert.match(trending[0]![3], /^SCAN tag_uses USING COVERING INDEX tag_uses_tweet$/)
  },
)

test('a tag trends when two people use it; of one person an hour counts once; newer uses weigh more', async () => {
  await using app = await startApp()
  const { db } = app.database
  for (const name of ['Alice', 'Bob', 'Carol']) await app.person(name)
  const now = 1_800_000_000_000
  let id = 0
  const use = async (tag: string, user: number, hoursAgo: number) => {
    id += 1
    const at = now - hoursAgo * hour
    await db.run(
      sql`insert into tweets (id, user_id, msg, created_at) values (${id}, ${user}, ${`#${tag}`}, ${at})`,
    )
    await db.run(sql`insert into tag_uses values (${tag}, ${id}, ${user}, ${at})`)
  }
  const trending = async (at = now) =>
    (await readTrendingTags(db, at)).map(({ tag, people }) => `${tag} ${people}`)
  assert.deepEqual(await trending(), [])
  for (let number = 0; number < 30; number++) await use('alone', 1, number / 10)
  assert.deepEqual(await trending(), [], 'one person is no trend')
  for (const user of [1, 2]) await use('old', user, 30)
  for (const user of [1, 2]) await use('new', user, 2)
  assert.deepEqual(await trending(), ['new 2', 'old 2'])
  for (let number = 0; number < 9; number++) await use('loud', 1, 0.1)
  await use('loud', 2, 0.1)
  for (const user of [1, 2, 3]) await use('three', user, 0.1)
  assert.deepEqual(await trending(), ['three 3', 'loud 2', 'new 2', 'old 2'])
  // A clock that was wrong: a use from next year is one of now.
  for (const user of [1, 2]) await use('future', user, -9000)
  assert.deepEqual((await trending())[0], 'three 3')
  // After years without posts, the order is the same.
  assert.equal((await trending(now + 90_000 * hour)).length, 5)
})

test('the side column: trending tags and whom to follow, without a query more', async (t) => {
  let ahead = 0
  const clock = performance.now.bind(performance)
  t.mock.method(performance, 'now', () => clock() + ahead)
  await using app = await startApp()
  const [alice, bob] = [await app.person('Alice'), await app.person('Bob')]
  const [carol, dora] = [await app.person('Carol'), await app.person('Dora')]
  await alice.tweet('#Fête tonight')
  await bob.tweet('at the #fete')
  for (const [one, other] of [
    [bob, alice],
    [carol, alice],
    [dora, alice],
    [dora, bob],
    [alice, bob],
  ] as const)
    await one.post(`/follow/${other.id}`)
  await app.database.db.run(sql`update users set suspended_at = 1 where id = ${carol.id}`)
  const side = (answer: Answer) => /<aside class="side"[\s\S]*<\/aside>/.exec(answer.text)![0]
  const suggested = (answer: Answer) =>
    [...side(answer).matchAll(/href="\/@(\w+)" class="who"[\s\S]*?(?:Follow|<\/section>)/g)].map(
      ([, one]) => one,
    )
  // The first page of this test knew nobody; 30 s later, it is read again beside the next one.
  ahead = 30_000
  const begun = Date.now()
  let first = await dora.get('/timeline', { as: 'browser' })
  while (!/Trending/.test(side(first)) && Date.now() < begun + 10_000)
    first = await dora.get('/timeline', { as: 'browser' })
  expectQueries(first, 2)
  assert.match(
    side(first),
    /<a href="\/tag\/fete" dir="auto">#fete<\/a> <span class="small">2 people</,
  )
  assert.doesNotMatch(side(first), /Who to follow/, 'she follows all who are left')
  assert.match(
    side(await bob.get('/account', { as: 'browser' })),
    /data-follow="4" hx-post="\/follow\/4"/,
  )
  assert.doesNotMatch(side(await bob.get('/', { as: 'browser' })), /data-follow="[123]"/)

  const visitor = await app.visitor().get('/', { as: 'browser' })
  assert.match(side(visitor), /Who to follow[\s\S]*@alice[\s\S]*@bob[\s\S]*@dora/)
  assert.doesNotMatch(side(visitor), /data-follow/)
  // What was found stays for 30 s; whom one follows is always that of now.
  await carol.tweet('#more')
  await dora.post('/unfollow/2')
  const next = await dora.get('/timeline', { as: 'browser' })
  expectQueries(next, 2)
  assert.deepEqual(
    suggested(next),
    ['dora', 'bob'],
    'herself, as the one who is logged in, then Bob',
  )
  const pressed = await dora.post('/follow/2', undefined, { as: 'htmx' })
  assert.match(
    pressed.text,
    /hx-target="\[data-follow=&quot;2&quot;\]" hx-swap="outerMorph"><form class="follow on"/,
  )
  // Somebody new gets suggestions in the timeline itself, and nowhere twice.
  const eve = await app.person('Eve')
  const start = await eve.get('/timeline', { as: 'browser' })
  assert.equal([...start.text.matchAll(/aria-label="Who to follow"/g)].length, 1)
})

test('an old database gets the tags of its posts in slices, and the check agrees', async () => {
  using place = scratch()
  const server = isServer ? await freshServerUrl(place.folder) : undefined
  const url = server?.url ?? `file:${place.folder}/old.db`
  const more = [
    "UPDATE tweets SET msg = 'the #Old ' || id || ' ＃Zwei' WHERE id % 100 = 0",
    "UPDATE tweets SET msg = '#2024 and nothing' WHERE id % 100 = 1",
  ]
  await makeOldDatabase(url, 2500, { before: 'mentions_and_tags', more })
  {
    await using app = await startApp({ DATABASE_URL: url })
    const { database } = app
    const problems = () => {
      if (isServer) return []
      const file = new Database(`${place.folder}/old.db`)
      try {
        return findProblems(file)
      } finally {
        file.close()
      }
    }
    assert.equal(database.whole.tag_uses, false)
    const visitor = app.visitor()
    assert.match((await visitor.get('/tag/old')).text, /Older posts are still being looked through/)
    const alice = await app.person('Alice')
    const written = await alice.tweet('a new #old one')
    assert.deepEqual(ids(await visitor.get('/tag/old')), [written])
    assert.deepEqual(problems(), [])
    // Two processes at once write each row once.
    const other = { ...database, whole: { ...database.whole } }
    const slices = Promise.all([buildTags(database, 0), buildTags(other, 0)])
    await database.db.run(sql`delete from tweets where id = 2300`)
    await slices
    assert.equal(database.whole.tag_uses, true)
    assert.deepEqual(ids(await visitor.get('/tag/old')).slice(0, 4), [written, 2500, 2400, 2200])
    assert.deepEqual(await listed(app, 'select count(*) from tag_uses'), ['49'])
    assert.deepEqual(problems(), [])
  }
  {
    await using app = await startApp({ DATABASE_URL: url })
    assert.equal(app.database.whole.tag_uses, true)
  }
  await server?.stop()
})

test(
  'the check finds wrong rows of tags and mentions, and repair writes them again',
  { skip: filesOnly },
  async () => {
    await using app = await startApp()
    const alice = await app.person('Alice')
    await app.person('Bob')
    for (const msg of ['#one @bob', '#two', '#three', 'none']) await alice.tweet(msg)
    const file = new Database(app.url.replace('file:', ''), { timeout: 1000 })
    assert.deepEqual(findProblems(file), [])
    file.exec(`pragma foreign_keys = off; delete from tag_uses where tag = 'one';
    update tag_uses set created_at = 5 where tag = 'two'; insert into tag_uses values ('four', 4, 1, 1), ('gone', 99, 1, 1);
    insert into mentions values (99, 1), (1, 99)`)
    assert.deepEqual(findProblems(file), [
      'notifications row 2 refers to a row of users that does not exist',
      'tag_uses: 1 rows belong to nothing',
      'mentions: 2 rows belong to nothing',
      ...[1, 2, 4].map((id) => `tweets ${id}: its tags are others`),
    ])
    repair(file)
    assert.deepEqual(findProblems(file), [])
    assert.deepEqual(await mentioned(app, 1), ['bob'])
    file.exec("delete from tag_uses; delete from search_builds where name = 'tag_uses'")
    assert.deepEqual(findProblems(file), ['tag_uses: nobody knows of which tweets it has the tags'])
    repair(file)
    assert.deepEqual(findProblems(file), [])
    assert.deepEqual(await tagged(app, 3), ['three'])
    file.close()
  },
)

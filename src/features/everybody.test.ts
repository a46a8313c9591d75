// The posts of everybody: for visitors, too, and on the start page where little is trending.
import assert from 'node:assert/strict'
import test from 'node:test'

import { sql } from 'drizzle-orm'

import { expectQueries } from '../../test/budget.ts'
import { startApp, told, type Answer, type TestApp } from '../../test/harness.ts'
import { explain } from '../db/db.ts'

const filesOnly = process.env['TEST_DATABASE'] === 'server' && 'plans are those of the file'

/** The ids of the posts on a page. */
const cards = ({ text }: Pick<Answer, 'text'>) =>
  [...text.matchAll(/<article class="tweet"[^>]* data-tweet-id="(\d+)"/g)].map(([, id]) =>
    Number(id),
  )
const idsOf = ({ text }: Answer) =>
  (JSON.parse(text) as { posts: { id: number }[] }).posts.map(({ id }) => id)

/** Two people, who do not follow each other: posts, a reply to oneself and to another, a retweet, a quote. */
async function town() {
  const app = await startApp()
  const [alice, bob] = [await app.person('Alice'), await app.person('Bob')]
  const id = await alice.tweet('Where is the goose?')
  const more = { reply_to: String(id) }
  await alice.post('/tweet', { msg: 'I mean the grey one', ...more })
  await bob.post('/tweet', { msg: 'On the bench', ...more })
  await bob.post(`/retweet/${id}`)
  await bob.post('/tweet', { msg: 'Good question', quote: String(id) })
  return { app, alice, bob, id, quote: id + 4 }
}

test('posts and quotes of everybody, newest first, without replies and retweets; for visitors, too', async () => {
  const { app, bob, id, quote } = await town()
  await using _ = app
  for (const who of [bob, app.visitor()]) {
    const page = await who.get('/everybody', { as: 'browser' })
    assert.equal(told(page), '200 page')
    assert.deepEqual(cards(page), [quote, id])
    assert.match(page.text, /<h1>Everybody<\/h1>/)
    assert.match(page.text, /href="\/everybody" aria-current="page"/)
    assert.match(page.text, /<link rel="canonical" href="[^"]*\/everybody"/)
    expectQueries(page, 2)
    const json = await who.get('/everybody')
    assert.equal(told(json), '200 json')
    assert.deepEqual(idsOf(json), [quote, id])
  }
  assert.equal(told(await app.visitor().get('/everybody?before=x')), '400 page')
})

test('a slice follows a cursor, as HTML and as JSON; Back shows the list down to it', async () => {
  const { app, alice } = await town()
  await using _ = app
  const ids: number[] = []
  for (let n = 0; n < 25; n++) {
    ids.unshift(await alice.tweet(`post ${n}`))
    await alice.post('/tweet', { msg: 'and', reply_to: String(ids[0]) })
  }
  const visitor = app.visitor()
  const top = await visitor.get('/everybody', { as: 'browser' })
  assert.deepEqual(cards(top), ids.slice(0, 20))
  assert.match(top.text, new RegExp(`hx-get="/everybody\\?before=${ids[19]}&amp;from=21"`))
  const rest = await visitor.get(`/everybody?before=${ids[19]}&from=21`, { as: 'htmx' })
  assert.deepEqual(cards(rest).slice(0, 5), ids.slice(20))
  assert.equal(rest.headers.get('HX-Replace-Url'), '/everybody?through=1')
  const again = await visitor.get(`/everybody?through=${ids[22]}`, { as: 'browser' })
  assert.deepEqual(cards(again), ids.slice(0, 23))
  const json = await visitor.get(`/everybody?limit=3&before=${ids[3]}`)
  assert.deepEqual(idsOf(json), ids.slice(4, 7))
  assert.equal((JSON.parse(json.text) as { before: number }).before, ids[6])
})

test('the start page shows these posts under the heading Trends until two posts have two likes', async () => {
  const { app, alice, bob, id, quote } = await town()
  await using _ = app
  const carol = await app.person('Carol')
  const start = async (as: 'browser' | 'htmx' | 'program' = 'browser') => {
    const answers = [await carol.get('/', { as }), await app.visitor().get('/', { as })]
    for (const answer of answers) {
      assert.equal(answer.status, 200)
      expectQueries(answer, 3)
    }
    assert.deepEqual(cards(answers[0]!), cards(answers[1]!))
    return answers[0]!
  }
  const nothing = await start()
  assert.match(nothing.text, /<h1>Trends<\/h1>/)
  assert.match(nothing.text, /<title>Trends/)
  assert.deepEqual(cards(nothing), [quote, id])
  for (const who of [alice, bob]) await who.post(`/favorite/${id}`)
  assert.deepEqual(cards(await start()), [quote, id], 'one trend is too few')
  assert.deepEqual(cards(await start('htmx')), [quote, id])
  assert.deepEqual(cards(await start('program')), [quote, id])
  for (const who of [alice, bob]) await who.post(`/favorite/${quote}`)
  await alice.tweet('no likes')
  const trends = await start()
  assert.deepEqual(new Set(cards(trends)), new Set([id, quote]))
  assert.match(trends.text, /id="feed" role="feed" aria-label="Trends"/)
  expectQueries(trends, 2)
  // "Load more" of the start page reads on in the list itself.
  await bob.post(`/unfavorite/${quote}`)
  for (let n = 0; n < 25; n++) await alice.tweet(`post ${n}`)
  const long = await start()
  assert.equal(cards(long).length, 20)
  assert.match(long.text, /hx-get="\/everybody\?before=\d+&amp;from=21"/)
  assert.equal(cards(await carol.get('/?limit=3', { as: 'browser' })).length, 3)
})

test('an instance where nobody has written says so, and leads on', async () => {
  await using app = await startApp()
  const visitor = await app.visitor().get('/', { as: 'browser' })
  assert.match(visitor.text, /<h1>Trends<\/h1>[\s\S]*Nobody has posted anything yet/)
  assert.doesNotMatch(visitor.text, /Write the first post/)
  const alice = await app.person('Alice')
  for (const path of ['/', '/everybody'])
    assert.match(
      (await alice.get(path, { as: 'browser' })).text,
      /Nobody has posted anything yet\. <a href="\/post">Write the first post/,
      path,
    )
})

/** 20,000 rows after 30 posts: replies, retweets, and what a thread of one's own has. */
async function chatter(app: TestApp): Promise<void> {
  const { db } = app.database
  const series = sql`with recursive s(n) as (select 1 union all select n + 1 from s where n < 10000)`
  await db.run(sql`insert into tweets (user_id, msg, created_at, reply_to, in_timeline)
    ${series} select 1 + n % 2, 'reply ' || n, 1, 1, n % 2 from s`)
  await db.run(sql`insert into users (name, handle, mailaddress, password_hash, created_at)
    ${series} select 'P' || n, 'p' || n, 'p' || n || '@example.org', '', 1 from s`)
  await db.run(sql`insert into tweets (user_id, msg, created_at, retweet_of)
    select id, '', 1, 1 from users where handle glob 'p[0-9]*'`)
}

test('the plan passes over 20,000 replies and retweets', { skip: filesOnly }, async () => {
  const { app, alice } = await town()
  await using _ = app
  for (let n = 0; n < 30; n++) await alice.tweet(`post ${n}`)
  await chatter(app)
  for (const [path, step] of [
    ['/everybody', /SEARCH tweets USING INDEX tweets_everybody \(id<\?\)/],
    ['/everybody?before=20', /SEARCH tweets USING INDEX tweets_everybody \(id<\?\)/],
    ['/everybody?through=20', /SEARCH tweets USING INDEX tweets_everybody \(id>\?\)/],
    ['/', /SEARCH tweets USING INDEX tweets_everybody \(id<\?\)/],
  ] as const) {
    const page = await app.visitor().get(path, { as: 'browser' })
    assert.equal(page.status, 200)
    const texts = page.queries.map((span) => String(span.attributes['db.query.text']))
    const plan = await Promise.all(texts.map((text) => explain(app.database.db, text)))
    const steps = plan.flat().map((one) => one.step)
    assert.ok(
      steps.some((one) => step.test(one)),
      `${path}\n${steps.join('\n')}`,
    )
    const scans = steps.filter((one) => /^SCAN (tweets|users)\b(?!.*tweets_trending)/.test(one))
    assert.deepEqual(scans, [], path)
  }
})

// The number of queries of each page, and the query plans of the frequent statements.
import assert from 'node:assert/strict'
import test from 'node:test'

import { sql } from 'drizzle-orm'

import { explain } from '../src/db/db.ts'
import { expectQueries } from './budget.ts'
import { startApp, type Answer, type TestApp } from './harness.ts'

/** Queries of each route, including the one for the visitor. docs/reading-traces.md has the same table. */
const budgets: [
  method: 'GET' | 'POST',
  path: string,
  max: number,
  fields?: Record<string, string>,
][] = [
  ['GET', '/', 3], // nothing is trending here, so the posts of everybody are read, too
  ['GET', '/timeline', 2],
  ['GET', '/everybody', 2],
  ['GET', '/everybody?before=9', 2],
  ['GET', '/timeline?before=900', 2],
  ['GET', '/timeline?through=1', 2],
  ['GET', '/tweet/1', 3],
  ['GET', '/tweet/1?after=1', 3],
  ['GET', '/@alice', 3],
  ['GET', '/@alice/replies', 3],
  ['GET', '/@alice/likes', 3],
  ['GET', '/@alice/followers', 3],
  ['GET', '/@alice/following', 3],
  ['GET', '/@alice/feed', 2],
  ['GET', '/user/1', 3],
  ['GET', '/notifications', 2],
  ['GET', '/notifications?before=900', 2],
  ['GET', '/notifications?through=1', 2],
  ['POST', '/notifications/seen', 2, { id: '1' }],
  ['GET', '/favorites', 2],
  ['GET', '/bookmarks', 2],
  ['GET', '/followers', 2],
  ['GET', '/following', 2],
  ['GET', '/search?q=hello', 3],
  ['GET', '/tag/hello', 2],
  ['GET', '/tag/hello?before=9', 2],
  ['GET', '/account', 3],
  ['GET', '/account/export', 1], // the file is written after the answer has begun
  ['GET', '/post', 1],
  ['GET', '/post?quote=1', 3],
  ['GET', '/faults', 1],
  ['POST', '/faults/cache-off', 1],
  ['POST', '/faults/cache-off/stop', 1],
  ['GET', '/login', 1],
  ['GET', '/tweet/1/delete', 2],
  ['POST', '/favorite/1', 3],
  ['POST', '/unfavorite/1', 3],
  ['POST', '/retweet/1', 3],
  ['POST', '/unretweet/1', 3],
  ['POST', '/retweet/1', 3],
  ['POST', '/bookmark/1', 3],
  ['POST', '/unbookmark/1', 3],
  ['POST', '/follow/1', 3],
  ['POST', '/unfollow/1', 3],
  ['POST', '/mute/1', 3],
  ['POST', '/unmute/1', 3],
  ['POST', '/block/1', 3],
  ['POST', '/unblock/1', 3],
  ['POST', '/report/1', 3, { reason: 'It is rude.' }],
  ['POST', '/tweet', 3, { msg: 'hello' }],
  ['POST', '/tweet', 3, { msg: 'hello', reply_to: '1' }],
  ['POST', '/tweet', 3, { msg: 'hello', quote: '1' }],
  ['POST', '/tweet/1/preview/delete', 3],
  ['POST', '/tweet/2/delete', 3], // 2, but one that is large or gone is looked up first
]

test('no page runs more queries than its budget', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  for (let number = 1; number <= 30; number++) await alice.tweet(`hello ${number}`)
  const bob = await app.person('Bob')
  await bob.post('/follow/1')
  await bob.post('/favorite/1')
  for (const [method, path, max, fields] of budgets) {
    for (const as of ['browser', 'htmx'] as const) {
      const answer =
        method === 'GET' ? await bob.get(path, { as }) : await bob.post(path, fields, { as })
      expectQueries(answer, max)
    }
  }
  const lonely = await app.person('Lonely')
  expectQueries(await lonely.get('/timeline'), 3)
})

test('an exceeded budget names the statements', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  assert.throws(() => expectQueries({ queries: [] }, -1), /0 queries, but the budget is -1/)
  const answer = await alice.get('/timeline')
  assert.throws(
    () => expectQueries(answer, 1),
    /SELECT notifications follows hidden sessions users[\s\S]*SELECT [\w ]*tweets/,
  )
})

/** A world in which a wrong plan is slow: 700 people, 6,000 tweets by 300 of them, 40 follow everybody. */
async function crowd(app: TestApp): Promise<void> {
  const { db } = app.database
  const statements = [
    `insert into users (name, handle, mailaddress, password_hash, created_at)
      select 'P' || value, 'p' || value, 'p' || value || '@example.org', '', 1 from generate_series(1, 700)`,
    `insert into tweets (user_id, msg, created_at) select 1 + value % 300, 'word' || (value % 50) || ' goose', value from generate_series(1, 6000)`,
    `insert into follows (follower_id, followed_id, created_at)
      select a.id, b.id, 1 from users a join users b on a.id <> b.id where a.id <= 40`,
    `insert into favorites (user_id, tweet_id, weight, created_at)
      select u.id, t.id, 1, 1 from users u join tweets t on t.id % 97 = u.id % 97 where u.id <= 50`,
  ]
  const series = (text: string) =>
    text.replace(
      /generate_series\(1, (\d+)\)/,
      '(with recursive s(value) as (select 1 union all select value + 1 from s where value < $1) select value from s)',
    )
  for (const text of statements) await db.run(sql.raw(series(text)))
}

/** The query plans of the queries of an answer. */
async function planOf(app: TestApp, { queries }: Pick<Answer, 'queries'>): Promise<string[]> {
  const texts = queries.map((span) => String(span.attributes['db.query.text']))
  const plans = await Promise.all(texts.map((text) => explain(app.database.db, text)))
  return plans.flat().map(({ step }) => step)
}

/** Asserts that the plan contains these words and scans no table. */
function expectPlan(plan: string[], mustUse: RegExp[], what: string): void {
  for (const words of mustUse)
    assert.ok(
      plan.some((line) => words.test(line)),
      `${what} lacks ${words}:\n${plan.join('\n')}`,
    )
  const scans = plan.filter(
    (line) =>
      /^SCAN (tweets|favorites|follows|users|list|sessions|mine)\b/.test(line) &&
      !/tweets_trending/.test(line),
  )
  assert.deepEqual(scans, [], what)
}

const filesOnly = process.env['TEST_DATABASE'] === 'server' && 'plans are those of the file'

test('the frequent statements use their indexes', { skip: filesOnly }, async () => {
  await using app = await startApp()
  await crowd(app)
  const reader = await app.person('Reader')
  const followees =
    /SEARCH follows USING COVERING INDEX follows_once \(follower_id=\?\)|follows USING (COVERING )?INDEX follows_follower/
  const newest = /SEARCH tweets USING COVERING INDEX tweets_timeline \(user_id=\? AND id<\?\)/
  const downTo = /SEARCH tweets USING COVERING INDEX tweets_timeline \(user_id=\? AND id>\?\)/
  const paths: [path: string, mustUse: RegExp[]][] = [
    ['/timeline', [newest, followees]],
    ['/timeline?before=3000', [newest, followees]],
    ['/timeline?through=3000', [downTo, followees]],
    ['/@p1', [newest]],
    ['/@p1?before=3000', [newest]],
    ['/@p1?through=3000', [downTo]],
    [
      '/@p1/likes',
      [/SEARCH favorites USING (COVERING )?INDEX favorites_user \(user_id=\? AND id<\?\)/],
    ],
    ['/@p1/followers', [/SEARCH list USING INDEX follows_followed \(followed_id=\? AND id<\?\)/]],
    ['/@p1/following', [/SEARCH list USING INDEX follows_follower \(follower_id=\? AND id<\?\)/]],
    ['/search?q=goose', [/SCAN tweets_search VIRTUAL TABLE/]],
    ['/', [/SCAN tweets USING INDEX tweets_trending/]],
  ]
  await reader.post('/follow/1')
  for (const [path, mustUse] of paths) {
    expectPlan(await planOf(app, await reader.get(path)), mustUse, path)
  }
})

const window = /^SEARCH tweets USING INTEGER PRIMARY KEY \(rowid>\? AND rowid<\?\)/
const strategies: [name: string, followees: number, plan: RegExp[]][] = [
  [
    'a list',
    250,
    [window, /^LIST SUBQUERY/, /^SEARCH follows USING .*follows_once \(follower_id=\?\)/],
  ],
  [
    'probes',
    650,
    [window, /^SEARCH follows USING .*follows_once \(follower_id=\? AND followed_id=\?\)/],
  ],
]
for (const [name, followees, plan] of strategies)
  test(
    `a timeline of ${followees} followees scans the newest tweets with ${name}, and merges if it finds too few`,
    { skip: filesOnly },
    async () => {
      await using app = await startApp()
      await crowd(app)
      const { db } = app.database
      const reader = await app.person('Reader')
      await db.run(
        sql.raw(
          `insert into follows (follower_id, followed_id, created_at) select ${reader.id}, id, 1 from users where id <= ${followees}`,
        ),
      )
      const first = await reader.get('/timeline')
      expectQueries(first, 2)
      expectPlan(await planOf(app, first), plan, name)
      const idsOf = ({ text }: { text: string }) =>
        [...text.matchAll(/data-tweet-id="(\d+)"/g)].map(([, id]) => Number(id))
      const ids = idsOf(first)
      assert.equal(ids.length, 20)
      assert.deepEqual(
        ids,
        ids.toSorted((one, other) => other - one),
      )
      assert.ok(
        ids.every((id) => 1 + (id % 300) <= followees),
        'only people that are followed',
      )
      // The followed people wrote long ago: the window has none of their tweets, the merge finds them.
      await db.run(sql.raw(`delete from tweets where user_id <= ${followees} and id > 3000`))
      await db.run(
        sql.raw(
          `insert into tweets (user_id, msg, created_at) select 700, 'not followed', 1 from tweets limit 2500`,
        ),
      )
      const old = await reader.get('/timeline')
      expectQueries(old, 3)
      assert.equal(idsOf(old).length, 20)
    },
  )

// Every notification has its cause and is there once; every cause since the migration has its notification.
import assert from 'node:assert/strict'
import test from 'node:test'

import { sql } from 'drizzle-orm'
import fc from 'fast-check'
import Database from 'libsql'

import { isConstraint } from '../src/db/db.ts'
import { findProblems, repair } from '../src/db/integrity.ts'
import { notificationFaults, removeSecondNotifications } from '../src/db/notification-integrity.ts'
import { startApp, type Someone, type TestApp } from './harness.ts'
import { freshServerUrl } from './libsql-server.ts'
import { makeOldDatabase } from './old-database.ts'
import { scratch } from './process.ts'

/** ACTIONS=20000 lets 50 people act instead of 8. */
const actionsMax = Number(process.env['ACTIONS'] ?? 600)
const filesOnly = process.env['TEST_DATABASE'] === 'server' && 'looks into the file'

/** What is wrong, also on a server. */
async function faultsOf({ database: { db } }: TestApp): Promise<string[]> {
  const all = await Promise.all(
    Object.entries(notificationFaults).map(async ([name, select]) =>
      (await db.values(sql.raw(select))).map((row) => `${name} ${Object.values(row).join(' ')}`),
    ),
  )
  return all.flat()
}

async function people(app: TestApp, count: number): Promise<void> {
  for (let id = 1; id <= count; id++) {
    const name = `n${id}`
    await app.database.db.run(
      sql`insert into users (name, handle, mailaddress, password_hash, created_at) values (${name}, ${name}, ${name}, '', 1)`,
    )
    await app.database.db.run(
      sql`insert into tweets (user_id, msg, created_at) values (${id}, ${name}, 1)`,
    )
  }
}

const actions = [
  'like',
  'unlike',
  'follow',
  'unfollow',
  'retweet',
  'unretweet',
  'reply',
  'quote',
  'mention',
  'forget',
  'remove',
  'leave',
  'mute',
  'unmute',
  'block',
  'unblock',
] as const
const action = fc.record({
  what: fc.constantFrom(...actions),
  who: fc.integer({ min: 1, max: 5 }),
  whom: fc.integer({ min: 1, max: 14 }),
})

/** Ids that do not exist change nothing; with more than 6 of `whom`, few accounts are deleted. */
const statementFor = ({ what, who, whom }: { what: string; who: number; whom: number }) => {
  const pair = sql`from users u, tweets t where u.id = ${who} and t.id = ${whom} and t.retweet_of is null`
  const statements: Record<string, ReturnType<typeof sql>> = {
    like: sql`insert into favorites (user_id, tweet_id, weight, created_at) select u.id, t.id, 1, 1 ${pair} on conflict do nothing`,
    unlike: sql`delete from favorites where user_id = ${who} and tweet_id = ${whom}`,
    follow: sql`insert into follows (follower_id, followed_id, created_at) select a.id, b.id, 1 from users a, users b
      where a.id = ${who} and b.id = ${whom} on conflict do nothing`,
    unfollow: sql`delete from follows where follower_id = ${who} and followed_id = ${whom}`,
    retweet: sql`insert into tweets (user_id, msg, created_at, retweet_of) select u.id, '', 1, t.id ${pair} on conflict do nothing`,
    unretweet: sql`delete from tweets where user_id = ${who} and retweet_of = ${whom}`,
    reply: sql`insert into tweets (user_id, msg, created_at, reply_to) select u.id, 'reply', 1, t.id ${pair}`,
    quote: sql`insert into tweets (user_id, msg, created_at, quote_of) select u.id, 'quote', 1, t.id ${pair}`,
    mention: sql`insert into mentions (tweet_id, user_id) select t.id, u.id ${pair} on conflict do nothing`,
    forget: sql`delete from mentions where tweet_id = ${whom} and user_id = ${who}`,
    remove: sql`delete from tweets where id = ${whom}`,
    ...Object.fromEntries(
      ['mute', 'block'].flatMap((kind) => [
        [
          kind,
          sql`insert into hidden (viewer_id, author_id, kind, created_at) select a.id, b.id, ${kind}, 1 from users a, users b
            where a.id = ${who} and b.id = ${whom} and a.id <> b.id on conflict do nothing`,
        ],
        [
          `un${kind}`,
          sql`delete from hidden where viewer_id = ${who} and author_id = ${whom} and kind = ${kind}`,
        ],
      ]),
    ),
    leave: sql`delete from users where id = ${who} and ${whom} = 1`,
  }
  return statements[what]!
}

test('after any sequence of actions, notifications and their causes belong together', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 20, maxLength: 80 }), async (sequence) => {
      await using app = await startApp()
      await people(app, 5)
      for (const one of sequence)
        try {
          await app.database.db.run(statementFor(one))
        } catch (error) {
          assert.ok(isConstraint(error, 'BLOCKED'))
        }
      assert.deepEqual(await faultsOf(app), [])
      const wrong = await app.database.db.values(sql`select id from users
        where hidden_count <> (select count(*) from hidden where viewer_id = users.id)
        union all select id from hidden h where kind <> 'mute' and not exists (select 1 from hidden o
          where o.viewer_id = h.author_id and o.author_id = h.viewer_id and o.kind = iif(h.kind = 'block', 'blocked', 'block'))
        union all select f.id from follows f join hidden h
          on h.viewer_id = f.follower_id and h.author_id = f.followed_id and h.kind <> 'mute'`)
      assert.deepEqual(wrong, [])
    }),
    {
      numRuns: process.env['TEST_DATABASE'] === 'server' ? 5 : 25,
      // Mentioned later, when what the tweet answers is gone.
      examples: [
        [
          [
            { what: 'reply', who: 1, whom: 4 },
            { what: 'remove', who: 1, whom: 4 },
            { what: 'mention', who: 4, whom: 6 },
          ],
        ],
      ],
    },
  )
})

test(
  'db:check finds what has no cause, is there twice or is missing; db:repair mends it',
  { skip: filesOnly },
  async () => {
    await using app = await startApp()
    await people(app, 5)
    const { db } = app.database
    const [like, follow, reply] = [
      { what: 'like', who: 2, whom: 1 },
      { what: 'follow', who: 3, whom: 1 },
      { what: 'reply', who: 4, whom: 1 },
    ].map(statementFor)
    for (const one of [like!, follow!, reply!]) await db.run(one)
    await db.run(sql`insert into mentions (tweet_id, user_id) values (1, 2), (6, 1), (6, 5)`)
    const file = new Database(app.url.replace('file:', ''), { timeout: 1000 })
    const rows = (text: string) => file.prepare(text).raw().all([]) as unknown[][]
    const content =
      'select user_id, kind, actor_id, tweet_id from notifications order by 1, 2, 3, 4'
    const right = rows(content)
    assert.equal(right.length, 5, 'the reply that also mentions whom it answers is one')
    assert.deepEqual(findProblems(file), [])

    file.exec(`delete from notifications where kind in ('like', 'mention');
    insert into notifications (user_id, kind, actor_id, tweet_id, created_at)
      values (1, 'like', 5, 1, 1), (2, 'follow', 1, null, 1), (3, 'retweet', 1, 3, 1), (1, 'mention', 4, 6, 1), (3, 'reply', 4, 6, 1);
    drop index notifications_once;
    insert into notifications (user_id, kind, actor_id, created_at) values (1, 'follow', 3, 1);
    drop trigger notifications_wanted;
    insert into notifications (user_id, kind, actor_id, tweet_id, created_at) values (1, 'like', 1, 1, 1)`)
    const found = findProblems(file).filter((problem) => !problem.startsWith('schema'))
    assert.deepEqual(
      found.map((problem) => problem.replace(/^notifications \d+/, 'one')).toSorted(),
      [
        ...Array.from({ length: 5 }, () => 'one: it has no cause'),
        'one: it is there twice',
        'one: it is there twice',
        'users 1: not told of a like by 2, tweet 1',
        'users 2: not told of a mention by 1, tweet 1',
        'users 5: not told of a mention by 4, tweet 6',
      ],
    )
    removeSecondNotifications(file)
    repair(file)
    assert.deepEqual(
      findProblems(file).filter((problem) => !problem.startsWith('schema')),
      [],
    )
    assert.deepEqual(rows(content), right)
    file.close()
  },
)

test('people who like, follow, answer, quote, repost, delete and leave at the same time: nothing is lost or left over', async () => {
  await using app = await startApp()
  const size = actionsMax > 1000 ? 50 : 8
  const crowd: Someone[] = []
  for (let number = 0; number < size; number++) crowd.push(await app.person(`Person ${number}`))
  await Promise.all(crowd.map((who) => who.tweet('first')))
  let seed = 11
  const upTo = (most: number) => 1 + ((seed = (seed * 48_271) % 2_147_483_647) % most)
  const verbs =
    `favorite unfavorite retweet unretweet bookmark unbookmark follow unfollow delete post reply
    quote`.split(/\s+/)
  const act = async () => {
    const [who, verb, id] = [
      crowd[upTo(size) - 1]!,
      verbs[upTo(verbs.length) - 1]!,
      String(upTo(10 * size)),
    ]
    const msg = `About #t${upTo(size)}, @person_${upTo(size) - 1}, ${upTo(1e6)}`
    if (verb === 'delete') return who.post(`/tweet/${id}/delete`)
    if (verb === 'post') return who.post('/tweet', { msg })
    if (verb === 'reply') return who.post('/tweet', { msg, reply_to: id })
    if (verb === 'quote') return who.post('/tweet', { msg, quote: id })
    return who.post(`/${verb}/${verb.endsWith('follow') ? upTo(size) : id}`)
  }
  let refused = 0
  for (let round = 0; round < actionsMax / 50; round++) {
    const answers = await Promise.all(Array.from({ length: 50 }, act))
    for (const { status, spans } of answers) {
      // A libSQL server may be busy twice: then nothing was done.
      if (filesOnly && status === 503) refused++
      else
        assert.ok(
          [200, 400, 403, 404].includes(status),
          `${status} ${spans.map(({ attributes }) => attributes['error.type']).join(' ')}`,
        )
    }
  }
  assert.ok(refused <= actionsMax / 100, `${refused} of ${actionsMax} actions were refused`)
  const [leaver] = crowd
  await Promise.all([
    leaver!.post('/account/delete', { farewell: 'password-of-Person 0' }),
    ...Array.from({ length: 12 }, act),
  ])
  assert.deepEqual(await faultsOf(app), [])
  if (!filesOnly) {
    const file = new Database(app.url.replace('file:', ''), { timeout: 1000 })
    assert.deepEqual(findProblems(file), [])
    file.close()
  }
  for (const [table, column, truth] of [
    ['tweets', 'like_count', 'favorites o where o.tweet_id = x.id'],
    ['tweets', 'reply_count', 'tweets o where o.reply_to = x.id'],
    ['tweets', 'retweet_count', 'tweets o where o.retweet_of = x.id'],
    ['users', 'tweet_count', 'tweets o where o.user_id = x.id and o.retweet_of is null'],
    ['users', 'follower_count', 'follows o where o.followed_id = x.id'],
    ['users', 'following_count', 'follows o where o.follower_id = x.id'],
    ['users', 'favorite_count', 'favorites o where o.user_id = x.id'],
  ] as const)
    assert.deepEqual(
      await app.database.db.values(
        sql.raw(`select id from ${table} x where ${column} <> (select count(*) from ${truth})`),
      ),
      [],
      column,
    )
  const rows = await app.database.db.values(sql`select count(distinct kind) from notifications`)
  assert.ok(Number(Object.values(rows[0]!)[0]) >= 5)
})

test('likes and follows from before the migration tell nobody, and can be undone; later ones tell', async () => {
  using place = scratch()
  const isServer = process.env['TEST_DATABASE'] === 'server'
  const server = isServer ? await freshServerUrl(place.folder) : undefined
  const url = server?.url ?? `file:${place.folder}/old.db`
  await makeOldDatabase(url, 30, {
    before: 'conversation',
    more: [
      `INSERT INTO favorites (user_id, tweet_id, weight, created_at) SELECT 2, id, 1, 1 FROM tweets`,
      `INSERT INTO follows (follower_id, followed_id, created_at) VALUES (2, 1, 1), (1, 2, 1)`,
    ],
  })
  {
    await using app = await startApp({ DATABASE_URL: url })
    const { db } = app.database
    const count = async () =>
      Number(Object.values((await db.values(sql`select count(*) from notifications`))[0]!)[0])
    assert.equal(await count(), 0)
    assert.deepEqual(await faultsOf(app), [])
    const alice = await app.person('Alice')
    await alice.post('/favorite/30')
    assert.equal(await count(), 1)
    await db.run(sql`delete from favorites where user_id = 2`)
    await db.run(sql`delete from follows where follower_id = 2`)
    assert.equal(await count(), 1)
    await alice.post('/unfavorite/30')
    assert.equal(await count(), 0)
    await alice.post('/retweet/30')
    // A mention that is found in an old post tells nobody.
    await db.run(sql`insert into mentions (tweet_id, user_id) values (3, 2)`)
    assert.equal(await count(), 1)
    assert.deepEqual(await faultsOf(app), [])
  }
  await server?.stop()
})

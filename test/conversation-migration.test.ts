// A database from before is migrated in place: nothing that refers to a tweet is lost, and new columns have right values.
import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import test from 'node:test'

import { sql } from 'drizzle-orm'
import Database from 'libsql'

import { findProblems } from '../src/db/integrity.ts'
import { startApp } from './harness.ts'
import { freshServerUrl } from './libsql-server.ts'
import { makeOldDatabase } from './old-database.ts'
import { scratch } from './process.ts'

const now = Date.now()
const more = [
  `INSERT INTO favorites (user_id, tweet_id, weight, created_at) SELECT 2, id, 1, ${now} FROM tweets WHERE id % 3 = 0`,
  `INSERT INTO favorites (user_id, tweet_id, weight, created_at) SELECT 3, id, 1, ${now} FROM tweets WHERE id % 6 = 0`,
  `INSERT INTO follows (follower_id, followed_id, created_at) VALUES (2, 1, 1), (3, 1, 1), (1, 2, 1)`,
  `UPDATE tweets SET trend_score = like_count`,
]

test('likes, follows, tweets and counts are the same before and after; old tweets are in the timeline', async () => {
  using place = scratch()
  const isServer = process.env['TEST_DATABASE'] === 'server'
  const server = isServer ? await freshServerUrl(place.folder) : undefined
  const url = server?.url ?? `file:${place.folder}/old.db`
  await makeOldDatabase(url, 600, { before: 'conversation', more })
  if (!isServer) {
    const file = new Database(`${place.folder}/old.db`)
    const counts = findProblems(file).filter((problem) => /count/.test(problem))
    assert.deepEqual(counts, [], 'an unmigrated backup can be checked')
    file.close()
  }
  {
    await using app = await startApp({ DATABASE_URL: url })
    const { db } = app.database
    const rows =
      await db.values(sql`select (select count(*) from favorites), (select count(*) from follows),
      (select count(*) from tweets), (select sum(like_count) from tweets), (select sum(tweet_count) from users),
      (select count(*) from tweets where in_timeline = 1 and reply_to is null and quote_of is null and retweet_of is null),
      (select sum(reply_count) + sum(retweet_count) from tweets)`)
    assert.deepEqual(Object.values(rows[0]!).map(Number), [300, 3, 600, 300, 600, 600, 0])
    if (!isServer) {
      const copies = readdirSync(place.folder).filter((name) => name.includes('before'))
      assert.match(copies.join(), /^old\.db\.before-\d{4}_conversation$/)
      const copy = new Database(`${place.folder}/${copies[0]}`)
      const [before] = copy
        .prepare('select (select count(*) from tweets), (select count(*) from favorites)')
        .raw()
        .all([])
      assert.deepEqual(before, [600, 300])
      assert.throws(() => copy.prepare('select reply_to from tweets'), /no such column/)
      copy.close()
    }
    const alice = await app.person('Alice')
    await alice.post('/follow/1')
    const timeline = await alice.get('/timeline')
    assert.equal([...timeline.text.matchAll(/data-tweet-id/g)].length, 20)
    await alice.post('/tweet', { msg: 'An answer', reply_to: '600' })
    assert.match((await alice.get('/tweet/600')).text, /aria-label="Reply, 1 reply"/)
    if (!isServer) {
      const file = new Database(`${place.folder}/old.db`)
      const problems = findProblems(file).filter((problem) => !/trend_score/.test(problem))
      assert.deepEqual(problems, [])
      file.close()
    }
  }
  await server?.stop()
})

test('a database from before knows which mutes are of people whom one follows', async () => {
  using place = scratch()
  const url = `file:${place.folder}/old.db`
  await makeOldDatabase(url, 10, {
    before: 'followed_mutes',
    more: [
      'INSERT INTO follows (follower_id, followed_id, created_at) VALUES (2, 1, 1)',
      `INSERT INTO hidden (viewer_id, author_id, kind, created_at) VALUES (2, 1, 'mute', 1), (2, 3, 'mute', 1)`,
    ],
  })
  const file = new Database(`${place.folder}/old.db`)
  const wrong = () => findProblems(file).filter((problem) => !/trend_score/.test(problem))
  assert.deepEqual(wrong(), [], 'an unmigrated backup can be checked')
  {
    await using app = await startApp({ DATABASE_URL: url })
    const flags = await app.database.db.values(sql`select author_id, followed from hidden`)
    assert.deepEqual(
      flags.map((row) => Object.values(row)),
      [
        [1, 1],
        [3, 0],
      ],
    )
  }
  assert.deepEqual(wrong(), [])
  file.close()
})

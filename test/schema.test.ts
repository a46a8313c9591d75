// The tables that the migrations create, and the guarantees of their triggers.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import test from 'node:test'

import { sql } from 'drizzle-orm'
import fc from 'fast-check'
import Database from 'libsql'

import { findProblems, repair } from '../src/db/integrity.ts'
import { startApp } from './harness.ts'

const filesOnly = process.env['TEST_DATABASE'] === 'server' && 'looks into the file'
const snapshot = new URL('schema.sql', import.meta.url)

type Journal = { entries: { idx: number; when: number; tag: string }[] }
const journal = JSON.parse(
  readFileSync(new URL('../drizzle/meta/_journal.json', import.meta.url), 'utf8'),
) as Journal

test(
  'the migrated schema is the one in schema.sql (UPDATE_SCHEMA=1 writes it)',
  { skip: filesOnly },
  async () => {
    await using app = await startApp()
    const db = new Database(app.url.replace('file:', ''))
    const rows = db
      .prepare(
        "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE '%fts_%' AND name NOT LIKE '%\\_search\\_%' ESCAPE '\\' AND name NOT LIKE '\\_\\_%' ESCAPE '\\' ORDER BY type, name",
      )
      .raw()
      .all([]) as string[][]
    const made = `${rows.map(([text]) => `${text};`).join('\n\n')}\n`
    if (process.env['UPDATE_SCHEMA']) writeFileSync(snapshot, made)
    assert.equal(made, readFileSync(snapshot, 'utf8'))
    for (const [text] of rows)
      if (text!.startsWith('CREATE TABLE') && !/sqlite_/.test(text!))
        assert.match(text!, /\) STRICT/)
    assert.deepEqual(db.prepare('PRAGMA foreign_keys').raw().all([]), [[1]])
  },
)

test(
  'every foreign key is the first column of an index, so that a deletion scans no table',
  { skip: filesOnly },
  async () => {
    await using app = await startApp()
    const db = new Database(app.url.replace('file:', ''))
    const rowsOf = (text: string) => db.prepare(text).raw().all([]) as string[][]
    const keys =
      rowsOf(`SELECT m.name, f."from" FROM sqlite_schema m, pragma_foreign_key_list(m.name) f
      WHERE m.type = 'table' ORDER BY 1, 2`)
    assert.ok(keys.length >= 8)
    for (const [table, column] of keys) {
      // The key of the table itself is found without an index.
      const own = rowsOf(`SELECT name FROM pragma_table_info('${table}')
        WHERE pk = 1 AND name = '${column}' AND type = 'INTEGER'`)
      if (own.length > 0) continue
      // A partial index counts when it has all rows with a value.
      const indexes =
        rowsOf(`SELECT i.name FROM pragma_index_list('${table}') i, pragma_index_info(i.name) c
        WHERE c.seqno = 0 AND c.name = '${column}' AND (i.partial = 0 OR EXISTS (SELECT 1 FROM sqlite_schema s
          WHERE s.name = i.name AND s.sql LIKE '%WHERE ${column} IS NOT NULL'))`)
      assert.ok(indexes.length > 0, `${table}.${column}`)
    }
    const plan = db.prepare('EXPLAIN QUERY PLAN DELETE FROM tweets WHERE id = 1').raw().all([])
    assert.doesNotMatch(JSON.stringify(plan), /SCAN/)
    db.close()
  },
)

test('migrations drop and rebuild no table: with its rows, all rows that refer to them would go', () => {
  for (const { tag } of journal.entries) {
    const text = readFileSync(new URL(`../drizzle/${tag}.sql`, import.meta.url), 'utf8')
    assert.doesNotMatch(text, /\bDROP TABLE\b|\bRENAME TO\b|\bDROP COLUMN\b|foreign_keys/i, tag)
  }
})

test('a row of tweets is a post with words, or a retweet without', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  const id = await alice.tweet('words')
  const { db } = app.database
  const insert = (columns: string, values: string) =>
    db.run(
      sql.raw(
        `insert into tweets (user_id, created_at, ${columns}) values (${alice.id}, 1, ${values})`,
      ),
    )
  for (const [columns, values] of [
    ['msg', "''"],
    ['msg, retweet_of', `'words', ${id}`],
    ['msg, retweet_of, reply_to', `'', ${id}, ${id}`],
    ['msg, retweet_of, quote_of', `'', ${id}, ${id}`],
    ['msg, in_timeline', "'words', 2"],
    ['msg, retweet_of', `'', 999`],
  ] as const) {
    await assert.rejects(insert(columns, values), `${columns}: ${values}`)
  }
  await insert('msg, reply_to, in_timeline', "'words', 999, 0")
  await insert('msg, quote_of', "'words', 999")
  await insert('msg, retweet_of', `'', ${id}`)
  await assert.rejects(insert('msg, retweet_of', `'', ${id}`), 'only once')
  const counts = () =>
    db.values(sql.raw('select tweet_count, (select count(*) from tweets) from users'))
  assert.deepEqual(Object.values((await counts())[0]!).map(Number), [3, 4])
  await db.run(sql.raw(`delete from tweets where id = ${id}`))
  assert.deepEqual(Object.values((await counts())[0]!).map(Number), [2, 2], 'its retweet goes')
})

test('migrations: one statement between breakpoints, numbers without gaps, increasing times', () => {
  journal.entries.forEach(({ idx, when, tag }, index) => {
    assert.equal(idx, index)
    assert.ok(index === 0 || when > journal.entries[index - 1]!.when)
    const text = readFileSync(new URL(`../drizzle/${tag}.sql`, import.meta.url), 'utf8')
    for (const piece of text.split('--> statement-breakpoint')) {
      // Without a breakpoint between two statements drizzle runs only the first.
      const bare = piece.replace(/BEGIN[\s\S]*END;/g, 'END;').replace(/--.*$/gm, '')
      assert.equal(bare.split(';').filter((one) => one.trim() !== '').length, 1, `${tag}: ${piece}`)
    }
  })
})

test(
  'the check finds wrong counts of replies and retweets, and repair counts again',
  { skip: filesOnly },
  async () => {
    await using app = await startApp()
    const alice = await app.person('Alice')
    const id = await alice.tweet('words')
    await alice.post('/tweet', { msg: 'more', reply_to: String(id) })
    const file = new Database(app.url.replace('file:', ''), { timeout: 1000 })
    assert.deepEqual(findProblems(file), [])
    file.exec(`update tweets set reply_count = 7, retweet_count = 3 where id = ${id}`)
    assert.deepEqual(findProblems(file), [
      `tweets ${id}: reply_count is 7, counted 1`,
      `tweets ${id}: retweet_count is 3, counted 0`,
    ])
    repair(file)
    assert.deepEqual(findProblems(file), [])
    // A reply whose tweet is gone is no problem.
    await alice.post(`/tweet/${id}/delete`)
    assert.deepEqual(findProblems(file), [])
    file.close()
  },
)

const action = fc.record({
  what: fc.constantFrom(
    'like',
    'unlike',
    'follow',
    'unfollow',
    'tweet',
    'reply',
    'retweet',
    'remove',
    'leave',
    'edit',
    'rename',
  ),
  who: fc.integer({ min: 1, max: 6 }),
  whom: fc.integer({ min: 1, max: 12 }),
})

test(
  'after any sequence of actions, counters, scores and the search index are right',
  { skip: filesOnly },
  async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 60 }), async (actions) => {
        await using app = await startApp()
        const { db } = app.database
        for (let id = 1; id <= 6; id++) {
          await db.run(
            sql`insert into users (name, handle, mailaddress, password_hash, created_at) values (${`N${id}`}, ${`h${id}`}, ${`m${id}`}, '', 1)`,
          )
          await db.run(
            sql`insert into tweets (user_id, msg, created_at) values (${id}, ${`words ${id}`}, 1)`,
          )
        }
        for (const { what, who, whom } of actions) {
          const statements = {
            like: sql`insert or ignore into favorites (user_id, tweet_id, weight, created_at) select ${who}, id, ${whom * 1.7}, 9e12 from tweets where id = ${whom} and exists (select 1 from users where id = ${who})`,
            unlike: sql`delete from favorites where user_id = ${who} and tweet_id = ${whom}`,
            follow: sql`insert or ignore into follows (follower_id, followed_id, created_at) select ${who}, id, 1 from users where id = ${whom} and exists (select 1 from users where id = ${who})`,
            unfollow: sql`delete from follows where follower_id = ${who} and followed_id = ${whom}`,
            tweet: sql`insert into tweets (user_id, msg, created_at) select id, ${`more ${whom}`}, 1 from users where id = ${who}`,
            reply: sql`insert into tweets (user_id, msg, created_at, reply_to) select u.id, 'reply', 1, t.id from users u, tweets t where u.id = ${who} and t.id = ${whom} and t.retweet_of is null`,
            retweet: sql`insert or ignore into tweets (user_id, msg, created_at, retweet_of) select u.id, '', 1, t.id from users u, tweets t where u.id = ${who} and t.id = ${whom} and t.retweet_of is null`,
            remove: sql`delete from tweets where id = ${whom}`,
            edit: sql`update tweets set msg = ${`said anew ${who}`} where id = ${whom} and retweet_of is null`,
            rename: sql`update users set name = ${`New ${whom}`} where id = ${who}`,
            leave: sql`delete from users where id = ${who} and ${whom} = 1`,
          }
          await db.run(statements[what])
        }
        const file = new Database(app.url.replace('file:', ''), { timeout: 1000 })
        assert.deepEqual(findProblems(file), [])
        file.close()
      }),
      { numRuns: 25 },
    )
  },
)

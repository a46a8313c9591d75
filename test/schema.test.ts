// The tables that the migrations create, and the guarantees of their triggers.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import test from 'node:test'

import { sql } from 'drizzle-orm'
import fc from 'fast-check'
import Database from 'libsql'

import { findProblems } from '../src/db/integrity.ts'
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

const action = fc.record({
  what: fc.constantFrom(
    'like',
    'unlike',
    'follow',
    'unfollow',
    'tweet',
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
            remove: sql`delete from tweets where id = ${whom}`,
            edit: sql`update tweets set msg = ${`said anew ${who}`} where id = ${whom}`,
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

// Damaged search index, triggers or indexes: the start names the remedy, and db:repair repairs them.
import assert from 'node:assert/strict'
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import test from 'node:test'

import Database from 'libsql'

import { post, refusedStart, register, runTool, scratch, startServer } from './process.ts'

const page = 4096
const rootOf = (path: string, table: string) => {
  const db = new Database(path)
  const rows = db.prepare('SELECT rootpage FROM sqlite_schema WHERE name = ?').raw().all([table])
  db.close()
  return (rows as [number][])[0]![0]
}

/** Overwrites the first page of a table in the file. */
function spoil(path: string, table: string, byte: number): void {
  const root = rootOf(path, table)
  const bytes = readFileSync(path)
  bytes.fill(byte, (root - 1) * page, root * page)
  writeFileSync(path, bytes)
}

const sql = (text: string) => (path: string) => {
  const db = new Database(path)
  db.exec(text)
  db.close()
}

/** `start`: does the start detect it? db:check detects all of them. */
type Damage = { name: string; harm: (path: string) => void; start?: RegExp }

const index = /has to be repaired \(search index: .*npm run db:repair/
const damages: Damage[] = [
  {
    name: 'its words are rubbish',
    harm: sql("UPDATE tweets_search_data SET block = x'deadbeef' WHERE id > 10"),
    start: index,
  },
  {
    name: 'its structure is rubbish',
    harm: sql("UPDATE tweets_search_data SET block = x'deadbeef' WHERE id = 10"),
  },
  {
    name: 'its totals are wrong',
    harm: sql("UPDATE tweets_search_data SET block = x'ffff03' WHERE id = 1"),
  },
  {
    name: 'all rows of its words are gone',
    harm: sql('DELETE FROM tweets_search_data'),
    start: index,
  },
  {
    name: 'one row of its words is gone',
    harm: sql('DELETE FROM tweets_search_data WHERE id = (SELECT max(id) FROM tweets_search_data)'),
    start: index,
  },
  { name: 'sizes are gone', harm: sql('DELETE FROM tweets_search_docsize WHERE id < 50') },
  { name: 'its own index is empty', harm: sql('DELETE FROM tweets_search_idx') },
  {
    name: 'its version is unknown',
    harm: sql('UPDATE tweets_search_config SET v = 99'),
    start: index,
  },
  ...['data', 'idx', 'docsize', 'config'].map((part) => ({
    name: `its table ${part} is gone`,
    harm: sql(`DROP TABLE tweets_search_${part}`),
    start: index,
  })),
  { name: 'all of it is gone', harm: sql('DROP TABLE tweets_search'), start: index },
  ...['data', 'idx', 'docsize', 'config'].flatMap((part) =>
    [0, 0x5a].map((byte) => ({
      name: `a page of its table ${part} is full of ${byte}`,
      harm: (path: string) => spoil(path, `tweets_search_${part}`, byte),
      start: index,
    })),
  ),
  {
    name: 'a tweet is not in it',
    harm: sql(
      "INSERT INTO tweets_search (tweets_search, rowid, msg) SELECT 'delete', id, msg FROM tweets WHERE id = 5",
    ),
  },
  {
    name: 'a person is not in the index of people',
    harm: sql(
      "INSERT INTO people_search (people_search, rowid, name, handle) SELECT 'delete', id, name, handle FROM users WHERE id = 5",
    ),
  },
  {
    name: 'the index of people is rubbish',
    harm: sql("UPDATE people_search_data SET block = x'deadbeef' WHERE id > 10"),
    start: index,
  },
  { name: 'the old index is gone', harm: sql('DROP TABLE tweets_fts'), start: index },
  { name: 'nobody knows how far it is', harm: sql('DELETE FROM search_builds') },
  {
    name: 'the trigger that fills it is gone',
    harm: sql('DROP TRIGGER tweets_insert'),
    start: /has to be repaired \(schema: the trigger tweets_insert is missing\)/,
  },
  {
    name: 'a trigger does something else',
    harm: sql(
      'DROP TRIGGER tweets_insert; CREATE TRIGGER tweets_insert AFTER INSERT ON tweets BEGIN SELECT 1; END',
    ),
  },
  {
    name: 'an index is gone',
    harm: sql('DROP INDEX tweets_user'),
    start: /has to be repaired \(schema: the index tweets_user is missing\)/,
  },
]

test('a damaged search index: the start says npm run db:repair, db:check finds it, db:repair repairs it', async (t) => {
  using place = scratch()
  const good = `${place.folder}/good.db`
  await using first = await startServer({ DATABASE_URL: `file:${good}` })
  assert.equal(await first.stop(), 0)
  let env = { DATABASE_URL: '' }
  for (const [number, { name, harm, start }] of damages.entries()) {
    await t.test(name, async () => {
      const path = `${place.folder}/${number}.db`
      env = { DATABASE_URL: `file:${path}` }
      copyFileSync(good, path)
      harm(path)
      if (start) {
        const { said, code } = await refusedStart(env)
        assert.match(said, start)
        assert.equal(said.split('\n').length, 1)
        assert.equal(code, 1)
      }
      const seen = runTool('db-check', [], env)
      assert.equal(seen.code, 1, seen.printed)
      assert.match(seen.printed, /stop the app, then run npm run db:repair/)
      const repaired = runTool('db-repair', [], env)
      assert.equal(repaired.code, 0, repaired.printed)
      assert.match(repaired.printed, /: (1 problem|(?![01] )[\d,]+ problems) found, 0 left/)
    })
  }
  assert.equal(runTool('db-check', [], env).code, 0)
  await using server = await startServer(env)
  const headers = { Cookie: await register(server.url, 'sally') }
  await post(`${server.url}/tweet`, { msg: 'a quokka is found again' }, headers.Cookie)
  const found = await fetch(`${server.url}/search?q=quokka`, { headers })
  assert.match(await found.text(), /is found again/)
})

test('a damaged table, too: only a backup helps, and db:repair changes nothing', async () => {
  using place = scratch()
  const path = `${place.folder}/x.db`
  const env = { DATABASE_URL: `file:${path}` }
  await using first = await startServer(env)
  assert.equal(await first.stop(), 0)
  spoil(path, 'tweets_search_data', 0)
  spoil(path, 'users', 0x5a)
  const before = readFileSync(path)
  assert.match((await refusedStart(env)).said, /is damaged .*Restore a backup/)
  const repaired = runTool('db-repair', [], env)
  assert.equal(repaired.code, 1)
  assert.match(repaired.printed, /Restore a backup with npm run db:restore/)
  assert.ok(before.equals(readFileSync(path)), 'the file is untouched')
})

test('an index damaged while the app runs: an error page, and the log names the remedy', async () => {
  using place = scratch()
  const path = `${place.folder}/x.db`
  await using server = await startServer({ DATABASE_URL: `file:${path}` })
  sql("UPDATE tweets_search_data SET block = x'deadbeef' WHERE id > 10")(path)
  const headers = { Cookie: await register(server.url, 'sally') }
  assert.equal((await fetch(`${server.url}/search?q=storm`, { headers })).status, 500)
  assert.match(server.printed(), /"slug":"search_index_damaged".*"cure":"[^"]*npm run db:repair/)
  assert.equal((await fetch(server.url)).status, 200)
  await server.stop('SIGKILL')

  const other = `${place.folder}/y.db`
  await using second = await startServer({ DATABASE_URL: `file:${other}` })
  const cookie = await register(second.url, 'sally')
  sql("UPDATE tweets_search_data SET block = x'deadbeef' WHERE id = 10")(other)
  assert.equal((await post(`${second.url}/tweet`, { msg: 'hello' }, cookie))?.status, 500)
  assert.match(second.printed(), /"slug":"search_index_damaged".*"cure":"[^"]*npm run db:repair/)
})

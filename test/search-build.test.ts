// The search indexes of a database that had rows before them: made beside the running app, and never half used.
import assert from 'node:assert/strict'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import { sql } from 'drizzle-orm'
import Database from 'libsql'

import { findProblems } from '../src/db/integrity.ts'
import { buildSearch } from '../src/db/search-build.ts'
import { startApp, type Someone } from './harness.ts'
import { freshServerUrl } from './libsql-server.ts'
import { makeOldDatabase } from './old-database.ts'
import { register, runTool, scratch, startServer } from './process.ts'

const isServer = process.env['TEST_DATABASE'] === 'server'
const countOf = async (who: Someone, q: string) => {
  const { text, status } = await who.get(`/search?q=${encodeURIComponent(q)}`)
  assert.equal(status, 200)
  return /([\d+]+) tweets? found/.exec(text)?.[1]
}

test('a new database begins with whole indexes, and fills no old one', async () => {
  await using app = await startApp()
  assert.deepEqual(app.database.whole, {
    tweets_search: true,
    people_search: true,
    tag_uses: true,
  })
  const alice = await app.person('Alice')
  await alice.tweet('Việt Nam')
  const { db } = app.database
  const found = (name: string) =>
    db.values(sql`select count(*) from ${sql.raw(name)} where ${sql.raw(name)} match 'nam'`)
  assert.equal(Number((await found('tweets_fts'))[0]![0]), 0)
  assert.equal(Number((await found('tweets_search'))[0]![0]), 1)
})

test('an old database: the old index answers until the new one is whole; what is written meanwhile is in both', async () => {
  using place = scratch()
  const server = isServer ? await freshServerUrl(place.folder) : undefined
  const url = server?.url ?? `file:${place.folder}/old.db`
  await makeOldDatabase(url, 12_000)
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
    assert.deepEqual(database.whole, {
      tweets_search: false,
      people_search: false,
      tag_uses: false,
    })
    assert.deepEqual(problems(), [])
    const alice = await app.person('Alice')
    assert.equal(await countOf(alice, 'nam'), '100+')
    assert.equal(await countOf(alice, 'viet'), '0', 'the old index knows no accents')
    let done = false
    const building = buildSearch(database).then(() => (done = true))
    let written = 0
    const kept: string[] = []
    while (!done) {
      const word = `word${++written}`
      const id = await alice.tweet(`${word} of now`)
      assert.equal(await countOf(alice, word), '1')
      if (written % 3 === 0) await alice.post(`/tweet/${id}/delete`)
      else kept.push(word)
      // Rows that are in the index, and rows that are not yet.
      await database.db.run(
        sql`delete from tweets where id in (${written * 7}, ${12_000 - written})`,
      )
      await database.db.run(
        sql`update tweets set msg = 'edited' || ${written} where id in (${written * 7 + 1}, ${11_000 - written})`,
      )
      if (written % 10 === 0) assert.deepEqual(problems(), [])
      assert.equal((await app.visitor().get('/readyz')).status, 200)
    }
    await building
    assert.ok(written > 3, `${written} tweets while it was made`)
    assert.equal(database.whole.tweets_search && database.whole.people_search, true)
    assert.deepEqual(problems(), [])
    assert.equal(await countOf(alice, 'viet'), '100+')
    assert.equal(await countOf(alice, `edited${written}`), '2')
    for (const word of kept) assert.equal(await countOf(alice, word), '1', word)
    const people = await alice.get('/search?q=viet&type=people')
    assert.match(people.text, /1 person found/)
    await buildSearch(database) // has nothing to do
  }
  await server?.stop()
})

test(
  'two processes on one server make it together',
  { skip: !isServer && 'needs a server' },
  async () => {
    using place = scratch()
    const server = await freshServerUrl(place.folder)
    await makeOldDatabase(server.url, 6000)
    {
      await using one = await startApp({ DATABASE_URL: server.url })
      await using other = await startApp({ DATABASE_URL: server.url })
      await Promise.all([buildSearch(one.database), buildSearch(other.database)])
      const alice = await other.person('Alice')
      const { db } = one.database
      for (const [match, count] of [
        ['viet', 1500],
        ['की', 1500],
        ['gulls', 1500],
        ['nam', 1500],
      ] as const) {
        const rows = await db.values(
          sql`select count(*) from tweets_search where tweets_search match ${`"${match}"`}`,
        )
        assert.equal(Number(rows[0]![0]), count, match)
      }
      assert.equal(await countOf(alice, 'viet'), '100+')
    }
    await server.stop()
  },
)

test(
  'killed again and again while it is made: it goes on where it was, and is right',
  { skip: isServer && 'kills a process on a file', timeout: 120_000 },
  async () => {
    using place = scratch()
    const path = `${place.folder}/old.db`
    const env = { DATABASE_URL: `file:${path}`, LOG_LEVEL: 'info', DEMO: '1' }
    await makeOldDatabase(env.DATABASE_URL, 60_000)
    const indexedFrom = () => {
      const db = new Database(path)
      const rows = db
        .prepare("SELECT indexed_from FROM search_builds WHERE name = 'tweets_search'")
        .raw()
        .all([])
      db.close()
      return (rows as [number][])[0]![0]
    }
    const seen: number[] = []
    for (let round = 0; round < 4; round++) {
      await using server = await startServer(env)
      const before = indexedFrom()
      while (indexedFrom() === before && before > 1) await pause(5)
      assert.equal((await fetch(`${server.url}/readyz`)).status, 200)
      await server.stop('SIGKILL')
      seen.push(indexedFrom())
      assert.deepEqual(runTool('db-check', [], env), {
        code: 0,
        printed: `${path} has no problems.\n`,
      })
    }
    assert.deepEqual(
      seen,
      seen.toSorted((a, b) => b - a),
    )
    assert.ok(seen[0]! < 60_000 && seen.at(-1)! > 0, `cut in the midst of it: ${seen.join()}`)
    await using server = await startServer(env)
    while (indexedFrom() > 0) await pause(20)
    const headers = { Cookie: await register(server.url, 'sally') }
    const found = await fetch(`${server.url}/search?q=viet`, { headers })
    assert.match(await found.text(), /100\+ tweets found/)
    assert.equal(await server.stop(), 0)
    assert.doesNotMatch(server.printed(), /"level":"error"/)
    assert.equal(runTool('db-check', [], env).code, 0)
  },
)

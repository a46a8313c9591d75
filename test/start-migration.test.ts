// What a start that migrates an old database leaves: the copy, and a process that still holds its locks on the file.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import test from 'node:test'

import Database from 'libsql'

import { makeOldDatabase } from './old-database.ts'
import { post, register, runTool, scratch, startServer } from './process.ts'

test('after a migration, programs that read the file beside the server take nothing from it', async () => {
  using place = scratch()
  const path = `${place.folder}/old.db`
  const env = { DATABASE_URL: `file:${path}` }
  await makeOldDatabase(env.DATABASE_URL, 10)
  const left = `${path}.before-0004_search-wal`
  writeFileSync(left, 'of an attempt that was killed')
  {
    await using server = await startServer(env)
    assert.ok(!existsSync(left), 'it would be played back into the copy')
    const cookie = await register(server.url, 'sally')
    for (let posted = 0; posted < 5; posted++) {
      // A reader that closes as the only one, by the locks, would write the WAL back and delete it under the server.
      const reader = new Database(path)
      reader.exec('SELECT 1 FROM users')
      reader.close()
      assert.ok(existsSync(`${path}-wal`), 'the write-ahead log stays')
      await post(`${server.url}/tweet`, { msg: `post ${posted}` }, cookie)
    }
    await server.stop('SIGKILL')
  }
  await using server = await startServer(env)
  const page = await fetch(`${server.url}/@sally`)
  assert.equal(page.status, 200)
  assert.equal([...(await page.text()).matchAll(/data-tweet-id/g)].length, 5)
  const copy = readdirSync(place.folder).find((name) => /^old\.db\.before-\d{4}_search$/.test(name))
  assert.ok(copy, readdirSync(place.folder).join())
  assert.match(
    runTool('db-check', [], { DATABASE_URL: `file:${place.folder}/${copy}` }).printed,
    /has no problems/,
  )
})

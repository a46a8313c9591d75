// `npm run db:check` on a libSQL server, while the app runs there.
import assert from 'node:assert/strict'
import test from 'node:test'

import { createClient } from '@libsql/client/http'

import { freshServerUrl } from './libsql-server.ts'
import { register, runTool, scratch, startServer } from './process.ts'

const unchecked =
  'On a server, the structure of the database and the search index were not checked.\n'

test('on a libSQL server, db:check recounts, and says what it has not checked', async () => {
  using place = scratch()
  const database = await freshServerUrl(place.folder)
  const env = { DATABASE_URL: database.url, DEMO: '1' }
  try {
    await using app = await startServer({ ...env, LOG_LEVEL: 'error' })
    await register(app.url, 'carol')
    const { host } = new URL(database.url)
    const clean = { code: 0, printed: `${host}: no problems were found.\n${unchecked}` }
    assert.deepEqual(runTool('db-check', [], env), clean)

    const client = createClient({ url: database.url })
    for (const harm of [
      'update tweets set like_count = like_count + 1 where id = 1',
      'update tweets set reply_count = reply_count + 1 where id = 2',
      "update users set hidden_count = 7 where handle = 'carol'",
      'delete from notifications where id = (select min(id) from notifications)',
      `update tag_uses set tag = 'another' where tweet_id = (select min(tweet_id) from tag_uses)`,
      'update trends set epoch = epoch + 1e12',
    ])
      await client.execute(harm)
    const { code, printed } = runTool('db-check', [], env)
    assert.equal(code, 1)
    for (const problem of [
      /^tweets 1: like_count is \d+, counted \d+$/m,
      /^tweets 2: reply_count is \d+, counted \d+$/m,
      /^users \d+: hidden_count is 7, counted 0$/m,
      /^users \d+: not told of a \w+ by \d+/m,
      /^tweets \d+: its tags are others$/m,
      /^trends: scores are counted from/m,
    ])
      assert.match(printed, problem)
    assert.ok(printed.endsWith(unchecked), printed)
    client.close()
  } finally {
    await database.stop()
  }
  const { code, printed } = runTool('db-check', [], env)
  assert.equal(code, 1)
  assert.match(
    printed,
    /^No libSQL server answers at http:\/\/127\.0\.0\.1:\d+ \(.*\)\. Is DATABASE_URL right\?\n$/,
  )
})

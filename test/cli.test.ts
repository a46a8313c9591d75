// The command line tools, as an operator uses them.
import assert from 'node:assert/strict'
import { copyFileSync } from 'node:fs'
import test from 'node:test'

import Database from 'libsql'

import { post, runTool, scratch, startServer } from './process.ts'

test('db:check finds problems, also while the app runs; db:repair repairs them, but not while it runs', async () => {
  using place = scratch()
  const path = `${place.folder}/town.db`
  const env = { DATABASE_URL: `file:${path}`, LOG_LEVEL: 'silent' }
  await using server = await startServer(env)
  assert.deepEqual(runTool('db-check', [], env), { code: 0, printed: `${path} has no problems.\n` })
  const inTheWay = runTool('db-repair', [], { ...env, LOCK_WAIT_MS: '0' })
  assert.equal(inTheWay.code, 1)
  assert.match(inTheWay.printed, /Another Tracewren process/)
  await server.stop()
  const db = new Database(path)
  db.exec(`UPDATE tweets SET like_count = 99, trend_score = 1e200 WHERE id = 5;
    UPDATE users SET follower_count = 0 WHERE id = 1;
    INSERT INTO tweets_search (rowid, msg) VALUES (5, 'words that nobody wrote')`)
  db.close()
  const wrong = runTool('db-check', [], env)
  assert.equal(wrong.code, 1)
  assert.match(wrong.printed, /tweets 5: like_count is 99, counted \d+/)
  assert.match(wrong.printed, /users 1: follower_count is 0/)
  assert.match(wrong.printed, /tweets 5: trend_score/)
  assert.match(wrong.printed, /search index/)
  assert.equal(runTool('db-repair', [], env).code, 0)
  assert.equal(runTool('db-check', [], env).code, 0)
})

test('a backup made under load can be started as an instance', async () => {
  using place = scratch()
  const env = { DATABASE_URL: `file:${place.folder}/live.db`, LOG_LEVEL: 'silent' }
  await using server = await startServer(env)
  const login = await post(`${server.url}/login`, {
    mailaddress: 'user0001@example.com',
    password: 'password123',
  })
  const cookie = login!.headers.getSetCookie()[0]!.split(';')[0]!
  assert.equal(
    (await post(`${server.url}/tweet`, { msg: 'before the backup' }, cookie))?.status,
    200,
  )
  const copy = `${place.folder}/copy.db`
  assert.match(runTool('db-backup', [copy], env).printed, /is a complete copy/)
  assert.equal(runTool('db-backup', [copy], env).code, 1, 'nothing is written over')
  assert.equal(runTool('db-backup', [], env).code, 1)
  const restored = `${place.folder}/restored.db`
  copyFileSync(copy, restored)
  await using other = await startServer({ ...env, DATABASE_URL: `file:${restored}` })
  assert.match(await (await fetch(`${other.url}/@mara`)).text(), /before the backup/)
})

test('npm run user: password, suspend, unsuspend, delete', async () => {
  using place = scratch()
  const env = { DATABASE_URL: `file:${place.folder}/people.db`, LOG_LEVEL: 'silent' }
  const enter = async (password: string) => {
    await using server = await startServer(env)
    const answer = await post(`${server.url}/login`, {
      mailaddress: 'user0002@example.com',
      password,
    })
    await server.stop()
    return answer?.status
  }
  assert.equal(await enter('password123'), 303)
  assert.equal(runTool('user', ['password', 'User0002@example.com'], env, 'a new one\n').code, 0)
  assert.equal(await enter('a new one'), 303)
  assert.equal(runTool('user', ['suspend', 'user0002@example.com'], env).code, 0)
  assert.equal(await enter('a new one'), 422)
  assert.equal(runTool('user', ['unsuspend', 'user0002@example.com'], env).code, 0)
  assert.equal(await enter('a new one'), 303)
  assert.equal(runTool('user', ['delete', 'user0002@example.com'], env).code, 0)
  assert.equal(await enter('a new one'), 422)
  assert.match(
    runTool('user', ['delete', 'user0002@example.com'], env).printed,
    /Nobody has the address/,
  )
  assert.equal(runTool('user', [], env).code, 2)
  assert.equal(runTool('user', ['--help'], env).code, 0)
  assert.deepEqual(runTool('db-check', [], env), {
    code: 0,
    printed: `${place.folder}/people.db has no problems.\n`,
  })
})

// The real process with a `.env` file: it is read completely, or the start fails.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import test from 'node:test'
import { fileURLToPath } from 'node:url'

import { post, refusedStart, scratch, startServer } from './process.ts'

const nobody = 65534
const isRoot = process.getuid?.() === 0
const dist = fileURLToPath(new URL('../dist/', import.meta.url))

test('an invalid .env stops the start and each command', async () => {
  using place = scratch()
  chmodSync(place.folder, 0o755)
  const path = `${place.folder}/.env`
  const database = { DATABASE_URL: `file:${place.folder}/data/x.db` }
  const refuses = async (said: string, options: { uid?: number } = {}) => {
    const got = await refusedStart(database, { cwd: place.folder, ...options })
    assert.deepEqual(got, { said, code: 1 })
  }
  writeFileSync(path, 'PORT=0\n\nDEMO: 0\n')
  const sentence = '.env line 3: "DEMO: 0" is not NAME=value.'
  await refuses(sentence)
  for (const tool of ['db-check', 'db-repair', 'db-backup', 'user', 'seed', 'static']) {
    const words = [`${dist}${tool}.js`, 'password', 'nobody@example.org']
    const options = { cwd: place.folder, encoding: 'utf8', timeout: 30_000 } as const
    const { status, stderr } = spawnSync(process.execPath, words, options)
    assert.deepEqual({ status, stderr }, { status: 1, stderr: `${sentence}\n` }, tool)
  }
  writeFileSync(path, Buffer.from('\ufeffDEMO=0\n', 'utf16le'))
  await refuses('.env is UTF-16. Save it as UTF-8.')
  if (isRoot) {
    writeFileSync(path, 'DEMO=0\n')
    chmodSync(path, 0o600)
    await refuses('.env cannot be read: this user may not read it.', { uid: nobody })
  }
  rmSync(path)
  mkdirSync(path)
  await refuses('.env is a folder, not a file.')
})

test('a byte-order mark, which Windows writes, hides no setting; the environment has priority', async () => {
  using place = scratch()
  writeFileSync(`${place.folder}/.env`, '\ufeffDEMO=0\r\nREGISTRATION=closed\r\n')
  const env = { DATABASE_URL: `file:${place.folder}/x.db`, REGISTRATION: 'open' }
  await using server = await startServer(env, { cwd: place.folder })
  const demo = { mailaddress: 'user0001@example.com', password: 'password123' }
  assert.equal((await post(`${server.url}/login`, demo))?.status, 422, 'nobody has that password')
  assert.doesNotMatch(server.printed(), /Demo login/)
  const mine = { name: 'mine', mailaddress: 'mine@example.org', password: 'a rare password' }
  assert.equal((await post(`${server.url}/register`, mine))?.status, 303)
  assert.equal(await server.stop(), 0)
})

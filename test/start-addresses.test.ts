// A start on a database whose addresses are still spelled in two ways, and what db:check says of it.
import assert from 'node:assert/strict'
import test from 'node:test'

import Database from 'libsql'

import { post, runTool, scratch, startServer } from './process.ts'

const [wide, narrow] = ['chief@b\u00fccher.example', 'chief@xn--bcher-kva.example']

test('of two accounts with one address both stay: db:check names them, and neither is the operator it may mean', async () => {
  using place = scratch()
  const path = `${place.folder}/spellings.db`
  const env = { DATABASE_URL: `file:${path}`, DEMO: '0', INSPECT: '1', OPERATORS: wide }
  await using first = await startServer(env)
  const password = 'correct horse battery'
  for (const name of ['Wide', 'Narrow', 'Alone'])
    await post(`${first.url}/register`, { name, mailaddress: `${name}@example.org`, password })
  await first.stop()
  const db = new Database(path)
  const rename = db.prepare('update users set mailaddress = ? where name = ?')
  for (const [address, name] of [
    [wide, 'Wide'],
    [narrow, 'Narrow'],
    ['alone@m\u00fcller.example', 'Alone'],
  ])
    rename.run([address!, name!])
  const login = async (url: string, mailaddress: string) => {
    const answer = await post(`${url}/login`, { mailaddress, password })
    return answer!.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  }
  for (let starts = 0; starts < 2; starts++) {
    await using server = await startServer(env)
    assert.match(server.printed(), /"addresses shared".*"users":"1"/)
    assert.doesNotMatch(server.printed(), /chief@/)
    for (const address of [wide, narrow]) {
      const cookie = await login(server.url, address)
      assert.ok(cookie, address)
      const traces = await fetch(`${server.url}/traces`, { headers: { Cookie: cookie } })
      assert.equal(traces.status, 403, `${address} is no operator`)
    }
    assert.ok(await login(server.url, 'alone@xn--mller-kva.example'))
    await server.stop()
    const check = runTool('db-check', [], env)
    assert.equal(check.code, 1)
    assert.match(check.printed, new RegExp(`users 2 \\(${narrow}\\) and users 1 \\(${wide}\\)`))
    assert.match(check.printed, /npm run user -- delete/)
    assert.doesNotMatch(check.printed, /alone|db:repair/)
  }
  const stored = () =>
    (db.prepare('select mailaddress from users order by id').raw().all([]) as string[][]).flat()
  assert.deepEqual(stored(), [wide, narrow, 'alone@xn--mller-kva.example'])
  assert.equal(runTool('user', ['suspend', 'ALONE@m\u00fcller.example'], env).code, 0)
  assert.match(runTool('user', ['delete', wide], env).printed, /Wide is deleted/)
  assert.deepEqual(stored(), [narrow, 'alone@xn--mller-kva.example'])
  assert.equal(runTool('db-check', [], env).code, 0)
  db.close()
})

// Handles: those of deleted accounts are not given again; u<id> belongs to that id.
import assert from 'node:assert/strict'
import test from 'node:test'

import { sql } from 'drizzle-orm'

import { startApp, told, type TestApp } from '../../../test/harness.ts'
import { isConstraint } from '../../db/db.ts'
import { handleOf, numbered } from '../../db/handles.ts'

let numbers = 0
const fresh = () => `new${++numbers}@example.org`
const right = 'correct horse battery'

/** Signs up under a name; returns the handle of the account. */
async function handleFor(app: TestApp, name: string) {
  const someone = app.visitor()
  await someone.post('/register', { name, mailaddress: fresh(), password: right })
  const page = await someone.get('/timeline', { as: 'browser' })
  return { someone, handle: /href="\/@([a-z0-9_]+)" class="who"/.exec(page.text)![1]! }
}

test('the handle of a deleted account is not given again, and its profile is a 404', async () => {
  await using app = await startApp()
  const { db } = app.database
  const mara = await handleFor(app, 'Mara')
  const namesake = await handleFor(app, 'Mara')
  const nameless = await handleFor(app, '\u7530\u4e2d')
  assert.deepEqual([mara.handle, namesake.handle, nameless.handle], ['mara', 'mara2', 'u3'])
  for (const { someone } of [mara, nameless])
    assert.equal(told(await someone.post('/account/delete', { farewell: right })), '200 json')
  // The same if an operator, or anything else, deletes the row.
  await db.run(sql`delete from users where handle = 'mara2'`)
  const later = await handleFor(app, 'Mara')
  assert.match(later.handle, /^mara\d+$/)
  assert.ok(!['mara', 'mara2'].includes(later.handle), later.handle)
  assert.equal((await handleFor(app, '\u7530\u4e2d')).handle, 'u5')
  for (const handle of ['mara', 'MARA', 'mara2', 'u3'])
    for (const tab of ['', '/likes', '/followers', '/following'])
      assert.equal((await app.visitor().get(`/@${handle}${tab}`)).status, 404, handle + tab)
  for (const handle of ['mara', 'mara2', 'u3']) {
    const insert = sql`insert into users (name, handle, mailaddress, password_hash, created_at)
      values ('x', ${handle}, ${fresh()}, '', 1)`
    const isHandle = (error: unknown) => isConstraint(error, 'UNIQUE: users.handle')
    await assert.rejects(async () => db.run(insert), isHandle, 'by no other way either')
  }
})

test('the address of a deleted account can be registered again, with another handle', async () => {
  await using app = await startApp()
  const mailaddress = fresh()
  const nell = app.visitor()
  await nell.post('/register', { name: 'Nell', mailaddress, password: right })
  await nell.post('/account/delete', { farewell: right })
  const answer = await nell.post('/register', { name: 'Nell', mailaddress, password: right })
  assert.equal(told(answer), '303 /timeline')
  assert.equal((await nell.get('/@nell2')).status, 200)
  assert.equal((await nell.get('/@nell')).status, 404)
})

test('u<id> is the handle of that id only: nobody named U gets it, and the user with that id can register', async () => {
  assert.equal(handleOf('U'), 'u')
  assert.equal(numbered('u', 57), 'u_57')
  await using app = await startApp()
  assert.equal((await handleFor(app, 'U')).handle, 'u')
  assert.equal((await handleFor(app, 'U')).handle, 'u_2')
  // An older version may have given it to somebody named U.
  await app.database.db
    .run(sql`insert into users (name, handle, mailaddress, password_hash, created_at)
    values ('U', 'u4', ${fresh()}, '', 1)`)
  assert.equal((await handleFor(app, '\u7530\u4e2d')).handle, 'u4_2')
  assert.equal((await handleFor(app, '\u7530\u4e2d')).handle, 'u5')
})

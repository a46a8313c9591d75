// A link good for one sign-up: the way in where registration is closed.
import assert from 'node:assert/strict'
import test from 'node:test'

import { sql } from 'drizzle-orm'

import { startApp, told, type Answer, type TestApp } from '../../../test/harness.ts'
import { createInvitation } from '../../http/invitations.ts'

let numbers = 0
const right = 'correct horse battery'
const someone = (more: Record<string, string> = {}) => ({
  name: 'New',
  mailaddress: `new${++numbers}@example.org`,
  password: right,
  ...more,
})

async function invite({ database }: TestApp) {
  const path = await createInvitation(database.db)
  return { path, invitation: path.split('=')[1]! }
}

const count = async ({ database }: TestApp, table: 'users' | 'invitations') =>
  Number((await database.db.values(sql.raw(`select count(*) from ${table}`)))[0]![0])

/** As if all invitations had been made this long ago. */
const later = ({ database }: TestApp, milliseconds: number) =>
  database.db.run(sql`update invitations set created_at = created_at - ${milliseconds}`)
const week = 7 * 86_400_000

const kinds = ['program', 'json', 'browser', 'htmx'] as const

test('closed registration stays 403 without an invitation, and with a wrong one', async () => {
  await using app = await startApp({ REGISTRATION: 'closed' })
  const { invitation } = await invite(app)
  const wrong = `${invitation.startsWith('A') ? 'B' : 'A'}${invitation.slice(1)}`
  for (const as of kinds) {
    for (const bad of [undefined, '', 'x', wrong, `${invitation}x`, invitation.toUpperCase()]) {
      const fields = someone(bad === undefined ? {} : { invitation: bad })
      assert.equal((await app.visitor().post('/register', fields, { as })).status, 403, bad)
    }
    const page = await app.visitor().get(`/register?invitation=${wrong}`, { as })
    assert.equal(page.status, 403)
    assert.match(page.text, /used or has expired/)
  }
  const closed = await app.visitor().get('/register', { as: 'browser' })
  assert.match(closed.text, /Registration is closed here/)
  assert.doesNotMatch(closed.text, /action="\/register"/)
  assert.equal(await count(app, 'users'), 0)
})

test('an invitation is good for one sign-up, and only its hash is stored', async () => {
  await using app = await startApp({ REGISTRATION: 'closed' })
  const { path, invitation } = await invite(app)
  assert.match(invitation, /^[\w-]{43}$/)
  const dump = JSON.stringify(await app.database.db.values(sql`select * from invitations`))
  assert.ok(!dump.includes(invitation))
  const visitor = app.visitor()
  // To look at the link, as a program does that shows a preview of it, uses nothing up.
  for (const as of kinds) await app.visitor().get(path, { as })
  const page = await visitor.get(path, { as: 'browser' })
  assert.equal(page.status, 200)
  assert.match(page.text, /You are invited/)
  assert.ok(page.text.includes(`name="invitation" value="${invitation}"`))
  assert.equal(page.headers.get('Cache-Control'), 'private, no-store')
  const mistake = await visitor.post('/register', someone({ invitation, password: 'short' }), {
    as: 'browser',
  })
  assert.equal(told(mistake), '422 page')
  assert.ok(mistake.text.includes(`name="invitation" value="${invitation}"`), 'it is not lost')
  const fields = someone({ invitation, handle: 'guest' })
  assert.equal(told(await visitor.post('/register', fields, { as: 'browser' })), '303 /timeline')
  assert.equal((await visitor.get('/@guest')).status, 200)
  assert.equal((await app.visitor().post('/register', someone({ invitation }))).status, 403)
  assert.equal((await app.visitor().get(path, { as: 'browser' })).status, 403)
  // The same form again, as after a double click, lets its owner in.
  assert.equal(told(await app.visitor().post('/register', fields)), '303 /timeline')
  const guess = await app.visitor().post('/register', { ...fields, password: 'wrong password' })
  assert.equal(guess.status, 422)
  assert.equal(await count(app, 'users'), 1)
  await visitor.post('/account/delete', { farewell: right })
  assert.equal((await app.visitor().post('/register', fields)).status, 403, 'it stays used')
})

for (const REGISTRATION of ['closed', 'open'])
  test(`ten sign-ups at once with one invitation make one account (${REGISTRATION})`, async () => {
    await using app = await startApp({ REGISTRATION })
    const { invitation } = await invite(app)
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => app.visitor().post('/register', someone({ invitation }))),
    )
    const refused = REGISTRATION === 'closed' ? 403 : 422
    assert.deepEqual(
      answers.map(({ status }) => status).toSorted((a, b) => a - b),
      [303, ...Array.from({ length: 9 }, () => refused)],
    )
    assert.equal(await count(app, 'users'), 1)
  })

test('one form sent ten times at once is one account, and all are let in', async () => {
  await using app = await startApp({ REGISTRATION: 'closed' })
  const { invitation } = await invite(app)
  const fields = someone({ invitation, handle: 'twin' })
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => app.visitor().post('/register', fields)),
  )
  for (const answer of answers) assert.equal(told(answer), '303 /timeline')
  assert.equal(await count(app, 'users'), 1)
})

test('it expires after seven days; a sign-up that fails uses nothing up', async () => {
  await using app = await startApp({ REGISTRATION: 'closed' })
  await app.database.db.run(
    sql`insert into users (name, handle, mailaddress, password_hash, created_at) values ('a', 'taken', 'taken@example.org', '', 1)`,
  )
  const { path, invitation } = await invite(app)
  for (const more of [{ handle: 'taken' }, { mailaddress: 'taken@example.org' }])
    assert.equal(
      (await app.visitor().post('/register', someone({ invitation, ...more }))).status,
      422,
    )
  await later(app, week - 60_000)
  assert.equal((await app.visitor().get(path, { as: 'browser' })).status, 200)
  await later(app, 60_000)
  assert.equal((await app.visitor().get(path, { as: 'browser' })).status, 403)
  assert.equal((await app.visitor().post('/register', someone({ invitation }))).status, 403)
  await invite(app)
  assert.equal(await count(app, 'invitations'), 1, 'the old one is deleted')
})

test('where registration is open, a used invitation is said, and needless', async () => {
  await using app = await startApp()
  const { path, invitation } = await invite(app)
  assert.equal((await app.visitor().post('/register', someone({ invitation }))).status, 303)
  const page = await app.visitor().get(path, { as: 'browser' })
  assert.equal(page.status, 200)
  assert.match(page.text, /has expired\. Ask for another one\. You can sign up without one\./)
  const fields = someone({ invitation })
  const again = await app.visitor().post('/register', fields, { as: 'browser' })
  assert.equal(told(again), '422 page')
  assert.ok(again.text.includes(fields.mailaddress))
  assert.doesNotMatch(again.text, /name="invitation"/)
})

test('who is signed in is led on, and their invitation stays good', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  const { path } = await invite(app)
  assert.equal(told(await alice.get(path, { as: 'browser' })), '302 /timeline')
  assert.match((await app.visitor().get(path, { as: 'browser' })).text, /You are invited/)
})

test('no span holds an invitation', async () => {
  await using app = await startApp({ REGISTRATION: 'closed' })
  const { path, invitation } = await invite(app)
  const answers: Answer[] = []
  for (const as of kinds) {
    answers.push(await app.visitor().get(path, { as }))
    answers.push(await app.visitor().get(`/login?next=${encodeURIComponent(path)}`, { as }))
    answers.push(
      await app.visitor().post(
        '/theme',
        { theme: 'dark' },
        {
          as,
          headers: { Referer: `http://localhost:5000${path}` },
        },
      ),
    )
    answers.push(await app.visitor().post('/register', someone({ invitation }), { as }))
  }
  for (const { spans } of answers) {
    assert.ok(spans.length > 0)
    for (const { name, attributes, events } of spans)
      assert.ok(!JSON.stringify([name, attributes, events]).includes(invitation), name)
  }
})

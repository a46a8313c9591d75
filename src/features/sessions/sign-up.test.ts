// The limits of sign-ups from one IP address: accounts, mistakes, probes of email addresses.
import assert from 'node:assert/strict'
import test from 'node:test'

import { sql } from 'drizzle-orm'

import { startApp, type ClientKindName, type TestApp } from '../../../test/harness.ts'

let numbers = 0
const fresh = () => `new${++numbers}@example.org`
const right = 'correct horse battery'

type Fields = { name?: string; mailaddress?: string; password?: string }

/** A sign-up by a new browser behind the same IP address; returns the status and, for a 429, the limit. */
async function signUp(app: TestApp, fields: Fields = {}, as: ClientKindName = 'browser') {
  const answer = await app
    .visitor()
    .post('/register', { name: 'New', mailaddress: fresh(), password: right, ...fields }, { as })
  const code = answer.spans.at(-1)?.attributes['app.error.slug']
  return answer.status === 429 ? `429 ${String(code).replace('rate_limit_', '')}` : answer.status
}

const many = async (count: number, ask: () => Promise<number | string>) => {
  const answers: Record<string, number> = {}
  for (const got of await Promise.all(Array.from({ length: count }, ask)))
    answers[got] = (answers[got] ?? 0) + 1
  return answers
}

async function countUsers({ database }: TestApp): Promise<number> {
  const rows = await database.db.values(sql`select count(*) from users`)
  return Number(rows[0]![0])
}

test('a strict instance counts created accounts, not mistakes', async () => {
  await using app = await startApp({ DEMO: '0' })
  const taken = fresh()
  assert.equal(await signUp(app, { mailaddress: taken }), 303)
  const mistakes: Fields[] = [
    { mailaddress: taken, password: 'wrong password' },
    { password: 'password123' },
    { password: 'short' },
    { name: '  ' },
    { mailaddress: 'nobody' },
    { name: 'a\u0000b' },
  ]
  for (const mistake of [...mistakes, ...mistakes]) assert.equal(await signUp(app, mistake), 422)
  // Signing in with the sign-up form creates no account either.
  for (let times = 0; times < 5; times++)
    assert.equal(await signUp(app, { mailaddress: taken, password: right }), 303)
  for (let made = 2; made <= 5; made++) assert.equal(await signUp(app), 303, `account ${made}`)
  assert.equal(await signUp(app), '429 register')
  assert.equal(
    await signUp(app, { mailaddress: taken, password: right }),
    303,
    'who has one gets in',
  )
  assert.equal(await countUsers(app), 5)
})

test('twenty concurrent sign-ups do not exceed the limit of accounts', async () => {
  await using app = await startApp({ DEMO: '0' })
  assert.deepEqual(await many(20, () => signUp(app)), { 303: 5, '429 register': 15 })
  assert.equal(await countUsers(app), 5)
})

test('a failed sign-up is refunded to the limit', async () => {
  await using app = await startApp({ DEMO: '0', LIMIT_REGISTER: '2/600' })
  const { db } = app.database
  await db.run(
    sql`create trigger full before insert on users begin select raise(abort, 'database or disk is full'); end`,
  )
  // The number of refusals depends on how soon the first ones are refunded.
  const failed = await many(6, () => signUp(app))
  assert.equal((failed[507] ?? 0) + (failed['429 register'] ?? 0), 6)
  await db.run(sql`drop trigger full`)
  assert.deepEqual(await many(6, () => signUp(app)), { 303: 2, '429 register': 4 })
})

test('concurrent sign-ups of one email address count as one account, and all are signed in', async () => {
  await using app = await startApp({ DEMO: '0', LIMIT_REGISTER: '1/600' })
  const twin = { name: 'Twin', mailaddress: 'twin@example.org', password: right }
  assert.deepEqual(await many(8, () => signUp(app, twin)), { 303: 8 })
  assert.equal(await countUsers(app), 1)
  assert.equal(await signUp(app), '429 register')
})

test('mistakes have their own, higher limit; a success does not count', async () => {
  await using app = await startApp({ DEMO: '0', LIMIT_REGISTER_ATTEMPT: '6/600' })
  for (let made = 1; made <= 3; made++) assert.equal(await signUp(app), 303)
  for (const mistake of [{ password: 'short' }, { password: 'password123' }, { name: '' }])
    for (const as of ['browser', 'program'] as const)
      assert.equal(await signUp(app, mistake, as), 422)
  assert.equal(await signUp(app, { password: 'short' }), '429 register_attempt')
  assert.equal(await signUp(app), '429 register_attempt')
  assert.equal(await countUsers(app), 3)
  await using other = await startApp({ DEMO: '0' })
  const short = () => signUp(other, { password: 'short' }, 'program')
  assert.deepEqual(await many(120, short), { 422: 100, '429 register_attempt': 20 })
})

test('a missing field counts as a mistake', async () => {
  await using app = await startApp({ DEMO: '0', LIMIT_REGISTER_ATTEMPT: '3/600' })
  const statuses: number[] = []
  for (let times = 0; times < 4; times++)
    statuses.push((await app.visitor().post('/register', { name: 'New' })).status)
  assert.deepEqual(statuses, [400, 400, 400, 429])
})

test('a client can probe thirty email addresses, taken or not', async () => {
  await using app = await startApp({ DEMO: '0', LIMIT_LOGIN_CLIENT: '1000/60' })
  const taken = Array.from({ length: 3 }, fresh)
  for (const mailaddress of taken) assert.equal(await signUp(app, { mailaddress }), 303)
  assert.equal(await signUp(app), 303)
  assert.equal(await signUp(app), 303)
  const answers: (number | string)[] = []
  for (let asked = 0; asked < 32; asked++) {
    const isTaken = asked % 4 === 0
    const mailaddress = isTaken ? taken[asked % 3]! : fresh()
    answers.push(await signUp(app, { mailaddress, password: isTaken ? 'wrong password' : right }))
  }
  const told30 = Array.from({ length: 30 }, (_, asked) => (asked % 4 === 0 ? 422 : '429 register'))
  assert.deepEqual(answers, [...told30, '429 register_probe', '429 register_probe'])
})

test('guessing a password with the sign-up form is limited like logging in', async () => {
  await using app = await startApp({ DEMO: '0', LIMIT_LOGIN_ACCOUNT: '3/600' })
  const mailaddress = fresh()
  assert.equal(await signUp(app, { mailaddress }), 303)
  for (let guesses = 0; guesses < 2; guesses++)
    assert.equal(await signUp(app, { mailaddress, password: 'wrong password' }), 422)
  const login = await app.visitor().post('/login', { mailaddress, password: 'wrong password' })
  assert.equal(login.status, 422)
  assert.equal(await signUp(app, { mailaddress, password: right }), '429 login_account')
})

test('closed registration is answered at once, whatever is sent, and counts nothing', async () => {
  await using app = await startApp({ REGISTRATION: 'closed', LIMIT_REGISTER_ATTEMPT: '1/600' })
  for (const fields of [{}, { password: 'short' }, { name: '' }])
    assert.equal(await signUp(app, fields), 403)
})

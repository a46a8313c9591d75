// Edge cases of HTTP: methods, unusual addresses, demo accounts, expired sessions.
import assert from 'node:assert/strict'
import test from 'node:test'

import { sql } from 'drizzle-orm'

import { startApp } from '../../test/harness.ts'
import { sessionJobs } from './sessions.ts'

test('without a session HEAD is redirected as GET is', async () => {
  await using app = await startApp()
  for (const as of ['program', 'browser'] as const) {
    const head = await app.visitor().send('/timeline', { method: 'HEAD' }, { as })
    assert.equal(head.status, 302)
    assert.equal(head.location, '/login?next=%2Ftimeline')
  }
})

test('a /64 network of IPv6 counts as one client, and an address with a zone causes no 500', async () => {
  await using app = await startApp({ LIMIT_LOGIN_CLIENT: '2/60' })
  const tryFrom = async (address: string) => {
    const headers = { 'X-Forwarded-For': address }
    return (
      await app.visitor().post('/login', { mailaddress: 'a@b', password: 'wrong one' }, { headers })
    ).status
  }
  assert.equal(await tryFrom('2001:db8::1'), 422)
  assert.equal(await tryFrom('2001:db8:0:0:5:6:7:8'), 422)
  assert.equal(await tryFrom('2001:db8::ffff:0:1'), 429)
  assert.equal(await tryFrom('2001:db8:0:1::1'), 422, 'the next network is another client')
  assert.equal(await tryFrom('fe80::1%eth0'), 422)
})

test('overlong e-mail addresses share one limit, however they end', async () => {
  await using app = await startApp({ LIMIT_LOGIN_ACCOUNT: '2/60' })
  const tryAs = async (mailaddress: string) =>
    (await app.visitor().post('/login', { mailaddress, password: 'wrong one' })).status
  const long = 'a'.repeat(120)
  assert.equal(await tryAs(`${long}1@example.org`), 422)
  assert.equal(await tryAs(`${long}2@example.org`), 422)
  assert.equal(await tryAs(`${long}3@example.org`), 429)
  assert.equal(await tryAs('alice@example.org'), 422, 'other addresses are not affected')
})

test('in a trusted private network each client has its own limit', async () => {
  await using app = await startApp({
    LIMIT_LOGIN_CLIENT: '2/60',
    TRUSTED_PROXIES: 'loopback private',
  })
  const tryFrom = async (address: string) =>
    (
      await app
        .visitor()
        .post(
          '/login',
          { mailaddress: 'a@b', password: 'wrong one' },
          { headers: { 'X-Forwarded-For': address } },
        )
    ).status
  for (const status of [422, 422, 429]) assert.equal(await tryFrom('192.168.1.5'), status)
  assert.equal(await tryFrom('192.168.1.6'), 422, 'another address is another client')
  assert.equal(await tryFrom('192.168.1.5, 10.0.0.1'), 429, 'also behind two proxies')
  assert.equal(
    await tryFrom('192.168.1.7, 203.0.113.9'),
    422,
    'an outside client cannot pretend to be inside',
  )
})

test('programs get errors of account actions as JSON, like successes', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  const answer = await alice.post('/account/password', {
    current: 'not it',
    fresh: 'something new',
  })
  assert.equal(answer.status, 422)
  assert.deepEqual(JSON.parse(answer.text), { error: 'That is not your password.' })
})

test('a demo account can change its name, but not its password, and cannot be deleted', async () => {
  await using app = await startApp()
  const mara = await app.person('Mara')
  await app.database.db.run(sql`update users set demo = 1`)
  const password = 'password-of-Mara'
  const actions: [path: string, fields: Record<string, string>][] = [
    ['/account/password', { current: password, fresh: 'mine alone now' }],
    ['/account/delete', { farewell: password }],
  ]
  const sentence = 'A demo account keeps its handle and its password, and cannot be deleted.'
  for (const [path, fields] of actions) {
    const program = await mara.post(path, fields)
    assert.equal(program.status, 403)
    assert.deepEqual(JSON.parse(program.text), { error: sentence })
    const page = await mara.post(path, fields, { as: 'browser' })
    assert.equal(page.status, 403)
    assert.ok(page.text.includes(sentence))
  }
  assert.equal((await mara.post('/account/profile', { name: 'Captain', bio: '' })).status, 200)
  const login = { mailaddress: 'mara@example.org', password }
  assert.equal((await app.visitor().post('/login', login)).location, '/timeline')
})

test('with DEMO=0 the session of a demo account is no longer valid', async () => {
  await using app = await startApp({ DEMO: '0' })
  const mara = await app.person('Mara')
  assert.equal((await mara.get('/timeline')).status, 200)
  await app.database.db.run(sql`update users set demo = 1`)
  assert.equal((await mara.get('/timeline')).status, 302)
})

test('sessions that have expired are deleted, the others stay', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  const bob = await app.person('Bob')
  const carol = await app.person('Carol')
  const { db } = app.database
  await db.run(sql`update sessions set seen_at = 1 where user_id = ${bob.id}`)
  await db.run(sql`update sessions set created_at = 1 where user_id = ${carol.id}`)
  for (const who of [bob, carol]) assert.equal((await who.get('/timeline')).status, 302)
  await sessionJobs.deleteExpired(db, Date.now())
  const rows = await db.values(sql`select count(*) from sessions`)
  assert.equal(Number(rows[0]![0]), 1)
  assert.equal((await alice.get('/timeline')).status, 200)
})

test('text in a tweet does not influence how an error is classified', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  await app.database.db.run(sql`alter table tweets rename to gone`)
  const words = 'database or disk is full, UNIQUE constraint failed: users.handle, fetch failed'
  assert.equal((await alice.post('/tweet', { msg: words })).status, 500)
})

test('the span of an unknown address or a wrong method has an error code', async () => {
  await using app = await startApp()
  const codeOf = async (path: string, method: string) =>
    (await app.visitor().send(path, { method }, {})).spans.at(-1)?.attributes['app.error.slug']
  assert.equal(await codeOf('/no/such/place', 'GET'), 'no_route')
  assert.equal(await codeOf('/favorite/1', 'GET'), 'wrong_method')
})

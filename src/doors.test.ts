// What a review found at the doors: methods, odd addresses, sessions that nobody ended.
import assert from 'node:assert/strict'
import test from 'node:test'

import { sql } from 'drizzle-orm'

import { startApp } from '../test/harness.ts'
import { deleteExpiredSessions } from './viewer.ts'

test('HEAD is turned away as GET is', async () => {
  await using app = await startApp()
  for (const as of ['program', 'browser'] as const) {
    const head = await app.visitor().send('/timeline', { method: 'HEAD' }, { as })
    assert.equal(head.status, 302)
    assert.equal(head.location, '/login?next=%2Ftimeline')
  }
})

test('a whole /64 of IPv6 is one client, and an address with a zone is no 500', async () => {
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
  assert.equal(await tryFrom('2001:db8:0:1::1'), 422, 'the neighbour is another')
  assert.equal(await tryFrom('fe80::1%eth0'), 422)
})

test("programs get the account's errors as JSON, as they get its successes", async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  const answer = await alice.post('/account/password', {
    current: 'not it',
    fresh: 'something new',
  })
  assert.equal(answer.status, 422)
  assert.deepEqual(JSON.parse(answer.text), { error: 'That is not your password.' })
})

test('sessions that have expired are deleted, the others stay', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  await app.person('Bob')
  await app.database.db.run(sql`update sessions set seen_at = 1 where user_id <> ${alice.id}`)
  await deleteExpiredSessions(app.database.db, Date.now())
  const rows = await app.database.db.values(sql`select count(*) from sessions`)
  assert.equal(Number(rows[0]![0]), 1)
  assert.equal((await alice.get('/timeline')).status, 200)
})

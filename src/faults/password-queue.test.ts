import assert from 'node:assert/strict'
import test from 'node:test'

import { startTown, struck, until } from '../../test/fault-rig.ts'
import { activeRequests } from '../overload/work-queue.ts'

const account = { mailaddress: 'mara@example.org', password: 'password-of-Mara' }
const env = { PASSWORD_QUEUE: '20', PASSWORD_WAIT_MS: '2000' }

test('password-queue: sign-ins wait or are refused, other pages do not', async () => {
  await using town = await startTown(env)
  const { app, mara } = town
  const measured = await struck(mara, ['password-queue', { strength: '100' }], async (isStruck) => {
    const { queue } = app.passwords
    if (isStruck) assert.equal(queue.depth, 19, 'one place is left')
    else await until('the queue does not empty', () => queue.depth === 0)
    // Two at once: while the queue is full, the second one finds no place.
    const both = await Promise.all([1, 2].map(() => app.visitor().post('/login', account)))
    return both.map(({ status }) => status).sort((one, other) => one - other)
  })
  const calm = [303, 303]
  assert.deepEqual(measured, { before: calm, during: [303, 503], byHand: calm, byTime: calm })
})

test('at half strength sign-ins wait and then work; the jobs do not count as requests', async () => {
  await using town = await startTown(env)
  const { app, mara } = town
  assert.equal((await mara.post('/faults/password-queue', { strength: '50' })).status, 200)
  assert.equal(app.passwords.queue.depth, 9)
  const signingIn = app.visitor().post('/login', account)
  await until('nobody waits', () => app.passwords.queue.depth > 9)
  assert.ok(Math.abs(activeRequests.count - app.settings.passwordConcurrency) <= 1)
  assert.equal((await mara.get('/timeline')).status, 200)
  assert.equal((await signingIn).status, 303)
  await mara.post('/faults/stop')
  await until('the jobs stay', () => activeRequests.count === 0)
})

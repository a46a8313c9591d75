import assert from 'node:assert/strict'
import test from 'node:test'

import { isRefused, msOf, shortest, startTown, struck, until } from '../../test/fault-rig.ts'
import { freeMs, heldLock, heldMsMax } from './held-lock.ts'

const heldMs = 2000

test('held-lock: writes wait for the lock, reads do not', async () => {
  await using town = await startTown({ WRITE_WAIT_MS: '60000' })
  const { mara } = town
  if (await isRefused(town, 'held-lock')) return
  let count = 0
  const post = async () => {
    const answer = await mara.post('/tweet', { msg: `while it is held ${(count += 1)}` })
    assert.equal(answer.status, 200)
    return msOf(answer)
  }
  const measured = await struck(
    mara,
    ['held-lock', { strength: String(heldMs) }],
    async (isStruck) => {
      if (!isStruck) return { longest: await shortest(post), reading: 0 }
      let longest = 0
      await until('no write waits', async () => {
        longest = Math.max(longest, await post())
        return longest > heldMs / 2
      })
      const reading = await shortest(async () => msOf(await mara.get('/timeline')))
      return { longest, reading }
    },
  )
  assert.ok(measured.during.longest > heldMs / 2)
  assert.ok(measured.during.reading < heldMs / 2, `${measured.during.reading} ms`)
  for (const calm of [measured.before, measured.byHand, measured.byTime])
    assert.ok(calm.longest < heldMs / 2, `${calm.longest} ms`)
})

test('the lock is held for 4 s at most, and free for 1 s at least', () => {
  assert.deepEqual([heldLock.strength.max, heldMsMax, freeMs], [4000, 4000, 1000])
})

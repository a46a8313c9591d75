import assert from 'node:assert/strict'
import test from 'node:test'

import { isRefused, msOf, shortest, startFault, startTown, struck } from '../../test/fault-rig.ts'

const slowMs = 800

test('slow-commit: each write takes longer within its query, reads do not', async () => {
  await using town = await startTown({ WRITE_WAIT_MS: '60000' })
  const { mara } = town
  if (await isRefused(town, 'slow-commit')) return
  let count = 0
  const writing = () =>
    shortest(async () => {
      const answer = await mara.post('/tweet', { msg: `slowly ${(count += 1)}` })
      assert.equal(answer.status, 200)
      return msOf(answer, 'app.db.duration_ms')
    })
  const options = { strength: String(slowMs) }
  const measured = await struck(mara, ['slow-commit', options], writing)
  assert.ok(measured.during >= slowMs - 5, `${measured.during} ms`)
  for (const calm of [measured.before, measured.byHand, measured.byTime])
    assert.ok(calm < slowMs, `${calm} ms`)
  await startFault(mara, 'slow-commit', options)
  const reading = await shortest(async () =>
    msOf(await mara.get('/timeline'), 'app.db.duration_ms'),
  )
  assert.ok(reading < slowMs, `${reading} ms`)
})

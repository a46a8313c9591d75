import assert from 'node:assert/strict'
import test from 'node:test'

import { msOf, serverSpan, startTown, struck } from '../../test/fault-rig.ts'

const aheadSeconds = 1800

test('skewed-clock: spans begin in the future and last as long as before', async () => {
  await using town = await startTown()
  const ahead = async () => {
    const answer = await town.mara.get('/timeline')
    assert.ok(msOf(answer) < 60_000)
    const [query] = answer.queries
    for (const { startTime } of [serverSpan(answer), query!])
      assert.ok(Math.abs(startTime[0] - serverSpan(answer).startTime[0]) < 60)
    return Math.round((serverSpan(answer).startTime[0] - Date.now() / 1000) / 60)
  }
  const options = { strength: String(aheadSeconds) }
  const measured = await struck(town.mara, ['skewed-clock', options], ahead)
  assert.ok(Math.abs(measured.during - aheadSeconds / 60) <= 1, `${measured.during} minutes`)
  for (const calm of [measured.before, measured.byHand, measured.byTime])
    assert.ok(Math.abs(calm) <= 1, `${calm} minutes`)
})

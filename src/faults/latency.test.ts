import assert from 'node:assert/strict'
import test from 'node:test'

import { msOf, shortest, startFault, startTown, struck } from '../../test/fault-rig.ts'

const waitMs = 1500

test('latency: the handler waits, its queries and the other routes do not', async () => {
  await using town = await startTown()
  const { mara } = town
  const duration = (path: string) => shortest(async () => msOf(await mara.get(path)))
  const measured = await struck(mara, ['latency', { strength: String(waitMs) }], () =>
    duration('/timeline'),
  )
  assert.ok(measured.during >= waitMs - 5, `${measured.during} ms`)
  for (const calm of [measured.before, measured.byHand, measured.byTime])
    assert.ok(calm < waitMs / 2, `${calm} ms`)
  await startFault(mara, 'latency', { strength: String(waitMs) })
  assert.ok((await duration('/favorites')) < waitMs / 2)
  const slow = await mara.get('/timeline')
  assert.ok(msOf(slow, 'app.db.duration_ms') < waitMs / 2)
  const handler = slow.spans.find(({ name }) => name === 'timeline.read')!
  assert.ok(handler.duration[0] * 1000 + handler.duration[1] / 1e6 >= waitMs - 5)
})

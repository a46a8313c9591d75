import assert from 'node:assert/strict'
import test from 'node:test'

import { msOf, shortest, startFault, startTown, struck } from '../../test/fault-rig.ts'

const workMs = 400

test('slow-render: rendering takes longer, the queries and the other routes do not', async () => {
  await using town = await startTown()
  const { mara } = town
  const rendering = (path: string) =>
    shortest(async () => {
      // The bound of a busy event loop: after a rest, the whole work is done.
      await new Promise((done) => setTimeout(done, workMs / 2))
      return msOf(await mara.get(path), 'app.render.duration_ms')
    })
  const measured = await struck(mara, ['slow-render', { strength: String(workMs) }], () =>
    rendering('/timeline'),
  )
  assert.ok(measured.during >= workMs - 5, `${measured.during} ms`)
  for (const calm of [measured.before, measured.byHand, measured.byTime])
    assert.ok(calm < workMs / 2, `${calm} ms`)
  await startFault(mara, 'slow-render', { strength: String(workMs) })
  assert.ok((await rendering('/favorites')) < workMs / 2)
  assert.ok(msOf(await mara.get('/timeline'), 'app.db.duration_ms') < workMs / 2)
})

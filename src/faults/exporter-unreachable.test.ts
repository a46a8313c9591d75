import assert from 'node:assert/strict'
import test from 'node:test'

import { startTown, struck } from '../../test/fault-rig.ts'
import { breakable } from '../telemetry/fault-points.ts'

test('exporter-unreachable: exports fail as a refused connection does', async () => {
  await using town = await startTown()
  const refused = await town.mara.post('/faults/exporter-unreachable')
  assert.equal(refused.status, 422)
  assert.match(refused.text, /exports nothing/)
  let delivered = 0
  const exporter = breakable({
    export(_items: never, done: (result: { code: number; error?: Error }) => void) {
      delivered += 1
      done({ code: 0 })
    },
  })
  const results = async () => {
    const from = delivered
    const { code, error } = await new Promise<{ code: number; error?: Error }>((resolve) =>
      exporter.export([] as never, resolve),
    )
    return { code, why: error?.message, delivered: delivered - from }
  }
  const calm = { code: 0, why: undefined, delivered: 1 }
  assert.deepEqual(await struck(town.mara, ['exporter-unreachable'], results), {
    before: calm,
    during: { code: 1, why: 'connect ECONNREFUSED', delivered: 0 },
    byHand: calm,
    byTime: calm,
  })
})

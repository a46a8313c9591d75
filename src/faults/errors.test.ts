import assert from 'node:assert/strict'
import test from 'node:test'

import { serverSpan, startFault, startTown, struck } from '../../test/fault-rig.ts'

const requests = 20

test('errors: the chosen share of the route fails with a stack, the others do not', async () => {
  await using town = await startTown()
  const { mara } = town
  const failures = (path: string) => async () => {
    let count = 0
    for (let at = 0; at < requests; at++) if ((await mara.get(path)).status === 500) count += 1
    return count
  }
  const measured = await struck(mara, ['errors', { strength: '50' }], failures('/timeline'))
  assert.ok(measured.during > 3 && measured.during < requests - 3, `${measured.during} failed`)
  assert.deepEqual([measured.before, measured.byHand, measured.byTime], [0, 0, 0])
  await startFault(mara, 'errors', { strength: '100' })
  assert.equal(await failures('/favorites')(), 0)
  const failed = await mara.get('/timeline')
  assert.equal(serverSpan(failed).attributes['error.type'], '500')
  const handler = failed.spans.find(({ name }) => name === 'timeline.read')
  assert.equal(handler?.attributes['error.type'], 'InjectedError')
  assert.equal(failed.queries.length, 1, 'only the query for the visitor')
})

import assert from 'node:assert/strict'
import test from 'node:test'

import { serverSpan, startTown, struck } from '../../test/fault-rig.ts'

test('lost-parents: the queries are no longer in the trace of their request', async () => {
  await using town = await startTown()
  const spans = async () => {
    const answer = await town.mara.get('/timeline')
    assert.equal(answer.status, 200)
    const handlers = answer.spans.filter(({ name }) => name === 'timeline.read')
    return {
      queries: answer.queries.length,
      counted: serverSpan(answer).attributes['app.db.query_count'],
      handlers: handlers.length,
    }
  }
  const calm = await spans()
  assert.ok(calm.queries >= 2 && calm.queries === calm.counted && calm.handlers === 1)
  assert.deepEqual(await struck(town.mara, ['lost-parents'], spans), {
    before: calm,
    during: { ...calm, queries: 0 },
    byHand: calm,
    byTime: calm,
  })
})

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import test from 'node:test'

import { serverSpan, startTown, struck } from '../../test/fault-rig.ts'

test('broken-propagation: a request does not continue the trace that came with it', async () => {
  await using town = await startTown()
  const continues = async () => {
    const id = randomBytes(16).toString('hex')
    const traceparent = `00-${id}-${randomBytes(8).toString('hex')}-01`
    const answer = await town.mara.get('/timeline', { headers: { traceparent } })
    assert.equal(answer.status, 200)
    const span = serverSpan(answer)
    return span.spanContext().traceId === id && span.parentSpanContext !== undefined
  }
  assert.deepEqual(await struck(town.mara, ['broken-propagation'], continues), {
    before: true,
    during: false,
    byHand: true,
    byTime: true,
  })
})

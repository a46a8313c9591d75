import assert from 'node:assert/strict'
import test from 'node:test'

import { startTown, struck } from '../../test/fault-rig.ts'
import { cardLookups } from '../ui/fragment-cache.ts'

test('cache-off: lookups of cards miss, and the pages stay the same', async () => {
  await using town = await startTown()
  const { mara } = town
  await mara.get('/timeline')
  const texts = new Set<string>()
  const misses = async () => {
    const before = cardLookups.misses
    const { status, text, queries } = await mara.get('/timeline', { as: 'browser' })
    assert.equal(status, 200)
    texts.add([...text.matchAll(/post number \d+/g)].join(' '))
    return { misses: cardLookups.misses - before, queries: queries.length }
  }
  const calm = await misses()
  assert.equal(calm.misses, 0)
  const measured = await struck(mara, ['cache-off'], misses)
  assert.deepEqual(measured, {
    before: calm,
    during: { ...calm, misses: 12 },
    byHand: calm,
    byTime: calm,
  })
  assert.equal(texts.size, 1)
})

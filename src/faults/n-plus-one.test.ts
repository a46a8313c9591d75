import assert from 'node:assert/strict'
import test from 'node:test'

import { startFault, startTown, struck } from '../../test/fault-rig.ts'

test('n-plus-one: each post of the list costs a query of its own', async () => {
  await using town = await startTown()
  const { mara } = town
  const queries = (path: string) => async () => (await mara.get(path)).queries.length
  const usual = await queries('/timeline')()
  const others = await queries('/everybody')()
  const measured = await struck(mara, ['n-plus-one'], queries('/timeline'))
  assert.deepEqual(measured, { before: usual, during: usual + 12, byHand: usual, byTime: usual })
  await startFault(mara, 'n-plus-one', { strength: '3' })
  assert.equal(await queries('/timeline')(), usual + 36)
  assert.equal(await queries('/everybody')(), others)
  const { queries: all, status, text } = await mara.get('/timeline')
  assert.equal(status, 200)
  assert.match(text, /post number 11/)
  const lookups = all.filter(({ name }) => name === 'SELECT users')
  assert.ok(lookups.length >= 36)
})

import assert from 'node:assert/strict'
import test from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import { startTown, struck, until } from '../../test/fault-rig.ts'
import { leakMbMax, memoryLeak } from './memory-leak.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void
const megabyte = 1_048_576

function heapMb(): number {
  collect()
  return process.memoryUsage().heapUsed / megabyte
}

test('memory-leak: the heap keeps what it was given, up to the strength, and lets it go at the end', async () => {
  await using town = await startTown()
  const start = heapMb()
  const measured = await struck(
    town.mara,
    ['memory-leak', { strength: '40' }],
    async (isStruck) => {
      if (isStruck) await until('nothing leaks', () => heapMb() > start + 30)
      return heapMb() - start
    },
  )
  assert.ok(measured.during > 30 && measured.during < 60, `${measured.during} MB`)
  for (const calm of [measured.before, measured.byHand, measured.byTime])
    assert.ok(calm < 15, `${calm} MB`)
})

test('the leak has a bound of 256 MB', () => {
  assert.equal(memoryLeak.strength.max, leakMbMax)
  assert.equal(leakMbMax, 256)
})

import assert from 'node:assert/strict'
import test from 'node:test'
import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import { runtimePage, startFault, startTown, struck, until } from '../../test/fault-rig.ts'
import { fits, leakMbMax, memoryLeak } from './memory-leak.ts'

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

test('memory-leak: the heap of an idle process falls when the fault ends', async () => {
  await using town = await startTown()
  const start = heapMb()
  await startFault(town.mara, 'memory-leak', { strength: '40' })
  await until('nothing leaks', () => heapMb() > start + 30)
  assert.equal((await town.mara.post('/faults/memory-leak/stop')).status, 200)
  assert.ok(process.memoryUsage().heapUsed / megabyte < start + 15)
})

test('the leak has at most 256 MB and half of the heap, and stops where the heap is full of other things', () => {
  assert.equal(memoryLeak.strength.max, leakMbMax)
  assert.equal(leakMbMax, 256)
  const heap = (used: number, limit: number) => ({
    ...getHeapStatistics(),
    used_heap_size: used * megabyte,
    heap_size_limit: limit * megabyte,
  })
  assert.equal(fits(100, heap(120, 200)), true)
  assert.equal(fits(101, heap(120, 200)), false)
  assert.equal(fits(10, heap(150, 200)), false)
})

test('memory-leak: the page that its text names shows how the heap climbs', async () => {
  assert.match(memoryLeak.find, /^\/traces\/runtime: the heap climbs/)
  await using town = await startTown({ INSPECT: '1' })
  using page = runtimePage(town)
  collect()
  const before = await page.newest('Memory', 'heap')
  await startFault(town.mara, 'memory-leak', { strength: '40' })
  await until('the page does not show it', async () => {
    collect()
    return (await page.newest('Memory', 'heap')) > before + 30
  })
})

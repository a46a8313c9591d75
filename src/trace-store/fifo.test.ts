import assert from 'node:assert/strict'
import test from 'node:test'

import { Fifo } from './fifo.ts'

test('what went in first comes out first, and what was taken is gone', () => {
  const fifo = new Fifo<number>()
  assert.equal(fifo.shift(), undefined)
  const kept: number[] = []
  for (let next = 0; next < 1000; next += 1) {
    fifo.push(next)
    kept.push(next)
    // Now filling, now emptying it, to the last entry and beyond.
    for (let times = next % 7; times > 3; times -= 1) assert.equal(fifo.shift(), kept.shift())
    assert.deepEqual([fifo.size, fifo.values()], [kept.length, kept])
  }
  while (kept.length > 0) assert.equal(fifo.shift(), kept.shift())
  assert.deepEqual([fifo.size, fifo.shift()], [0, undefined])
  fifo.push(1)
  fifo.clear()
  assert.deepEqual([fifo.size, fifo.values()], [0, []])
})

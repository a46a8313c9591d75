import v8, { getHeapStatistics } from 'node:v8'

import type { Fault } from './fault.ts'

export const leakMbMax = 256
/** The leak grows by a piece of a megabyte, this often. */
const everyMs = 50
const piece = 1_048_576
const bytesOfNumber = 8

export const memoryLeak: Fault = {
  name: 'memory-leak',
  kind: 'process',
  title: 'Memory leak',
  does: 'The process keeps objects that nobody needs, more and more of them, up to its strength.',
  moves:
    'v8js.memory.heap.used grows and does not fall after a collection; v8js.gc.duration; later the p99 of all routes.',
  find: '/traces/runtime: the heap climbs like a staircase, however little is asked. No row of /routes tells of it.',
  cure: 'Compare two heap snapshots (node --inspect); bound what is kept.',
  strength: { what: 'Kept in the end', unit: 'MB', min: 1, max: leakMbMax, default: 128 },
  start({ strength, random }) {
    let kept: number[][] = []
    const timer = setInterval(() => {
      if (kept.length < strength && fits(kept.length + 1))
        kept.push(Array.from({ length: piece / bytesOfNumber }, random))
    }, everyMs).unref()
    return () => {
      clearInterval(timer)
      kept = []
      // It collects all garbage first, so that the chart falls now; an idle process may wait for hours. Not every runtime has it.
      const { queryObjects }: Partial<typeof v8> = v8
      queryObjects?.(SharedArrayBuffer)
    }
  },
}

/** At most half of what the heap may take, and never the last quarter: the rest is for the requests. */
export function fits(
  pieces: number,
  { used_heap_size: used, heap_size_limit: limit } = getHeapStatistics(),
): boolean {
  return pieces * piece <= limit / 2 && used + piece <= (limit * 3) / 4
}

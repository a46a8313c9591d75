import assert from 'node:assert/strict'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import { startTown, struck, until } from '../../test/fault-rig.ts'
import { busyMsMax, busyShareMax, keepBusy } from './busy.ts'

const blockMs = 450

test('blocked-loop: the event loop stands still now and then', async () => {
  await using town = await startTown()
  const measured = await struck(
    town.mara,
    ['blocked-loop', { strength: String(blockMs) }],
    async (isStruck) => {
      const delay = monitorEventLoopDelay({ resolution: 5 })
      delay.enable()
      const longest = () => delay.max / 1e6
      if (isStruck) await until('nothing blocks', () => longest() >= blockMs - 10)
      else await pause(300)
      delay.disable()
      return longest()
    },
  )
  assert.ok(measured.during >= blockMs - 10, `${measured.during} ms`)
  for (const calm of [measured.before, measured.byHand, measured.byTime])
    assert.ok(calm < blockMs - 10, `${calm} ms`)
})

test('no fault keeps the event loop busy for longer than 500 ms at a time, or for more than 70 % of the time', async () => {
  await pause(busyMsMax)
  const started = performance.now()
  let busy = 0
  let longest = 0
  for (let count = 0; count < 200; count++) {
    const one = keepBusy(10_000)
    busy += one
    longest = Math.max(longest, one)
    await pause(10)
  }
  const all = performance.now() - started
  assert.ok(longest <= busyMsMax + 50, `${longest} ms`)
  // What was saved up before is used up at first.
  assert.ok(busy - busyMsMax <= busyShareMax * all, `${busy} of ${all} ms`)
})

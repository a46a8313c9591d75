// Two variants in many starts: processes of the same program differ by some percent for as long as they live, so a small
// difference needs many of them.
import { setTimeout as pause } from 'node:timers/promises'

import { quantile } from '../../bench/statistics.ts'
import { random } from '../../src/base/random.ts'
import { bounds } from './figures.ts'
import { load, usage, variant, type Variant } from './variant.ts'

const starts = Number(process.env['STARTS'] ?? 12)
const rounds = Number(process.env['ROUNDS'] ?? 6)
const perRound = Number(process.env['REQUESTS'] ?? 300)
/** Before that V8 compiles much of the program, on both sides, which hides a part of the difference. */
const warmUp = Number(process.env['WARM_UP'] ?? 4000)

export type Side = { name: string; env: Record<string, string>; exports?: boolean }

/**
 * Prints the CPU time of a page in `other` as times that in `base`: the median of the rounds of each start, and that of all
 * starts with its 95 % interval. Both sides of a start take turns, in random order, also with the start and the warm-up.
 */
export async function compareStarts(base: Side, other: Side): Promise<void> {
  const next = random(Date.now())
  const inRandomOrder = <T>(both: [T, T]): [T, T] => (next() < 0.5 ? both : [both[1], both[0]])
  const ratios: number[] = []
  const restMs = other.exports === true ? settleMs : 0
  for (let start = 0; start < starts; start++) {
    const live = new Map<Side, Variant>()
    for (const side of inRandomOrder([base, other]))
      live.set(side, await variant(side.name, { env: side.env }))
    const both: [Variant, Variant] = [live.get(base)!, live.get(other)!]
    for (let sent = 0; sent < warmUp; sent += perRound)
      for (const one of inRandomOrder(both)) await load(one, perRound)
    const ofRounds: number[] = []
    const costs: number[] = []
    for (let round = 0; round < rounds; round++) {
      const cost = new Map<Variant, number>()
      for (const one of inRandomOrder(both)) cost.set(one, await page(one, restMs))
      costs.push(cost.get(both[0])!)
      ofRounds.push(cost.get(both[1])! / cost.get(both[0])!)
    }
    ratios.push(quantile(ofRounds, 0.5))
    console.log(
      `start ${start + 1}: ${base.name} ${quantile(costs, 0.5).toFixed(3)} ms, ${other.name} ${ratios.at(-1)!.toFixed(3)}x`,
    )
    for (const one of both) await one.end()
  }
  const { value, low, high } = bounds(starts, (chosen) =>
    quantile(
      chosen.map((start) => ratios[start]!),
      0.5,
    ),
  )
  console.log(
    `${other.name} against ${base.name}, ${starts} starts: ${value.toFixed(3)}x (${low.toFixed(3)} to ${high.toFixed(3)})`,
  )
}

/** An export belongs to the pages before it. Without exports there is no pause: it would make caches cold. */
const settleMs = 300

/** Milliseconds of CPU for each of some pages, what they export included. */
async function page(one: Variant, restMs: number): Promise<number> {
  const pid = one.server.child.pid!
  const before = usage(pid).cpuMs
  const { failed } = await load(one, perRound)
  if (failed > 0) throw new Error(`${one.name}: ${failed} requests failed`)
  if (restMs > 0) await pause(restMs)
  return (usage(pid).cpuMs - before) / perRound
}

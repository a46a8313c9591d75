// From the rounds of each variant to figures with bounds.
import { quantile } from '../../bench/statistics.ts'
import { random } from '../../src/base/random.ts'

/** A value and the 95 % interval of it: what 1,000 other choices of the same rounds give. */
export type Bounds = { value: number; low: number; high: number }

/** What one variant did in one round. */
export type Round = {
  /** Milliseconds of CPU for each page, exports included, at full speed. */
  cpuMs: number
  /** Milliseconds from the request to the end of the answer, at a steady pace. */
  times: number[]
  rssMb: number
}

/** What one variant sent in all rounds together, in bytes for each request. */
export type Wire = { answer: number; traces: number; logs: number; metrics: number }

export type Figures = {
  name: string
  cpuMs: Bounds
  /** Relative to the first variant, round by round. */
  cpuTimes: Bounds
  p99Ms: Bounds
  p99Times: Bounds
  rssMb: number
  wire: Wire
}

const choices = 1000

/** Rounds are chosen again and again, each as a whole, because the requests of one round share its weather. */
export function bounds(rounds: number, of: (chosen: number[]) => number): Bounds {
  const next = random(1)
  const values = Array.from({ length: choices }, () =>
    of(Array.from({ length: rounds }, () => Math.floor(next() * rounds))),
  )
  return {
    value: of(Array.from({ length: rounds }, (_, round) => round)),
    low: quantile(values, 0.025),
    high: quantile(values, 0.975),
  }
}

const middle = (chosen: number[], of: (round: number) => number) => quantile(chosen.map(of), 0.5)
const p99 = ({ times }: Round) => quantile(times, 0.99)

/** The figures of each variant; the first one is what the others are compared with. */
export function figuresOf(measured: { name: string; rounds: Round[]; wire: Wire }[]): Figures[] {
  const first = measured[0]!.rounds
  const count = first.length
  return measured.map(({ name, rounds, wire }) => ({
    name,
    wire,
    cpuMs: bounds(count, (chosen) => middle(chosen, (round) => rounds[round]!.cpuMs)),
    cpuTimes: bounds(count, (chosen) =>
      middle(chosen, (round) => rounds[round]!.cpuMs / first[round]!.cpuMs),
    ),
    // Of each round for itself: one round with a stall would be the p99 of all.
    p99Ms: bounds(count, (chosen) => middle(chosen, (round) => p99(rounds[round]!))),
    p99Times: bounds(count, (chosen) =>
      middle(chosen, (round) => p99(rounds[round]!) / p99(first[round]!)),
    ),
    // At first a process still grows, whatever its telemetry.
    rssMb: quantile(
      rounds.slice(Math.floor(count / 2)).map((one) => one.rssMb),
      0.5,
    ),
  }))
}

// Durations in logarithmic bins: 128 numbers hold any number of them, and a percentile is right within 7 %.
const smallestMs = 0.05
const growth = Math.log(1.15)
const bins = 128

export type Histogram = { counts: Uint32Array; count: number; maxMs: number }

export const histogram = (): Histogram => ({ counts: new Uint32Array(bins), count: 0, maxMs: 0 })

/** Adds one duration in milliseconds. */
export function addDuration(to: Histogram, ms: number): void {
  const bin =
    ms <= smallestMs ? 0 : Math.min(bins - 1, Math.ceil(Math.log(ms / smallestMs) / growth))
  to.counts[bin]! += 1
  to.count += 1
  to.maxMs = Math.max(to.maxMs, ms)
}

/** Adds all durations of another histogram. */
export function addAll(to: Histogram, from: Histogram): void {
  for (let bin = 0; bin < bins; bin++) to.counts[bin]! += from.counts[bin]!
  to.count += from.count
  to.maxMs = Math.max(to.maxMs, from.maxMs)
}

/** All durations together in milliseconds, right within 7 % as the percentiles are. */
export const total = (of: Histogram): number =>
  of.counts.reduce(
    (sum, count, bin) =>
      sum + count * Math.min(of.maxMs, smallestMs * Math.exp(growth * (bin - 0.5))),
    0,
  )

/** The duration in milliseconds that this share (0 to 1) of all stays below; 0 when there are none. */
export function percentile(of: Histogram, share: number): number {
  let left = Math.ceil(of.count * share)
  for (let bin = 0; bin < bins && of.count > 0; bin++) {
    left -= of.counts[bin]!
    if (left <= 0) return Math.min(of.maxMs, smallestMs * Math.exp(growth * bin))
  }
  return of.maxMs
}

// A histogram of durations with 128 logarithmic bins: constant memory, and percentiles are right within 7 %.
const smallestMs = 0.05
const growth = Math.log(1.15)
const bins = 128

export type Histogram = { counts: Uint32Array; count: number; maxMs: number }

/** A new, empty histogram. */
export const histogram = (): Histogram => ({ counts: new Uint32Array(bins), count: 0, maxMs: 0 })

/** Adds one duration in milliseconds. */
export function addDuration(to: Histogram, ms: number): void {
  const bin =
    ms <= smallestMs ? 0 : Math.min(bins - 1, Math.ceil(Math.log(ms / smallestMs) / growth))
  to.counts[bin]! += 1
  to.count += 1
  to.maxMs = Math.max(to.maxMs, ms)
}

/** Adds all durations of the histogram `from`. */
export function addAll(to: Histogram, from: Histogram): void {
  for (let bin = 0; bin < bins; bin++) to.counts[bin]! += from.counts[bin]!
  to.count += from.count
  to.maxMs = Math.max(to.maxMs, from.maxMs)
}

/** The sum of all durations in milliseconds, right within 7 %. */
export const total = (of: Histogram): number =>
  of.counts.reduce(
    (sum, count, bin) =>
      sum + count * Math.min(of.maxMs, smallestMs * Math.exp(growth * (bin - 0.5))),
    0,
  )

/** A percentile in milliseconds; `share` is from 0 to 1. 0 when the histogram is empty. */
export function percentile(of: Histogram, share: number): number {
  let left = Math.ceil(of.count * share)
  for (let bin = 0; bin < bins && of.count > 0; bin++) {
    left -= of.counts[bin]!
    if (left <= 0) return Math.min(of.maxMs, smallestMs * Math.exp(growth * bin))
  }
  return of.maxMs
}

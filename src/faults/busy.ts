// Keeps the event loop busy, within bounds that leave time for everybody else.

/** The longest time at once. */
export const busyMsMax = 500
/** The largest part of the time, for all faults together. */
export const busyShareMax = 0.7

let allowance = busyMsMax
let refilledAt = performance.now()

/** How long the event loop may be busy now: what is left of the share, as after a rest. */
function allowed(): number {
  const now = performance.now()
  // While it is busy nothing is refilled: the share is one of the whole time.
  allowance = Math.min(
    busyMsMax,
    allowance + ((now - refilledAt) * busyShareMax) / (1 - busyShareMax),
  )
  refilledAt = now
  return allowance
}

/** Keeps the event loop busy for so many milliseconds, or for fewer where the bounds say so. Returns how many it were. */
export function keepBusy(ms: number): number {
  const length = Math.min(ms, busyMsMax, allowed())
  const from = performance.now()
  let now = from
  while (now - from < length) now = performance.now()
  allowance -= now - from
  refilledAt = now
  return now - from
}

/** What one piece of work of others took lately, such as a query that keeps the thread busy. */
let usual = 0

/** Does heavy work that is not ours to slice, or the light one in its place where the bounds leave no time for it. */
export async function withinBounds<T>(
  heavy: () => Promise<T>,
  light: () => Promise<T>,
): Promise<T> {
  if (allowed() < Math.min(usual, busyMsMax)) return light()
  const from = performance.now()
  // A query of a file is done when the call returns.
  const result = heavy()
  usual = performance.now() - from
  allowance -= usual
  refilledAt = performance.now()
  return result
}

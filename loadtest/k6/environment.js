// What a run is told by environment variables.

/** Where the load goes without a word. */
const standardTarget = 'http://127.0.0.1:5000'

/** Where the load goes, and nowhere else: no redirect is followed. */
export const target = (__ENV.TARGET || standardTarget).replace(/\/$/, '')
if (!/^https?:\/\/[^/?#@\s]+$/.test(target))
  throw new Error(`The target is "${target}", but it must be an address such as ${standardTarget}.`)

/** A whole number of the environment. */
export function wholeOf(name, otherwise, least = 1) {
  const asked = __ENV[name] || String(otherwise)
  if (!/^\d+$/.test(asked) || Number(asked) < least)
    throw new Error(
      `${name} is "${asked}", but it must be a whole number${least > 0 ? ' above 0' : ''}.`,
    )
  return Number(asked)
}

/** No p95 limit is below these milliseconds: a busy machine needs some. */
export const patienceMs = wholeOf('PATIENCE_MS', 0, 0)

/** Where a person finds the traces of the target. */
export const traces = __ENV.TRACES || `${target}/traces`

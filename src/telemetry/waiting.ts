// What a request waits for. A wait of a millisecond or more is a span; all waits together are an attribute of the request.
import { failureOf, requestCosts, tracePast } from './query-tracing.ts'

/** Shorter waits are in everything. */
const spanFromMs = 1

/** Waits for a promise, and records how long. `isQueue`: it counts as waiting, not as work of somebody else. */
export async function traceWait<T>(name: string, wait: Promise<T>, isQueue = true): Promise<T> {
  const from = performance.now()
  let failure: string | undefined
  try {
    return await wait
  } catch (error) {
    failure = failureOf(error)
    throw error
  } finally {
    waited(name, from, { failure, isQueue })
  }
}

type How = { failure?: string | undefined; isQueue?: boolean }

/** Records a wait since `from` (performance.now) that ends now; `failure`: it was in vain. */
export function waited(name: string, from: number, { failure, isQueue = true }: How = {}): void {
  const costs = requestCosts()
  if (!costs) return
  const to = performance.now()
  if (isQueue) costs.waitMs += to - from
  if (to - from < spanFromMs) return
  tracePast(name, { costs, from, to, ...(failure !== undefined && { failure }) })
}

/** Does work that seldom takes long; it is a span where it took a millisecond or more. */
export function traceSlow<T>(name: string, work: () => T): T {
  const from = performance.now()
  const result = work()
  waited(name, from, { isQueue: false })
  return result
}

/** Runs bcrypt in the span `password.hash`. */
export async function traceHash<T>(work: () => Promise<T>): Promise<T> {
  const from = performance.now()
  try {
    return await work()
  } finally {
    const costs = requestCosts()
    const to = performance.now()
    if (costs) {
      costs.hashMs += to - from
      tracePast('password.hash', { costs, from, to })
    }
  }
}

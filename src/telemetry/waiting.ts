// What a request waits for, and other pieces of it that have a name. Those of a millisecond or more are spans; all together
// are attributes of the request.
import { failureOf, requestCosts, tracePast } from './query-tracing.ts'

/** Waits for a promise, and records how long. */
export function traceWait<T>(name: string, wait: Promise<T>): Promise<T> {
  const from = performance.now()
  return wait.then(
    (result) => {
      waited(name, from)
      return result
    },
    (error: unknown) => {
      waited(name, from, failureOf(error))
      throw error
    },
  )
}

/** Records a wait since `from` (performance.now) that ends now; `failure`: it was in vain. */
export function waited(name: string, from: number, failure?: string): void {
  const costs = requestCosts()
  if (!costs) return
  const to = performance.now()
  costs.waitMs += to - from
  if (costs.queriesNow > 0) costs.queryWaitMs += to - from
  tracePast(name, { costs, from, to, failure })
}

/** Builds a query for the first time, in the span `query.prepare`. */
export function tracePrepare<T>(build: () => T): T {
  const from = performance.now()
  const result = build()
  const costs = requestCosts()
  if (costs) {
    const to = performance.now()
    const isInMiddleware = costs.isInMiddleware
    tracePast('query.prepare', { costs, from, to })
    if (isInMiddleware && !costs.isInMiddleware) costs.middlewareMs += to - from
  }
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

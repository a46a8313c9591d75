// How long one request waits for a libSQL server in all: each of its statements has a timeout, but it has several.
import { AsyncLocalStorage } from 'node:async_hooks'

/** The time that a request has left for its statements, which may run side by side. */
class Budget {
  isOver = false
  #leftMs: number
  #running = 0
  #since = 0

  constructor(ms: number) {
    this.#leftMs = ms
  }

  async spend<T>(work: (end: AbortSignal) => Promise<T>): Promise<T> {
    if (this.#running++ === 0) this.#since = performance.now()
    const end = new AbortController()
    const timer = setTimeout(() => end.abort(tooLong()), Math.max(0, this.#left()))
    try {
      return await Promise.race([work(end.signal), rejection(end.signal)])
    } finally {
      clearTimeout(timer)
      if (--this.#running === 0) this.#leftMs = this.#left()
    }
  }

  #left(): number {
    return this.#leftMs - (performance.now() - this.#since)
  }
}

const tooLong = () => new DOMException('The request has waited too long in all.', 'TimeoutError')

/** Rejects after the abort, so that who waits in a queue is refused by the queue: nothing of that was done. */
const rejection = (end: AbortSignal) =>
  new Promise<never>((_, reject) => {
    const late = () => setImmediate(() => reject(end.reason as Error))
    end.addEventListener('abort', late, { once: true })
  })

const budgets = new AsyncLocalStorage<Budget>()

/** Runs the work of one request, whose statements take at most `ms` in all. What goes on afterwards has no bound. */
export async function withinBudget<T>(ms: number, work: () => Promise<T>): Promise<T> {
  const budget = new Budget(ms)
  try {
    return await budgets.run(budget, work)
  } finally {
    budget.isOver = true
  }
}

/**
 * Runs a statement of the current request. Rejects with a TimeoutError when its time is over, and tells so by `end`; the
 * statement may be done all the same.
 */
export function budgeted<T>(work: (end?: AbortSignal) => Promise<T>): Promise<T> {
  const budget = budgets.getStore()
  return budget && !budget.isOver ? budget.spend(work) : work()
}

import { Refusal } from '../base/refusal.ts'
import { measured, queueDepths } from '../telemetry/metrics.ts'
import { traceWait } from '../telemetry/waiting.ts'

/** What a queue is called in refusals, and its bounds: jobs at a time, jobs waiting, milliseconds of waiting. */
type WorkQueueLimits = {
  name: string
  concurrency: number
  waiting: number
  waitMs: number
}

/** Requests that are being worked on, without those that wait in a work queue. MAX_IN_FLIGHT limits them. */
export const activeRequests = { count: 0 }

/** Runs jobs in order of arrival, within three bounds. */
export class WorkQueue {
  readonly #limits: WorkQueueLimits
  readonly #waiting: (() => void)[] = []
  #running = 0
  #drained: (() => void)[] = []

  constructor(limits: WorkQueueLimits) {
    this.#limits = limits
    queueDepths.set(limits.name, () => this.depth)
  }

  /** Jobs that wait now. */
  get depth(): number {
    return this.#waiting.length
  }

  /**
   * Runs the job when a place is free; it gets the moment (performance.now) when its own waiting must end. Rejects with
   * a 503 Refusal when too many wait already, or when the job waited too long or until `signal` was aborted.
   */
  async run<T>(job: (deadline: number) => T | Promise<T>, signal?: AbortSignal): Promise<T> {
    const asked = performance.now()
    const deadline = asked + this.#limits.waitMs
    if (this.#running < this.#limits.concurrency) this.#running += 1
    else await traceWait(`${this.#limits.name}_queue.wait`, this.#wait(signal))
    const waited = performance.now() - asked
    measured().workQueueWait.record(waited / 1000, { queue: this.#limits.name })
    try {
      return await job(deadline)
    } finally {
      this.#next()
    }
  }

  /** The answer to a job that this queue could not do in time. */
  refusal(): Refusal {
    return new Refusal(503, `Too many people want this at once. Try again in a moment.`, {
      code: `${this.#limits.name}_queue_full`,
      headers: { 'Retry-After': '2' },
    })
  }

  /** Resolves when nothing runs and nothing waits. */
  async drained(): Promise<void> {
    if (this.#running > 0) await new Promise<void>((done) => this.#drained.push(done))
  }

  #wait(signal: AbortSignal | undefined): Promise<void> {
    if (this.depth >= this.#limits.waiting || signal?.aborted) throw this.refusal()
    activeRequests.count -= 1
    measured().workQueueDepth.add(1, { queue: this.#limits.name })
    return new Promise<void>((resolve, reject) => {
      const settle = (how: () => void) => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', giveUp)
        activeRequests.count += 1
        measured().workQueueDepth.add(-1, { queue: this.#limits.name })
        how()
      }
      const start = () => settle(resolve)
      const giveUp = () => {
        this.#waiting.splice(this.#waiting.indexOf(start), 1)
        settle(() => reject(this.refusal()))
      }
      const timer = setTimeout(giveUp, this.#limits.waitMs)
      signal?.addEventListener('abort', giveUp)
      this.#waiting.push(start)
    })
  }

  #next(): void {
    const start = this.#waiting.shift()
    if (start) return start() // which takes over this place among the running
    this.#running -= 1
    if (this.#running === 0) for (const done of this.#drained.splice(0)) done()
  }
}

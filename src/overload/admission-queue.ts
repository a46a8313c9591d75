import { Refusal } from '../base/refusal.ts'
import { queueDepths } from '../telemetry/metrics.ts'

/**
 * How many requests start in each iteration of the event loop: enough to serve a crowd while most of it is refused, and
 * few enough to answer health checks within some 30 ms.
 */
const startsPerIteration = 32
/** Extra event-loop polls while new connections arrive. Bounded, so that we do not accept connections only to reject them. */
const extraPollsMax = 8
/** How many requests that find the queue full are answered at the end of the iteration; further ones are refused at once. */
const lateMax = 1000

/** Connections that were accepted since the start: the server counts them, the admission queue reads the number. */
export const acceptedConnections = { count: 0 }

/** How many requests may wait, and for how long (milliseconds). */
type AdmissionLimits = { waiting: number; waitMs: number }

type Waiting = {
  since: number
  isGone: (() => boolean) | undefined
  start: () => void
  refuse: () => void
}

/**
 * Lets a few requests start in each iteration of the event loop. Work here is synchronous: without this queue a crowd
 * would be served in one iteration, and nobody else would be answered meanwhile, not even a health check. A request
 * that comes alone does not wait.
 */
export class AdmissionQueue {
  readonly #limits: AdmissionLimits
  readonly #waiting: Waiting[] = []
  /** Requests that found the queue full in this iteration: at its end the last ones get the places that became free. */
  readonly #late: Waiting[] = []
  #isBusy = false
  #connectionsSeen = 0

  constructor(limits: AdmissionLimits) {
    this.#limits = limits
    queueDepths.set('request', () => this.depth)
  }

  /** Requests that wait now. */
  get depth(): number {
    return this.#waiting.length
  }

  /**
   * Returns undefined when the request may start at once. Else the promise resolves when it may start, and rejects with
   * a 503 Refusal when the queue is full, the wait was too long, or the client has hung up: `isGone` is asked then and now.
   */
  enter(isGone?: () => boolean): Promise<void> | undefined {
    if (!this.#isBusy) {
      this.#isBusy = true
      setImmediate(() => this.#poll(0))
      return undefined
    }
    if (this.#late.length >= lateMax) return Promise.reject(busy())
    return new Promise((start, reject) => {
      const list = this.depth < this.#limits.waiting ? this.#waiting : this.#late
      list.push({ since: performance.now(), isGone, start, refuse: () => reject(busy()) })
    })
  }

  /** libuv accepts one connection in each poll: in the long iterations of a crowd, newcomers would wait for seconds. */
  #poll(extraPolls: number): void {
    if (acceptedConnections.count === this.#connectionsSeen || extraPolls >= extraPollsMax)
      return this.#endIteration()
    this.#connectionsSeen = acceptedConnections.count
    setImmediate(() => this.#poll(extraPolls + 1))
  }

  #endIteration(): void {
    const { waiting, waitMs } = this.#limits
    const oldest = performance.now() - waitMs
    const refused: Waiting[] = []
    for (const one of this.#waiting.splice(0)) {
      const isOver = one.since < oldest || one.isGone?.()
      ;(isOver ? refused : this.#waiting).push(one)
    }
    const starting = this.#waiting.splice(0, startsPerIteration)
    // The last ones are newcomers: clients that come back at once after a refusal are the first of an iteration.
    const free = waiting - this.depth
    this.#waiting.push(...this.#late.splice(Math.max(0, this.#late.length - free)))
    // Not earlier: a client that comes back at once would be refused again in each extra poll.
    for (const { refuse } of [...refused, ...this.#late.splice(0)]) refuse()
    this.#isBusy = starting.length > 0 || this.depth > 0
    if (!this.#isBusy) return
    for (const { start } of starting) setImmediate(start)
    setImmediate(() => this.#poll(0))
  }
}

const busy = (): Refusal =>
  new Refusal(503, 'This server is busy. Try again in a moment.', {
    code: 'too_many_waiting',
    headers: { 'Retry-After': '1' },
  })

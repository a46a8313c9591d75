import { Refusal } from './refusal.ts'

/** More would keep the network waiting: a turn of eight takes some ten milliseconds. */
const perTurn = 8
/** Where refusing a crowd takes longer than that, as many begin as take the same time, up to here. */
const perTurnMax = 64

/** How many requests may wait, and for how long (milliseconds) by what the last ones took. */
export type TurnLimits = { waiting: number; waitMs: number }

/**
 * Lets a few requests begin in each turn of the event loop. Work here is synchronous, so without this a crowd is served
 * in one turn: nobody is answered meanwhile, not even those who could be refused or a health check. A request that
 * comes alone does not wait at all.
 */
export class Turns {
  readonly #limits: TurnLimits
  readonly #waiting: (() => void)[] = []
  #isTaken = false
  #requestMs = 0
  /** When this turn began and was done with the network (performance.now), and how many requests begin in it. */
  #began = 0
  #listened = 0
  #begun = 1

  constructor(limits: TurnLimits) {
    this.#limits = limits
  }

  /** Requests that wait for their turn now. */
  get depth(): number {
    return this.#waiting.length
  }

  /** Resolves when the caller may begin; nothing to wait for when nobody has begun in this turn. Throws a 503 Refusal. */
  next(): Promise<void> | undefined {
    if (!this.#isTaken) {
      this.#take()
      return undefined
    }
    if (this.depth >= this.#limits.waiting || this.depth * this.#requestMs > this.#limits.waitMs) {
      throw new Refusal(503, 'This server is busy. Try again in a moment.', {
        slug: 'too_many_waiting',
        headers: { 'Retry-After': '1' },
      })
    }
    return new Promise((begin) => this.#waiting.push(begin))
  }

  #take(): void {
    this.#isTaken = true
    this.#began = this.#listened = performance.now()
    setImmediate(() => this.#pass())
  }

  /** The end of a turn: some of those who wait begin, one after the other, after the next look at the network. */
  #pass(): void {
    const now = performance.now()
    const workMs = (now - this.#listened) / this.#begun
    const fair = Math.floor((this.#listened - this.#began) / workMs)
    // A moving average over some eight turns.
    this.#requestMs += ((now - this.#began) / this.#begun - this.#requestMs) / 8
    const most = Math.max(perTurn, Math.min(fair, perTurnMax))
    this.#begun = Math.max(1, Math.min(most, this.depth))
    this.#isTaken = this.depth > 0
    if (!this.#isTaken) return
    this.#began = now
    setImmediate(() => (this.#listened = performance.now()))
    for (let count = 0; count < this.#begun; count++) setImmediate(this.#waiting.shift()!)
    setImmediate(() => this.#pass())
  }
}

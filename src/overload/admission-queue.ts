import type { HttpBindings } from '@hono/node-server'

import { Refusal } from '../base/refusal.ts'

/** More would keep the network waiting: a turn of eight takes some ten milliseconds. */
const perTurn = 8
/** Where refusing a crowd takes longer than that, as many begin as take the same time, up to here. */
const perTurnMax = 64
/** So many more looks at the network while newcomers come: as many as begin, or they would come in to be refused. */
const looksMax = 8

/** Connections that were accepted since the start: the server counts, turns read. */
export const accepted = { connections: 0 }

type Response = HttpBindings['outgoing']
type Socket = Response['req']['socket']

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
  #most = perTurn
  #accepted = 0
  /** Whose requests were refused in this turn: they are not read again before it is over. */
  readonly #refused = new Set<Socket>()

  constructor(limits: TurnLimits) {
    this.#limits = limits
  }

  /** Requests that wait for their turn now. */
  get depth(): number {
    return this.#waiting.length
  }

  /**
   * Resolves when the caller may begin; nothing to wait for when nobody has begun in this turn. Throws a 503 Refusal,
   * which goes out on `response`.
   */
  next(response?: Response): Promise<void> | undefined {
    if (!this.#isTaken) {
      this.#take()
      return undefined
    }
    if (this.depth >= this.#limits.waiting || this.depth * this.#requestMs > this.#limits.waitMs) {
      response?.once('finish', () => this.#deafen(response.req.socket))
      throw new Refusal(503, 'This server is busy. Try again in a moment.', {
        code: 'too_many_waiting',
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
    this.#most = Math.max(perTurn, Math.min(fair, perTurnMax))
    this.#began = now
    this.#look()
  }

  /** Not before the answer is out: node:http reads on when it is done with a request. */
  #deafen(socket: Socket): void {
    if (this.#isTaken) this.#refused.add(socket.pause())
  }

  /**
   * libuv accepts one connection in each look at the network: in the long turns of a crowd newcomers would wait for
   * seconds. So there are more looks while they come, without those who were just refused and are back already.
   */
  #look(looks = 0): void {
    if (accepted.connections !== this.#accepted && looks < looksMax) {
      this.#accepted = accepted.connections
      setImmediate(() => this.#look(looks + 1))
      return
    }
    for (const socket of this.#refused) socket.resume()
    this.#refused.clear()
    this.#begun = Math.max(1, Math.min(this.#most, this.depth))
    this.#isTaken = this.depth > 0
    if (!this.#isTaken) return
    setImmediate(() => (this.#listened = performance.now()))
    for (let count = 0; count < this.#begun; count++) setImmediate(this.#waiting.shift()!)
    setImmediate(() => this.#pass())
  }
}

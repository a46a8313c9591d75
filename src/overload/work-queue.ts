import { Refusal } from '../base/refusal.ts'
import { measured } from '../telemetry/metrics.ts'

/** What a lane is called in refusals, and its bounds: jobs at a time, jobs waiting, milliseconds of waiting. */
export type LaneLimits = {
  name: string
  concurrency: number
  waiting: number
  waitMs: number
  /** Its jobs take about as long as each other: who would wait in vain is refused at once. */
  isSteady?: boolean
}

/** Requests that are being worked on, those that wait in a lane left out. The in-flight cap reads it. */
export const inFlight = { running: 0 }

/** From so many jobs on, one can say how long the next will take. */
const jobsKnown = 4

type Waiter = { start: () => void; refuse: () => void; until: number }

/**
 * A queue in order of arrival with three bounds. `run` starts the job when its turn comes, or rejects with a 503
 * Refusal when too many wait, or the wait is over or sure to be in vain.
 */
export class Lane {
  readonly #limits: LaneLimits
  readonly #waiters: Waiter[] = []
  #running = 0
  /** How long a job takes, rather too short than too long: one that is slow by chance must not refuse anybody. */
  #jobMs = 0
  #jobs = 0
  #idle: (() => void)[] = []

  constructor(limits: LaneLimits) {
    this.#limits = limits
  }

  /** Jobs that wait for their turn now. */
  get depth(): number {
    return this.#waiters.length
  }

  /** Runs the job in its turn; it gets the moment (performance.now) when its own waiting must end. */
  async run<T>(job: (deadline: number) => T | Promise<T>): Promise<T> {
    const asked = performance.now()
    const deadline = asked + this.#limits.waitMs
    if (this.#running < this.#limits.concurrency) this.#running += 1
    else await this.#turn()
    const began = performance.now()
    measured().laneWait.record((began - asked) / 1000, { lane: this.#limits.name })
    try {
      return await job(deadline)
    } finally {
      this.#learn(performance.now() - began)
      this.#next()
    }
  }

  #learn(ms: number): void {
    this.#jobs += 1
    const pace = this.#jobs === 1 ? 1 : ms < this.#jobMs ? 2 : 32
    this.#jobMs += (ms - this.#jobMs) / pace
  }

  /** Refuses for this lane: the caller's job could not be done in time. */
  refusal(): Refusal {
    return new Refusal(503, `Too many people want this at once. Try again in a moment.`, {
      code: `${this.#limits.name}_lane_full`,
      headers: { 'Retry-After': '2' },
    })
  }

  /** Resolves when nothing runs and nobody waits. */
  async drained(): Promise<void> {
    if (this.#running > 0 || this.depth > 0)
      await new Promise<void>((done) => this.#idle.push(done))
  }

  #turn(): Promise<void> {
    if (this.depth >= this.#limits.waiting) throw this.refusal()
    inFlight.running -= 1
    measured().laneDepth.add(1, { lane: this.#limits.name })
    return new Promise<void>((resolve, reject) => {
      const settle = (how: () => void) => {
        clearTimeout(timer)
        inFlight.running += 1
        measured().laneDepth.add(-1, { lane: this.#limits.name })
        how()
      }
      const waiter: Waiter = {
        start: () => settle(resolve),
        refuse: () => {
          this.#waiters.splice(this.#waiters.indexOf(waiter), 1)
          settle(() => reject(this.refusal()))
        },
        until: performance.now() + this.#limits.waitMs,
      }
      const timer = setTimeout(waiter.refuse, this.#limits.waitMs)
      this.#waiters.push(waiter)
      this.#refuseInTime()
    })
  }

  /** From the end of the line: those whose job would not be done before their waiting is over. */
  #refuseInTime(): void {
    if (!this.#limits.isSteady || this.#jobs < jobsKnown) return
    for (let last = this.#waiters.at(-1); last; last = this.#waiters.at(-1)) {
      const waitMs = ((this.depth + 1) * this.#jobMs) / this.#limits.concurrency
      if (performance.now() + waitMs <= last.until) return
      last.refuse()
    }
  }

  #next(): void {
    this.#refuseInTime()
    const waiter = this.#waiters.shift()
    if (waiter) return waiter.start() // which takes over this place among the running
    this.#running -= 1
    if (this.#running === 0) for (const done of this.#idle.splice(0)) done()
  }
}

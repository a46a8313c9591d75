// What the passing of time asks for: fresh trend scores and no dead sessions, also where the clock was wrong.
import type { Database } from './db.ts'
import { errorFacts, log } from './log.ts'
import { clockSkewMs, rebaseTrends } from './trend-score.ts'
import { deleteExpiredSessions, settleSessions } from './viewer.ts'

const lookMs = 5000
const hour = 3_600_000
const day = 24 * hour
const year = 365 * day

/** Two clocks in ms: of the wall (UTC; somebody may set it), and a steady one that nobody can set. */
export type Clocks = { wall: () => number; steady: () => number }
type Place = Pick<Database, 'db' | 'patient'>
const ownClocks: Clocks = { wall: () => Date.now(), steady: () => performance.now() }

/** Looks after one database: `start` once, then `look` every few seconds. Nothing that fails here stops the process. */
export class Upkeep {
  readonly #place: Place
  readonly #clocks: Clocks
  #offset: number
  /** On the steady clock: since when the wall clock has gone right, and when scores and sessions had their turn. */
  #steadySince: number
  #scored: number
  #settled: number

  constructor(place: Place, clocks = ownClocks) {
    this.#place = place
    this.#clocks = clocks
    this.#offset = clocks.wall() - clocks.steady()
    this.#steadySince = this.#scored = this.#settled = clocks.steady()
  }

  /** At a start nobody knows yet whether the clock is right: only sessions that are dead for a year go. */
  async start(): Promise<void> {
    await this.#score(false)
    await attempt(() => deleteExpiredSessions(this.#place.db, this.#clocks.wall() - year))
  }

  /** Notices a jump of the clock; scores once an hour, and once a day what cannot be undone. */
  async look(): Promise<void> {
    const [wall, steady] = [this.#clocks.wall(), this.#clocks.steady()]
    const jumped = wall - steady - this.#offset
    this.#offset = wall - steady
    if (Math.abs(jumped) > clockSkewMs) {
      const seconds = Math.round(jumped / 1000)
      // A machine that has slept jumps ahead, too.
      if (jumped < 0) log.warn('clock jumped', { seconds })
      else log.info('clock jumped', { seconds })
      this.#steadySince = steady
      await this.#score(true)
    } else if (steady - this.#scored >= hour) await this.#score(false)
    if (steady - Math.max(this.#steadySince, this.#settled) < day) return
    this.#settled = steady
    await attempt(async () => {
      await settleSessions(this.#place.db, wall)
      await deleteExpiredSessions(this.#place.db, wall)
    })
  }

  async #score(clockMoved: boolean): Promise<void> {
    this.#scored = this.#clocks.steady()
    await attempt(async () => {
      const { db, patient } = this.#place
      const reason = await rebaseTrends(db, this.#clocks.wall(), { clockMoved, patient })
      if (reason === 'clock' && !clockMoved)
        log.warn('trend scores recounted', {
          hint: 'They did not fit the times of their likes: the clock of this machine is wrong, or was.',
        })
    })
  }
}

/** Does what is due now, and goes on doing so for as long as the process lives. */
export async function startUpkeep(place: Place): Promise<void> {
  const upkeep = new Upkeep(place)
  await upkeep.start()
  setInterval(() => void upkeep.look(), lookMs).unref()
}

async function attempt(work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    log.error('maintenance failed', errorFacts(error))
  }
}

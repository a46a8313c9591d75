import { errorFacts, log } from '../telemetry/log.ts'
// Periodic work: fresh trend scores and no expired sessions, also after the clock was wrong.
import type { Database, Db } from './db.ts'
import { buildSearch } from './search-build.ts'
import { clockSkewMs, rebaseTrends } from './trend-score.ts'

const everyMs = 5000
const hour = 3_600_000
const day = 24 * hour
const year = 365 * day

/** Two clocks in ms: of the wall (UTC; somebody may set it), and a steady one that nobody can set. */
export type Clocks = { wall: () => number; steady: () => number }
const ownClocks: Clocks = { wall: () => Date.now(), steady: () => performance.now() }

/** What is done with the sessions; `now` in ms UTC. */
export type SessionJobs = {
  /** Deletes those that have expired. */
  deleteExpired: (db: Db, now: number) => Promise<void>
  /** Lets those from the future begin now. */
  settle: (db: Db, now: number) => Promise<void>
}
type Parts = {
  database: Pick<Database, 'db' | 'patient' | 'whole'>
  sessions: SessionJobs
  clocks?: Clocks
}

/** Maintains one database: `start` once, then `run` every few seconds. Nothing that fails here stops the process. */
export class Maintenance {
  readonly #database: Parts['database']
  readonly #sessions: SessionJobs
  readonly #clocks: Clocks
  #offset: number
  #building = false
  /** On the steady clock: since when the wall clock has been right, and when scores and sessions were last maintained. */
  #steadySince: number
  #scored: number
  #settled: number

  constructor({ database, sessions, clocks = ownClocks }: Parts) {
    this.#database = database
    this.#sessions = sessions
    this.#clocks = clocks
    this.#offset = clocks.wall() - clocks.steady()
    this.#steadySince = this.#scored = this.#settled = clocks.steady()
  }

  /** At a start nobody knows yet whether the clock is right: only sessions that expired a year ago are deleted. */
  async start(): Promise<void> {
    await this.#score(false)
    await attempt(() => this.#sessions.deleteExpired(this.#database.db, this.#clocks.wall() - year))
  }

  /** Makes the search indexes that are not whole. A request waits for one slice of it at most. */
  async buildSearch(): Promise<void> {
    if (this.#building) return
    this.#building = true
    await attempt(() => buildSearch(this.#database))
    this.#building = false
  }

  /** Notices a jump of the clock; scores once an hour, and once a day what cannot be undone. */
  async run(): Promise<void> {
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
      await this.#sessions.settle(this.#database.db, wall)
      await this.#sessions.deleteExpired(this.#database.db, wall)
    })
  }

  async #score(clockMoved: boolean): Promise<void> {
    this.#scored = this.#clocks.steady()
    await attempt(async () => {
      const { db, patient } = this.#database
      const reason = await rebaseTrends(db, this.#clocks.wall(), { clockMoved, patient })
      if (reason === 'clock' && !clockMoved)
        log.warn('trend scores recounted', {
          hint: 'They did not fit the times of their likes: the clock of this machine is wrong, or was.',
        })
    })
  }
}

/** Does what is due now, and goes on doing so for as long as the process lives. */
export async function runMaintenance(parts: Parts): Promise<void> {
  const maintenance = new Maintenance(parts)
  await maintenance.start()
  void maintenance.buildSearch()
  setInterval(() => {
    void maintenance.run()
    void maintenance.buildSearch() // again, where it has failed
  }, everyMs).unref()
}

async function attempt(work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    log.error('maintenance failed', errorFacts(error))
  }
}

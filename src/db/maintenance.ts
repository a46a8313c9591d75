// Periodic work: keeps trend scores correct and deletes expired sessions, also after the clock was wrong.
import { errorFacts, log } from '../telemetry/log.ts'
import type { Database, Db } from './db.ts'
import { removeDeleted } from './deletions.ts'
import { buildSearch } from './search-build.ts'
import { buildTags } from './tag-build.ts'
import { clockSkewMs, rebaseTrends } from './trend-score.ts'

const everyMs = 5000
const hour = 3_600_000
const day = 24 * hour
const year = 365 * day

/** Two clocks in ms: the wall clock (UTC, which can be set), and a monotonic clock, which cannot. */
export type Clocks = { wall: () => number; steady: () => number }
const ownClocks: Clocks = { wall: () => Date.now(), steady: () => performance.now() }

/** Maintenance of sessions. `now` is ms UTC. */
export type SessionJobs = {
  /** Deletes the sessions that have expired. */
  deleteExpired: (db: Db, now: number) => Promise<void>
  /** Sets times in the future to `now`. */
  clampToNow: (db: Db, now: number) => Promise<void>
}
type Parts = {
  database: Pick<Database, 'db' | 'patient' | 'whole'>
  sessions: SessionJobs
  /** What else is deleted once a day; `now` is ms UTC. */
  daily?: readonly ((db: Db, now: number) => Promise<void>)[]
  clocks?: Clocks
}

/** Maintains one database: call `start` once, then `run` every 5 s. Failures are logged and not thrown. */
export class Maintenance {
  readonly #database: Parts['database']
  readonly #sessions: SessionJobs
  readonly #daily: NonNullable<Parts['daily']>
  readonly #clocks: Clocks
  /** Wall clock minus steady clock, at the last run. */
  #offset: number
  #building = false
  #removing = false
  /** On the steady clock: the last jump of the wall clock, and the last maintenance of scores and of sessions. */
  #jumpedAt: number
  #scoresAt: number
  #sessionsAt: number

  constructor({ database, sessions, daily = [], clocks = ownClocks }: Parts) {
    this.#database = database
    this.#sessions = sessions
    this.#daily = daily
    this.#clocks = clocks
    this.#offset = clocks.wall() - clocks.steady()
    this.#jumpedAt = this.#scoresAt = this.#sessionsAt = clocks.steady()
  }

  /** Deletes only sessions that expired a year ago, because at a start the clock may be wrong. */
  async start(): Promise<void> {
    await this.#score(false)
    await attempt(() => this.#sessions.deleteExpired(this.#database.db, this.#clocks.wall() - year))
  }

  /** Builds the search indexes and lists of tags that are not whole. A request waits for one slice of it at most. */
  async buildSearch(): Promise<void> {
    if (this.#building) return
    this.#building = true
    await attempt(() => buildTags(this.#database))
    await attempt(() => buildSearch(this.#database))
    this.#building = false
  }

  /** Removes the accounts and tweets that are hidden. A request waits for one slice of it at most. */
  async removeDeleted(): Promise<void> {
    if (this.#removing) return
    this.#removing = true
    await attempt(() => removeDeleted(this.#database))
    this.#removing = false
  }

  /**
   * Detects a jump of the wall clock. Checks scores after a jump and every hour. Changes and deletes sessions, which
   * cannot be undone, once a day, and only if the clock has not jumped for a day.
   */
  async run(): Promise<void> {
    const [wall, steady] = [this.#clocks.wall(), this.#clocks.steady()]
    const jumped = wall - steady - this.#offset
    this.#offset = wall - steady
    if (Math.abs(jumped) > clockSkewMs) {
      const seconds = Math.round(jumped / 1000)
      // A jump ahead is not a warning: it also happens when the machine was suspended.
      if (jumped < 0) log.warn('clock jumped', { seconds })
      else log.info('clock jumped', { seconds })
      this.#jumpedAt = steady
      await this.#score(true)
    } else if (steady - this.#scoresAt >= hour) await this.#score(false)
    if (steady - Math.max(this.#jumpedAt, this.#sessionsAt) < day) return
    this.#sessionsAt = steady
    await attempt(async () => {
      await this.#sessions.clampToNow(this.#database.db, wall)
      await this.#sessions.deleteExpired(this.#database.db, wall)
    })
    for (const job of this.#daily) await attempt(() => job(this.#database.db, wall))
  }

  async #score(clockMoved: boolean): Promise<void> {
    this.#scoresAt = this.#clocks.steady()
    await attempt(async () => {
      const { db, patient } = this.#database
      const reason = await rebaseTrends(db, this.#clocks.wall(), { clockMoved, patient })
      if (reason === 'clock' && !clockMoved)
        log.warn('trend scores recounted', {
          hint: 'They did not match the times of their likes: the clock of this machine is or was wrong.',
        })
    })
  }
}

/** Starts maintenance, which then runs every 5 s until the process ends. */
export async function runMaintenance(parts: Parts): Promise<void> {
  const maintenance = new Maintenance(parts)
  await maintenance.start()
  void maintenance.buildSearch()
  void maintenance.removeDeleted()
  setInterval(() => {
    void maintenance.run()
    void maintenance.buildSearch() // again, where it has failed
    void maintenance.removeDeleted()
  }, everyMs).unref()
}

async function attempt(work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    log.error('maintenance failed', errorFacts(error))
  }
}

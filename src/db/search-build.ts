// Makes the search indexes of a database that already had rows when they came: beside the running app, in slices, from the
// newest row to the oldest. Each slice is one batch with the row that says how far it is, so a killed process loses nothing,
// and several processes on one libSQL server share the work.
import { setTimeout as pause } from 'node:timers/promises'

import { sql, type SQL } from 'drizzle-orm'

import { shutdownSignal } from '../base/shutdown.ts'
import { log } from '../telemetry/log.ts'
import type { Database, Db } from './db.ts'
import type { WholeIndexes } from './migrate.ts'

type Name = keyof WholeIndexes

/** People first: nothing else finds them meanwhile, and they are few. */
const sources: [Name, table: string, columns: string][] = [
  ['people_search', 'users', 'name, handle'],
  ['tweets_search', 'tweets', 'msg'],
]

/** A slice aims at this time, and is never longer than `rowsMax` rows or `pagesMax` pages: 15 ms or 10 of one core. */
const sliceMs = 15
const rows = { min: 250, first: 500, max: 2500 }
const pages = { min: 16, first: 50, max: 64 }

type Parts = Pick<Database, 'patient' | 'whole'>

/** Goes on until every index is whole, or the process is to end. `rest` is how long it waits, in lengths of a slice. */
export async function buildSearch({ patient, whole }: Parts, rest = 1): Promise<void> {
  for (const [name, table, columns] of sources) {
    if (whole[name]) continue
    const started = performance.now()
    const work = new Build(patient, { name, table, columns, rest })
    if (!(await work.run())) return
    whole[name] = true
    const seconds = Math.round((performance.now() - started) / 100) / 10
    log.info('search index built', { index: name, rows: work.rows, seconds })
  }
}

type Job = { name: Name; table: string; columns: string; rest: number }

class Build {
  rows = 0
  readonly #db: Db
  readonly #job: Job
  readonly #from: SQL
  #rowsAtOnce = rows.first
  #pagesAtOnce = pages.first

  constructor(db: Db, job: Job) {
    this.#db = db
    this.#job = job
    this.#from = sql`select indexed_from from search_builds where name = ${job.name}`
  }

  /** True when the index is whole; false when the process is to end first. */
  async run(): Promise<boolean> {
    // FTS5 merges its parts within whatever write comes along, up to 400 ms at once: here that is done in slices, too.
    await this.#db.batch([this.#set('automerge', 0), this.#set('crisismerge', 1000)])
    for (let turn = 0; !shutdownSignal.aborted; turn++) {
      const from = await this.#indexedFrom()
      if (from === 0) return true
      if (from > 1 && turn % 2 === 0) await this.#slice(() => this.#addRows())
      else if (!(await this.#slice(() => this.#merge())) && from === 1) await this.#finish()
    }
    return false
  }

  /** Runs a slice, then lets others have their turn. */
  async #slice<T>(work: () => Promise<T>): Promise<T> {
    const started = performance.now()
    const result = await work()
    await pause((performance.now() - started) * this.#job.rest)
    return result
  }

  async #indexedFrom(): Promise<number> {
    const found = await this.#db.values<[number]>(this.#from)
    return found[0]?.[0] ?? 0
  }

  // `raw`: names and numbers of ours, here and below.
  async #addRows(): Promise<void> {
    const { name, table, columns } = this.#job
    const atOnce = this.#rowsAtOnce
    const started = performance.now()
    // Raw: the names of tables and columns of ours, which cannot be bound.
    const [added] = await this.#db.batch([
      this.#db.run(sql`insert into ${sql.raw(name)} (rowid, ${sql.raw(columns)})
        select id, ${sql.raw(columns)} from ${sql.raw(table)}
        where id < (${this.#from}) and id >= (${this.#from}) - ${atOnce} and (${this.#from}) > 1 order by id`),
      this.#db.run(sql`update search_builds set indexed_from = max(1, indexed_from - ${atOnce})
        where name = ${name} and indexed_from > 1`),
    ])
    this.rows += added.rowsAffected
    this.#rowsAtOnce = fitting(atOnce, performance.now() - started, rows)
  }

  /** Merges some pages of the index; false when there is nothing left to merge. */
  async #merge(): Promise<boolean> {
    const started = performance.now()
    const changes = () => this.#db.values<[number]>(sql`select total_changes()`)
    const [before, , after] = await this.#db.batch([
      changes(),
      this.#set('merge', this.#pagesAtOnce),
      changes(),
    ])
    this.#pagesAtOnce = fitting(this.#pagesAtOnce, performance.now() - started, pages)
    return Number(after[0]?.[0]) - Number(before[0]?.[0]) >= 2 // FTS5's own sign: less than two is nothing
  }

  async #finish(): Promise<void> {
    await this.#db.batch([
      this.#set('automerge', 4),
      this.#set('crisismerge', 16),
      this.#db.run(sql`update search_builds set indexed_from = 0
        where name = ${this.#job.name} and indexed_from = 1`),
    ])
  }

  #set(option: string, value: number) {
    // Raw: the name of a table of ours, which cannot be bound.
    const name = sql.raw(this.#job.name)
    // A bound number is a real one in a file, and FTS5 takes integers alone.
    const integer = sql.raw(String(value))
    return this.#db.run(sql`insert into ${name} (${name}, rank) values (${option}, ${integer})`)
  }
}

/** The size of the next slice: one that took too long is halved, one that had time to spare grows. */
export function fitting(
  size: number,
  ms: number,
  { min, max }: { min: number; max: number },
  aim = sliceMs,
): number {
  if (ms > aim * 1.3) return Math.max(min, Math.floor(size / 2))
  return ms < aim * 0.7 ? Math.min(max, Math.ceil(size * 1.25)) : size
}

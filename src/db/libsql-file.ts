// Our own `Client` for local files. The stock one (@libsql/client 0.18) loses acknowledged writes after one
// SQLITE_BUSY, freezes the event loop when two write transactions overlap, and prepares every statement anew;
// docs/decisions/0001 has the measurements. `test/durability.test.ts` holds the promise: acknowledged = on disk.
import type { Client, InArgs, InStatement, ResultSet, Transaction } from '@libsql/core/api'
import Database from 'libsql'

import { Lru } from '../base/lru.ts'
import { WorkQueue } from '../overload/work-queue.ts'
import { waited } from '../telemetry/waiting.ts'
import {
  changesSchema,
  isBusy,
  prepareOn,
  runPrepared,
  toSql,
  writes,
  type Prepared,
  type Sql,
} from './libsql-statement.ts'

type FileClientOptions = {
  /** `normal` survives any crash of the process, `full` also a power cut (an fsync for each commit). */
  synchronous: 'normal' | 'full'
  /** How long a write waits in the queue and for the write lock, in milliseconds, and how many may wait. */
  writeWaitMs: number
  writeQueue: number
}

export type Commits = { afterwards: (() => Promise<unknown>) | undefined }

const statementsKept = 256
const readRetryMs = 250
const pause = (ms: number) => new Promise((done) => setTimeout(done, ms))

/**
 * The `@libsql/client` interface on one connection to one file. Reads run at once; every write is one synchronous
 * block from BEGIN IMMEDIATE to COMMIT, so that no read ever sees half of it. Rows are plain arrays.
 */
export class FileClient implements Client {
  readonly protocol = 'file'
  closed = false
  readonly queue: WorkQueue
  /** What each write waits for after its COMMIT, with its place in the queue: for the fault lab alone. */
  readonly commits: Commits = { afterwards: undefined }
  readonly #path: string
  readonly #pragmas: string
  #connection: Database.Database | undefined
  readonly #statements = new Lru<Prepared>(statementsKept)

  /** Opens the file and creates it when it is missing; throws what SQLite says when it cannot. */
  constructor(path: string, options: FileClientOptions) {
    this.#path = path
    this.#pragmas = `
      PRAGMA journal_mode=WAL; PRAGMA synchronous=${options.synchronous}; PRAGMA busy_timeout=0;
      PRAGMA cache_size=-20000; PRAGMA journal_size_limit=67108864; PRAGMA trusted_schema=OFF;
      PRAGMA foreign_keys=ON;`
    this.queue = new WorkQueue({
      name: 'write',
      concurrency: 1,
      waiting: options.writeQueue,
      waitMs: options.writeWaitMs,
    })
    this.#open()
  }

  // Not `async`, nor is `#read`: a read has its result at once, and an `async` function that returns a promise makes three.
  execute(statement: InStatement, args?: InArgs): Promise<ResultSet> {
    const sql = toSql(statement, args)
    return writes(sql.sql)
      ? this.#write([sql]).then(([result]) => result!)
      : this.#read(() => this.#run(sql))
  }

  async batch(statements: (InStatement | [string, InArgs?])[]): Promise<ResultSet[]> {
    const all = statements.map((one) =>
      Array.isArray(one) ? toSql(one[0], one[1]) : toSql(one, undefined),
    )
    if (all.some(({ sql }) => writes(sql))) return this.#write(all)
    return this.#read(() => all.map((one) => this.#run(one)))
  }

  /** Like `batch`, with foreign keys off meanwhile, because a migration may rebuild a table. */
  async migrate(statements: InStatement[]): Promise<ResultSet[]> {
    const all = statements.map((one) => toSql(one, undefined))
    return this.queue.run(async (deadline) => {
      this.#open().exec('PRAGMA foreign_keys=OFF') // no write of anybody else's comes before the ON
      try {
        return await this.#transact(deadline, () => this.#runAll(all))
      } finally {
        this.#open().exec('PRAGMA foreign_keys=ON')
      }
    })
  }

  /** Refused: on one connection, reads between the awaits would see rows that are rolled back later. */
  transaction(): Promise<Transaction> {
    return Promise.reject(new Error('No interactive transactions here: write one batch instead.'))
  }

  /** Runs a script as one transaction, in the queue of the writes. */
  executeMultiple(sql: string): Promise<void> {
    return this.queue.run((deadline) =>
      this.#transact(deadline, () => {
        this.#statements.clear()
        this.#open().exec(sql)
      }),
    )
  }

  sync(): Promise<undefined> {
    return Promise.resolve(undefined)
  }

  reconnect(): void {
    this.#discard()
    this.#open()
  }

  /** Writes the WAL back into the file. Throws while another process reads. */
  checkpoint(): void {
    this.#open().exec('PRAGMA wal_checkpoint(TRUNCATE)')
  }

  /** Closes; with `checkpoint` the WAL is written back first, so that the next start finds a clean file. */
  close(checkpoint = true): void {
    if (this.closed) return
    try {
      if (checkpoint) this.checkpoint()
    } catch {
      // Another process reads: the WAL stays, and SQLite takes it up at the next start.
    }
    this.closed = true
    this.#discard()
  }

  /** `from`: when it met a lock for the first time (performance.now). */
  #read<T>(read: () => T, from?: number): Promise<T> {
    try {
      const result = read()
      if (from !== undefined) waited('read_lock.wait', from)
      return Promise.resolve(result)
    } catch (error) {
      if (!isBusy(error)) return Promise.reject(error)
      return this.#readLater(read, from ?? performance.now())
    }
  }

  async #readLater<T>(read: () => T, from: number): Promise<T> {
    this.#discard() // the failed statement would keep its old snapshot for ever
    if (performance.now() > from + readRetryMs) {
      const refusal = this.queue.refusal()
      waited('read_lock.wait', from, refusal.code)
      throw refusal
    }
    await pause(10)
    return this.#read(read, from)
  }

  #write(statements: Sql[]): Promise<ResultSet[]> {
    return this.queue.run((deadline) => this.#transact(deadline, () => this.#runAll(statements)))
  }

  /** Waits for the write lock without stopping anybody else, then goes from BEGIN to COMMIT without a pause. */
  async #transact<T>(deadline: number, job: () => T): Promise<T> {
    if (!this.#begin()) await this.#lock(deadline)
    const result = this.#commit(job)
    if (this.commits.afterwards) await this.commits.afterwards()
    return result
  }

  async #lock(deadline: number): Promise<void> {
    const from = performance.now()
    do {
      if (performance.now() > deadline) {
        const refusal = this.queue.refusal()
        waited('write_lock.wait', from, refusal.code)
        throw refusal
      }
      await pause(1 + Math.random() * 15)
    } while (!this.#begin())
    waited('write_lock.wait', from)
  }

  #begin(): boolean {
    try {
      this.#open().exec('BEGIN IMMEDIATE') // `exec`: the one path where a BUSY does not poison the connection
      return true
    } catch (error) {
      if (isBusy(error)) return false
      throw error
    }
  }

  #commit<T>(job: () => T): T {
    const connection = this.#open()
    try {
      const result = job()
      connection.exec('COMMIT')
      return result
    } catch (error) {
      try {
        if (connection.inTransaction) connection.exec('ROLLBACK')
      } catch {
        this.#discard()
      }
      if (isBusy(error)) this.#discard()
      throw error
    }
  }

  #runAll(statements: Sql[]): ResultSet[] {
    try {
      return statements.map((one) => this.#run(one))
    } finally {
      if (statements.some(({ sql }) => changesSchema(sql))) this.#statements.clear()
    }
  }

  #run({ sql, args }: Sql): ResultSet {
    return runPrepared(() => this.#statements.get(sql, () => prepareOn(this.#open(), sql)), args)
  }

  #open(): Database.Database {
    if (this.#connection) return this.#connection
    // Its lock is another process's now: who still asks must not open the file behind its back.
    if (this.closed) throw new Error('The database is closed.')
    const connection = new Database(this.#path, { timeout: 0 })
    try {
      connection.exec(this.#pragmas)
    } catch (error) {
      connection.close()
      throw error
    }
    return (this.#connection = connection)
  }

  #discard(): void {
    this.#statements.clear()
    const connection = this.#connection
    this.#connection = undefined
    try {
      if (connection?.inTransaction) connection.exec('ROLLBACK')
      connection?.close()
    } catch {
      // It is thrown away either way.
    }
  }
}

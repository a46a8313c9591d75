// A read replica of the libSQL server: which reads it answers, and when it is left for the primary (docs/decisions/0056).
import { AsyncLocalStorage } from 'node:async_hooks'

import type { Client, InStatement, TransactionMode } from '@libsql/core/api'

import { errorFacts, log, type Facts } from '../telemetry/log.ts'
import type { DatabasePlace } from '../telemetry/query-tracing.ts'
import { writes } from './libsql-statement.ts'
import { budgeted } from './request-budget.ts'

/** A replica that may lack what was written so long ago is left. As long, who wrote reads from the primary. */
export const behindMs = 10_000
/** One that was left is used again when it lacks no more than this. */
const caughtUpMs = 3000
/** So often this process looks how old the replica is, and the row is written that tells it. */
const lookEveryMs = 1000
const beatEveryMs = 500

/** A read that takes longer is asked of the primary. Shorter than REQUEST_WAIT_MS, or waiting requests would be refused. */
export const replicaReadMs = 300
/** A replica that takes longer to say how old it is, is silent. */
export const lookMs = 1000

/** A request, and whether it may be answered with what was true up to ten seconds ago. */
export type ReplicaRequest = { mayBeOld: boolean; hasWritten: boolean }

const requests = new AsyncLocalStorage<ReplicaRequest>()

/** Runs a request. What it leaves running in the background reads from the primary. */
export async function asReplicaRequest<T>(
  request: ReplicaRequest,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await requests.run(request, work)
  } finally {
    request.mayBeOld = false
  }
}

/** Tables that say who may do or see what: an old answer would let somebody in. */
const decides = /\b(?:sessions|hidden|invitations|attempts)\b/

// The clock of the server alone counts: those of the processes may differ.
const now = "cast(unixepoch('subsec') * 1000 as integer)"
const shown = 'SELECT at FROM heartbeats WHERE id = 1'
const onPrimary = `SELECT ${now}, (${shown})`
/** Once in half a second, however many processes do it; also after the server's clock was set back. */
const beat = `INSERT INTO heartbeats (id, at) VALUES (1, ${now}) ON CONFLICT (id) DO UPDATE SET at = excluded.at
  WHERE excluded.at >= at + ${beatEveryMs} OR excluded.at < at`

/** `reads` and `looks` are clients of the replica; `primary` is the one of looks, `writing` that of all writes. */
type Clients = { reads: Client; looks: Client; primary: Client; writing: Client }

export class Replica {
  /** What spans say of it. */
  readonly place: DatabasePlace
  readonly #clients: Clients
  /** Everything that was written before this moment (performance.now) is in the replica. */
  #provenAt = -Infinity
  /** It has been so since it was left. */
  #hasCaughtUp = false
  /** A read has failed, and nobody has looked since; so it is at the start. */
  #isSuspect = true
  /** As the log knows it; at the start it knows nothing. */
  #wasUsed: boolean | undefined
  readonly #startedAt = performance.now()
  #isBeating = false
  #isClosed = false
  #wake: () => void = () => undefined

  constructor(place: DatabasePlace, clients: Clients) {
    this.place = place
    this.#clients = clients
    void this.#watch()
  }

  /** A client whose reads stay within the budget of their request. */
  get client(): Client {
    const { reads } = this.#clients
    const execute = (statement: InStatement) => budgeted(() => reads.execute(statement))
    const batch = (statements: InStatement[], mode?: TransactionMode) =>
      budgeted(() => reads.batch(statements, mode))
    return Object.assign(Object.create(reads) as Client, { execute, batch })
  }

  /** May reads be asked of it now? */
  get isUsed(): boolean {
    return !this.#isSuspect && this.#hasCaughtUp && this.lagMs < behindMs
  }

  /** Milliseconds: it has everything that was written longer ago. Infinity while that is not known. */
  get lagMs(): number {
    return performance.now() - this.#provenAt
  }

  /** A client that asks `replica` what a request may get from it, and `primary` everything else, also what fails there. */
  between(primary: Client, replica: Client): Client {
    const ask = async <T>(texts: string[], run: (client: Client) => Promise<T>): Promise<T> => {
      const request = requests.getStore()
      if (request && texts.some(writes)) request.hasWritten = true
      else if (request?.mayBeOld && this.isUsed && !texts.some((text) => decides.test(text)))
        try {
          return await run(replica)
        } catch {
          this.#suspect()
        }
      return run(primary)
    }
    const textOf = (one: InStatement) => (typeof one === 'string' ? one : one.sql)
    const execute = (statement: InStatement) =>
      ask([textOf(statement)], (client) => client.execute(statement))
    const batch = (statements: InStatement[], mode?: TransactionMode) =>
      ask(statements.map(textOf), (client) => client.batch(statements, mode))
    return Object.assign(Object.create(primary) as Client, { execute, batch })
  }

  close(): void {
    this.#isClosed = true
    this.#wake()
    for (const client of [this.#clients.reads, this.#clients.looks, this.#clients.primary])
      client.close()
  }

  /** The other reads need not find out for themselves: they go to the primary until somebody has looked. */
  #suspect(): void {
    this.#isSuspect = true
    this.#wake()
  }

  async #watch(): Promise<void> {
    while (!this.#isClosed) {
      await this.#look()
      await new Promise<void>((done) => {
        const timer = setTimeout(done, lookEveryMs).unref()
        this.#wake = () => {
          clearTimeout(timer)
          done()
        }
      })
    }
  }

  async #look(): Promise<void> {
    const from = performance.now()
    const { looks, primary } = this.#clients
    let shownAt: number | undefined
    try {
      shownAt = numberOf((await looks.execute(shown)).rows[0]?.[0])
      this.#isSuspect = false
    } catch (error) {
      this.#isSuspect = true
      this.#note(errorFacts(error))
    }
    try {
      const row = (await primary.execute(onPrimary)).rows[0]
      const [time, beatAt] = [Number(row?.[0]), numberOf(row?.[1])]
      if (beatAt === undefined || Math.abs(time - beatAt) >= beatEveryMs) void this.#beat()
      if (shownAt !== undefined) this.#prove(from, time - shownAt)
    } catch {
      // Without the primary nothing is proven: after a while the replica is not used.
    }
    this.#note()
  }

  /** `lag` milliseconds before `from`, or later, the replica had everything. Negative: the server's clock was set back. */
  #prove(from: number, lag: number): void {
    if (lag < 0) return
    this.#provenAt = from - lag
    this.#hasCaughtUp ||= lag < caughtUpMs
  }

  async #beat(): Promise<void> {
    if (this.#isBeating) return
    this.#isBeating = true
    // If it fails, the replica seems older than it is, until the next one.
    await this.#clients.writing.execute(beat).catch(() => undefined)
    this.#isBeating = false
  }

  /** Says so when the replica is left or used again. */
  #note(why: Facts = {}): void {
    const isStarting =
      this.#wasUsed === undefined && performance.now() < this.#startedAt + caughtUpMs
    if (this.isUsed === this.#wasUsed || this.#isClosed || (isStarting && !this.isUsed)) return
    this.#wasUsed = this.isUsed
    const { address, port } = this.place.server!
    const facts = { 'server.address': address, 'server.port': port }
    if (this.#wasUsed) return log.info('replica used', facts)
    this.#hasCaughtUp = false
    log.warn('replica left', { ...facts, reason: this.#isSuspect ? 'silent' : 'behind', ...why })
  }
}

const numberOf = (value: unknown) => (typeof value === 'number' ? value : undefined)

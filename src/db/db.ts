import { hash } from 'node:crypto'

import type { Client, InStatement, ResultSet } from '@libsql/core/api'
import { sql } from 'drizzle-orm'

import { behindQuery } from '../base/query-error.ts'
import type { Settings } from '../config/env.ts'
import { StartError } from '../config/start-error.ts'
import {
  describeStatement,
  traceQuery,
  type DatabasePlace,
  type QueryFacts,
} from '../telemetry/query-tracing.ts'
import { tracePrepare } from '../telemetry/waiting.ts'
import { openFile, type Opened } from './database-file.ts'
import { drizzleOn, type Db } from './drizzle.ts'
import { writes } from './libsql-statement.ts'
import type { WholeIndexes } from './migrate.ts'
import { gathering } from './together.ts'

export type { Db }

/** An open database. */
export type Database = {
  db: Db
  /** The same database with a longer timeout, for work that may take minutes and that no request waits for. */
  patient: Db
  /** The same database through a client that `wrap` changes: what it runs has spans as any query has. */
  through: (wrap: (client: Client) => Client) => Db
  /** The read replica of DATABASE_REPLICA_URL. */
  replica?: Opened['replica']
  /** Is this the first start? No user has ever been stored. */
  isNew: boolean
  /** Which search indexes have all rows: maintenance makes those that do not. */
  whole: WholeIndexes
  /** The commits of a file, which the fault lab slows down; undefined for a server. */
  commits?: Opened['commits']
  /** Bytes in the write-ahead log; undefined for a server. */
  walBytes: () => number | undefined
  /** Bytes that are free on the disk of the file; undefined for a server. */
  freeBytes: () => number | undefined
  /** Rejects when the database cannot be written now; for a server, when it does not answer. */
  probe: () => Promise<void>
  /** Waits for the current writes, then closes. */
  close: () => Promise<void>
}

/**
 * Opens, checks and migrates the database that DATABASE_URL names. Throws a StartError that says what to do, or the
 * reason of `stop` when it is aborted meanwhile.
 */
export async function openDb(settings: Settings, stop?: AbortSignal): Promise<Database> {
  stop?.throwIfAborted()
  const url = settings.DATABASE_URL
  const isFile = url.startsWith('file:')
  if (isFile && settings.DATABASE_REPLICA_URL !== undefined)
    throw new StartError(
      'DATABASE_REPLICA_URL is for a libSQL server, but DATABASE_URL is a file: unset DATABASE_REPLICA_URL.',
    )
  const opened = isFile
    ? await openFile(settings, stop)
    : await (await import('./database-server.ts')).openServer(settings)
  const { client, patient = client, place, replica } = opened
  const primary = traceClient(client, place)
  const traced = replica
    ? replica.between(primary, traceClient(replica.client, replica.place))
    : primary
  const isRemote = place.server !== undefined
  return {
    ...opened,
    db: gatheringOn(traced, isRemote),
    patient: drizzleOn(traceClient(patient, place)),
    through: (wrap) => gatheringOn(wrap(traced), isRemote),
  }
}

function gatheringOn(one: Client, isRemote: boolean): Db {
  const { client, note } = gathering(one, isRemote)
  const db = drizzleOn(client)
  note(db)
  return db
}

/**
 * A query that is built once for each database and then only bound, because drizzle takes 50 to 200 us to build one.
 * Call it with the database, then `.all({…})` or `.get({…})` with values for the placeholders.
 */
export function prepared<T>(build: (db: Db) => T): (db: Db) => T {
  const built = new WeakMap<Db, T>()
  return (db) => {
    const known = built.get(db)
    if (known !== undefined) return known
    const made = tracePrepare(() => build(db))
    built.set(db, made)
    return made
  }
}

/** Values for the placeholders of a prepared query. */
export type Bound = Record<string, number | string>

/** SQLite's query plan for a statement, one entry for each step. `text` must be one of our own queries. */
export async function explain(db: Db, text: string): Promise<PlanStep[]> {
  // `raw` is safe: the text comes from a span that this process has recorded, never from a user.
  const rows = await db.values<[number, number, number, string]>(
    sql.raw(`EXPLAIN QUERY PLAN ${text}`),
  )
  const depths = new Map<number, number>()
  // Read by index, because the rows of a libSQL server are not arrays.
  return rows.map((row) => {
    const depth = (depths.get(row[1]) ?? -1) + 1
    depths.set(row[0], depth)
    return { step: row[3], depth }
  })
}

/** One step of a query plan, and the number of steps above it. */
type PlanStep = { step: string; depth: number }

/**
 * Does this error (or one of its causes) mean that this constraint was violated? Compares messages, because the error
 * codes of a file and of a server differ.
 */
export function isConstraint(
  error: unknown,
  which: 'FOREIGN KEY' | 'BLOCKED' | `UNIQUE: ${string}`,
): boolean {
  const [kind, columns] = which.split(': ')
  for (let one = behindQuery(error); one instanceof Error; one = one.cause) {
    if (one.message.includes(`${kind} constraint failed${columns ? `: ${columns}` : ''}`))
      return true
  }
  return false
}

function traceClient(client: Client, place: DatabasePlace): Client {
  const described = descriptionsOf(place)
  const execute = (statement: InStatement) => {
    const facts = described(typeof statement === 'string' ? statement : statement.sql)
    return traceQuery(facts, () => client.execute(statement), rowsOf)
  }
  const batch = (statements: InStatement[]) => {
    const texts = statements.map((one) => (typeof one === 'string' ? one : one.sql))
    return traceQuery(
      described(texts.join(';\n'), texts),
      () => client.batch(statements, texts.some(writes) ? 'write' : 'read'),
      (results) => results.reduce((sum, result) => sum + rowsOf(result), 0),
    )
  }
  return Object.assign(Object.create(client) as Client, { execute, batch })
}

const rowsOf = (result: ResultSet) => result.rows.length

const descriptionsKept = 500

/** What spans and metrics say of a statement, or of a batch of `texts`. Cached by SQL text. */
function descriptionsOf(place: DatabasePlace) {
  const kept = new Map<string, QueryFacts>()
  return (text: string, texts?: string[]): QueryFacts => {
    const known = kept.get(text)
    if (known !== undefined) return known
    const summary = texts
      ? `BATCH ${[...new Set(texts.map(summarise))].join('; ')}`.slice(0, 255)
      : summarise(text)
    const batchSize = texts?.length ?? 1
    const facts = describeStatement({ summary, text, hash: hashOf(text), place, batchSize })
    if (kept.size >= descriptionsKept) kept.clear()
    kept.set(text, facts)
    return facts
  }
}

/** Distinguishes statements with the same summary. Lists of values are bound as JSON, so a text does not grow with them. */
const hashOf = (text: string): string => hash('sha256', text).slice(0, 8)

/** Summarises SQL as `SELECT tweets users`: the verb, then the tables in order of appearance. */
function summarise(text: string): string {
  const verb = /^\s*(\w+)/.exec(text)?.[1]?.toUpperCase() ?? 'QUERY'
  const tables = [...text.matchAll(/\b(?:from|join|into|update)\s+["`]?(\w+)/gi)].map(
    ([, table]) => table,
  )
  return [verb, ...new Set(tables.filter((table) => table !== 'set' && table !== 'json_each'))]
    .join(' ')
    .slice(0, 255)
}

import type { Client, InStatement, ResultSet } from '@libsql/core/api'
import { sql } from 'drizzle-orm'
import type { LibSQLDatabase } from 'drizzle-orm/libsql/driver-core'

import { behindQuery } from '../base/query-error.ts'
import type { Settings } from '../config/env.ts'
import { traceQuery, type DatabasePlace } from '../telemetry/query-tracing.ts'
import { openFile } from './database-file.ts'
import { drizzleOn } from './drizzle.ts'
import type { WholeIndexes } from './migrate.ts'

/** drizzle over our client. Await every query: without it nothing runs. No `transaction`: one batch instead. */
export type Db = Omit<LibSQLDatabase<Record<string, unknown>>, 'transaction'>

export type Database = {
  db: Db
  /** The same for work that may take minutes, which no request waits for. */
  patient: Db
  /** A first start: no user has ever been in it. */
  isNew: boolean
  /** Which search indexes have all rows: maintenance makes those that do not. */
  whole: WholeIndexes
  /** Bytes in the write-ahead log; 0 for a server. */
  walBytes: () => number
  /** Can it be written now? Rejects when it cannot. */
  probe: () => Promise<void>
  /** Finishes the writes under way, then closes. */
  close: () => Promise<void>
}

/**
 * Opens the database that DATABASE_URL names, checked and migrated; throws a StartError that names the cure, or the
 * reason of `stop` when that is aborted meanwhile.
 */
export async function openDb(settings: Settings, stop?: AbortSignal): Promise<Database> {
  stop?.throwIfAborted()
  const url = settings.DATABASE_URL
  const opened = url.startsWith('file:')
    ? await openFile(settings, stop)
    : await (await import('./database-server.ts')).openServer(settings)
  const { client, patient = client, place } = opened
  return { ...opened, db: drizzleOver(client, place), patient: drizzleOver(patient, place) }
}

/** drizzle over a client, with a span around every query. `place` is the database in those spans. */
const drizzleOver = (client: Client, place: DatabasePlace): Db =>
  drizzleOn(traceClient(client, place))

/**
 * A query that is built once for each database and then only bound: drizzle needs 50 to 200 us to build one.
 * Call it with the database, then `.all({…})` or `.get({…})` with its placeholders.
 */
export function prepared<T>(build: (db: Db) => T): (db: Db) => T {
  const built = new WeakMap<Db, T>()
  return (db) => {
    const known = built.get(db) ?? build(db)
    built.set(db, known)
    return known
  }
}

/** What is bound to the placeholders of a prepared query. */
export type Bound = Record<string, number | string>

/** How SQLite would carry out a statement, a line for each step. For texts of our own queries only. */
export async function explain(db: Db, text: string): Promise<PlanStep[]> {
  // The text comes from a span that this process has recorded, never from a person.
  const rows = await db.values<[number, number, number, string]>(
    sql.raw(`EXPLAIN QUERY PLAN ${text}`),
  )
  const depths = new Map<number, number>()
  // By index: a libSQL server's rows are no arrays.
  return rows.map((row) => {
    const depth = (depths.get(row[1]) ?? -1) + 1
    depths.set(row[0], depth)
    return { step: row[3], depth }
  })
}

/** One step of a query plan, and how many others it belongs to. */
type PlanStep = { step: string; depth: number }

/** Does this error (or its cause) say that a constraint was broken? Matched by message: the codes differ by mode. */
export function isConstraint(error: unknown, which: 'FOREIGN KEY' | `UNIQUE: ${string}`): boolean {
  const [kind, columns] = which.split(': ')
  for (let one = behindQuery(error); one instanceof Error; one = one.cause) {
    if (one.message.includes(`${kind} constraint failed${columns ? `: ${columns}` : ''}`))
      return true
  }
  return false
}

function traceClient(client: Client, place: DatabasePlace): Client {
  const execute = (statement: InStatement) => {
    const text = typeof statement === 'string' ? statement : statement.sql
    const facts = { summary: summarise(text), text, place, batchSize: 1 }
    return traceQuery(facts, () => client.execute(statement), rowsOf)
  }
  const batch = (statements: InStatement[]) => {
    const texts = statements.map((one) => (typeof one === 'string' ? one : one.sql))
    const summary = [...new Set(texts.map(summarise))].join('; ')
    const facts = {
      summary: `BATCH ${summary}`.slice(0, 255),
      text: texts.join(';\n'),
      place,
      batchSize: texts.length,
    }
    return traceQuery(
      facts,
      () => client.batch(statements, 'write'),
      (results) => results.reduce((sum, result) => sum + rowsOf(result), 0),
    )
  }
  return Object.assign(Object.create(client) as Client, { execute, batch })
}

const rowsOf = (result: ResultSet) => result.rows.length

const summaries = new Map<string, string>()
const summariesKept = 500

/** `SELECT tweets users`: the verb and the tables in order of appearance, kept for each SQL text. */
function summarise(text: string): string {
  const known = summaries.get(text)
  if (known !== undefined) return known
  const verb = /^\s*(\w+)/.exec(text)?.[1]?.toUpperCase() ?? 'QUERY'
  const tables = [...text.matchAll(/\b(?:from|join|into|update)\s+["`]?(\w+)/gi)].map(
    ([, table]) => table,
  )
  const summary = [verb, ...new Set(tables.filter((table) => table !== 'set'))]
    .join(' ')
    .slice(0, 255)
  if (summaries.size >= summariesKept) summaries.clear()
  summaries.set(text, summary)
  return summary
}

// The checks of integrity ask questions; who runs them decides who answers: a file at once, a server over the network.
import type Database from 'libsql'

type Query = { sql: string; args: (string | number)[] }

/** At most this many problems of one kind are listed. */
export const rowsMax = 20

/** A check, as a generator: it yields queries and goes on with their rows. */
export type Check<T> = Generator<Query, T, unknown[][]>

/** Inside of a check: `yield* rowsOf(sql)` gives the rows, as arrays. */
export function* rowsOf(sql: string, args: Query['args'] = []): Check<unknown[][]> {
  return yield { sql, args }
}

/** A column that triggers keep, and the SQL of what it should be. */
export type Counter = [table: string, column: string, truth: string]

/** The SQL of a number of rows. */
export const countOf = (rows: string): string => `SELECT count(*) FROM ${rows}`

/** Does the database have this table or index? A backup may be from before. */
export function* hasTable(name: string): Check<boolean> {
  return (yield* rowsOf('SELECT 1 FROM sqlite_schema WHERE name = ?', [name])).length > 0
}

/** Runs a check on a file. */
export function onFile<T>(db: Database.Database, check: Check<T>): T {
  let step = check.next()
  while (!step.done) {
    const { sql, args } = step.value
    step = check.next(db.prepare(sql).raw().all(args) as unknown[][])
  }
  return step.value
}

/** Runs a check on what `ask` asks, one query after the other. */
export async function onServer<T>(
  ask: (query: Query) => Promise<unknown[][]>,
  check: Check<T>,
): Promise<T> {
  let step = check.next()
  while (!step.done) step = check.next(await ask(step.value))
  return step.value
}

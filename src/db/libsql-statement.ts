// One SQL statement on one libSQL connection: prepares it, binds values, runs it and converts the result.
import type { InArgs, InStatement, InValue, ResultSet, Row } from '@libsql/core/api'
import { LibsqlError } from '@libsql/core/api'
import type Database from 'libsql'

export type Sql = { sql: string; args: InValue[] }
export type Prepared = { statement: Database.Statement; columns: string[]; returns: boolean }

/**
 * Does this error mean that another connection holds the lock? Any extended code of SQLITE_BUSY counts. The error of a
 * file has a number, that of a server only a name.
 */
export const isBusy = (error: unknown): boolean =>
  error instanceof Error &&
  (('rawCode' in error && (Number(error.rawCode) & 0xff) === 5) ||
    ('code' in error && String(error.code).startsWith('SQLITE_BUSY')))

/** Does this SQL write? A `WITH` counts as a write when it contains a writing verb. A wrong yes costs only a BEGIN. */
export const writes = (sql: string): boolean =>
  !/^\s*(select|values|explain|pragma)\b/i.test(sql) &&
  (!/^\s*with\b/i.test(sql) || /\b(insert|update|delete|replace)\b/i.test(sql))

/** Does this SQL change the schema? Statements that were prepared before return the former columns. */
export const changesSchema = (sql: string): boolean => /^\s*(create|alter|drop)\b/i.test(sql)

/** Runs a prepared statement; throws a LibsqlError with SQLite's own code. */
export function runPrepared(prepare: () => Prepared, args: InValue[]): ResultSet {
  try {
    const { statement, columns, returns } = prepare()
    const rows = returns ? (statement.all(args) as Row[]) : []
    return resultSet(columns, rows, returns ? undefined : statement.run(args))
  } catch (error) {
    throw asLibsqlError(error)
  }
}

/** Prepares a statement that returns its rows as arrays. */
export function prepareOn(connection: Database.Database, sql: string): Prepared {
  const statement = connection.prepare(sql)
  const returns = statement.reader
  if (!returns) return { statement, columns: [], returns }
  return {
    statement: statement.raw(),
    columns: statement.columns().map(({ name }) => name),
    returns,
  }
}

/** Converts a statement and its arguments to one form. Throws a TypeError when the arguments are named. */
export function toSql(statement: InStatement, args: InArgs | undefined): Sql {
  if (typeof statement === 'string') return { sql: statement, args: toArgs(args) }
  return { sql: statement.sql, args: toArgs(statement.args) }
}

function toArgs(args: InArgs | undefined): InValue[] {
  if (args === undefined) return []
  if (!Array.isArray(args)) throw new TypeError('Bind by position, not by name.')
  return args.map((value) => (typeof value === 'boolean' ? Number(value) : value))
}

function resultSet(
  columns: string[],
  rows: Row[],
  done: Database.RunResult | undefined,
): ResultSet {
  return {
    columns,
    columnTypes: [],
    rows,
    rowsAffected: done?.changes ?? rows.length,
    lastInsertRowid: done && BigInt(done.lastInsertRowid),
    toJSON() {
      return { columns, rows, rowsAffected: this.rowsAffected }
    },
  }
}

function asLibsqlError(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error
  const extended = String(error.code)
  const code = extended.split('_').slice(0, 2).join('_')
  const raw = 'rawCode' in error ? Number(error.rawCode) : undefined
  return new LibsqlError(error.message, code, extended, raw, error)
}

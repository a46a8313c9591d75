import type { Client } from '@libsql/core/api'
import { LibSQLDatabase } from 'drizzle-orm/libsql/driver-core'
import { LibSQLSession } from 'drizzle-orm/libsql/session'
import { SQLiteAsyncDialect } from 'drizzle-orm/sqlite-core/dialect'

/** drizzle on our client. A query runs only when it is awaited. Use one batch instead of a transaction. */
export type Db = Omit<LibSQLDatabase<Record<string, unknown>>, 'transaction'>

/**
 * drizzle on any libSQL client. drizzle's own `drizzle()` also loads the HTTP and WebSocket client, which takes 10 % of
 * the time and the memory of a start.
 */
export function drizzleOn(client: Client): LibSQLDatabase<Record<string, unknown>> {
  const dialect = new SQLiteAsyncDialect()
  const session = new LibSQLSession(client, dialect, undefined, {}, undefined)
  return new LibSQLDatabase('async', dialect, session, undefined)
}

import { existsSync, renameSync, statSync } from 'node:fs'

import { isFull, noSpace } from '../config/start-error.ts'
import { log } from '../telemetry/log.ts'
import { flush, inDatabase, removeDatabase } from './files.ts'
import type { FileClient } from './libsql-file.ts'
import { nextMigration } from './migrate.ts'

/**
 * Copies a database file before a migration changes it, as `<file>.before-<migration>` beside it. The copy of an earlier
 * attempt stays. Throws a StartError when there is no space for it.
 *
 * By SQLite, not by `fs`: to close a file drops all locks that this process has on it (POSIX), also those of SQLite's open
 * connections. Other programs would then delete the write-ahead log under them (https://sqlite.org/howtocorrupt.html, 2.2).
 */
export async function copyBeforeMigration(client: FileClient, path: string): Promise<void> {
  const migration = await nextMigration(client)
  if (migration === undefined) return
  const copy = `${path}.before-${migration}`
  if (existsSync(copy)) return
  const part = `${copy}.part`
  // Of an attempt that was killed; an earlier version left a write-ahead log, which would be played back into this copy.
  for (const file of [part, copy]) removeDatabase(file)
  try {
    inDatabase(path, (db) => db.prepare('VACUUM INTO ?').run([part]))
    flush(part)
    renameSync(part, copy) // only a complete copy gets the name
  } catch (error) {
    removeDatabase(part)
    if (error instanceof Error && isFull(error, path)) throw noSpace(path, statSync(path).size)
    throw error
  }
  log.info('database copied before a migration', { 'file.path': copy })
}

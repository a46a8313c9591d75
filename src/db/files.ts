// What is done with whole database files.
import { closeSync, fsyncSync, openSync, readFileSync, rmSync } from 'node:fs'

import Database from 'libsql'

import { migrationsFolder } from '../paths.ts'
import { readJournal } from './migrate.ts'

/** Opens a database file, calls `job` with it and closes it. SQLite waits up to ten seconds for its locks. */
export function inDatabase<T>(path: string, job: (db: Database.Database) => T): T {
  const db = new Database(path, { timeout: 10_000 })
  try {
    return job(db)
  } finally {
    db.close()
  }
}

/** Calls `job` with an empty database in memory that has the migrations up to the one of the time `last`. */
export const inModel = <T>(job: (model: Database.Database) => T, last = Infinity): T =>
  inDatabase(':memory:', (model) => {
    for (const { when, tag } of readJournal())
      if (when <= last) model.exec(readFileSync(`${migrationsFolder}/${tag}.sql`, 'utf8'))
    return job(model)
  })

/** Writes to the disk what the system has kept of a file so far (fsync). */
export function flush(path: string): void {
  const file = openSync(path, 'r+')
  fsyncSync(file)
  closeSync(file)
}

/** Deletes a database file and what SQLite keeps beside it. A journal that stays would be played back into a new one. */
export function removeDatabase(path: string): void {
  for (const end of ['', '-wal', '-shm', '-journal']) rmSync(path + end, { force: true })
}

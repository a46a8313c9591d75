import { closeSync, openSync, readSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

import Database from 'libsql'

import { isBusy } from './libsql-statement.ts'
import { isFull, noSpace, StartError } from './start-error.ts'

export type FileLock = { release: () => void }

/**
 * Keeps every other process of ours away from a database file: an exclusive SQLite lock on `<file>.lock.db` for as
 * long as this process lives (the kernel drops it even after kill -9). Waits up to `waitMs`, then throws a
 * StartError that says who is in the way, or the reason of `stop` when that is aborted meanwhile. More than one
 * process on one file is not offered (docs/decisions/0004).
 */
export async function lockFile(
  path: string,
  waitMs: number,
  stop?: AbortSignal,
): Promise<FileLock> {
  const lockPath = `${path}.lock.db`
  for (const giveUp = performance.now() + waitMs; ; await turn(stop)) {
    const connection = take(path, lockPath)
    if (connection) return { release: () => connection.close() }
    if (performance.now() > giveUp) {
      throw new StartError(
        `Another Tracewren process (pid ${holder(lockPath)}) uses ${path}. ` +
          'Stop it first, or give this one another DATABASE_URL.',
      )
    }
  }
}

async function turn(stop?: AbortSignal): Promise<void> {
  await pause(100, undefined, stop && { signal: stop }).catch(() => undefined)
  stop?.throwIfAborted()
}

/** A connection that holds the lock; undefined while another process does. */
function take(path: string, lockPath: string): Database.Database | undefined {
  let connection: Database.Database | undefined
  try {
    connection = new Database(lockPath, { timeout: 0 })
    // In this locking mode the lock outlives the commit; the commit leaves our pid where others can read it.
    connection.exec(`PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE;
      PRAGMA user_version=${process.pid}; COMMIT;`)
    return connection
  } catch (error) {
    connection?.close()
    if (isBusy(error)) return undefined
    if (error instanceof Error && isFull(error, lockPath)) throw noSpace(path)
    throw new StartError(
      `The lock file ${lockPath} cannot be written (${error instanceof Error ? error.message : String(error)}). ` +
        'Check its owner and the space on its disk, or delete it while nothing runs.',
    )
  }
}

/** The pid in the header of the lock file (user_version: bytes 60 to 63). Only to be read while another holds it. */
function holder(lockPath: string): number {
  const header = Buffer.alloc(4)
  const file = openSync(lockPath, 'r')
  readSync(file, header, 0, 4, 60)
  closeSync(file)
  return header.readUInt32BE(0)
}

import { closeSync, openSync, readSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

import Database from 'libsql'

import { isFull, noSpace, StartError } from '../config/start-error.ts'
import { isBusy } from './libsql-statement.ts'

/** A held lock. */
type FileLock = { release: () => void }

/**
 * Takes an exclusive SQLite lock on `<path>.lock.db`, so that no other Tracewren process uses the database file. The
 * kernel releases the lock when the process ends, even after kill -9. Waits up to `waitMs`, then throws a StartError
 * that names the other process. Throws the reason of `stop` when it is aborted meanwhile. Why only one process may
 * use a file: docs/decisions/0004.
 */
export async function lockFile(
  path: string,
  waitMs: number,
  stop?: AbortSignal,
): Promise<FileLock> {
  const lockPath = `${path}.lock.db`
  for (const giveUp = performance.now() + waitMs; ; await pauseBriefly(stop)) {
    const connection = tryLock(path, lockPath)
    if (connection) return { release: () => connection.close() }
    if (performance.now() > giveUp) {
      throw new StartError(
        `Another Tracewren process (${holderOf(lockPath)}) uses ${path}: ` +
          'stop it first, give this one another DATABASE_URL, or name a libSQL server there, which several processes can share.',
      )
    }
  }
}

async function pauseBriefly(stop?: AbortSignal): Promise<void> {
  await pause(100, undefined, stop && { signal: stop }).catch(() => undefined)
  stop?.throwIfAborted()
}

/** A connection that holds the lock; undefined while another process holds it. */
function tryLock(path: string, lockPath: string): Database.Database | undefined {
  let connection: Database.Database | undefined
  try {
    connection = new Database(lockPath, { timeout: 0 })
    // In this locking mode the commit does not release the lock. The commit writes our pid, so that others can read it.
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

/** Who holds the lock. In containers each app has pid 1, so our own pid means another container. */
function holderOf(lockPath: string): string {
  const pid = pidOfHolder(lockPath)
  return pid === process.pid ? 'in another container' : `pid ${pid}`
}

/** The pid in the header of the lock file (user_version: bytes 60 to 63). Valid only while another process holds it. */
function pidOfHolder(lockPath: string): number {
  const header = Buffer.alloc(4)
  const file = openSync(lockPath, 'r')
  readSync(file, header, 0, 4, 60)
  closeSync(file)
  return header.readUInt32BE(0)
}

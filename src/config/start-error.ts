import { statfsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

import { Refusal } from '../base/refusal.ts'

/** A reason not to start, in one line for the person at the terminal: what is wrong and what to do. */
export class StartError extends Error {}

/** Turns an error of SQLite into a StartError when we know what to do about it. Else returns the error itself. */
export function asStartError(error: unknown, path: string): unknown {
  for (let one = error; one instanceof Error; one = one.cause) {
    if (one instanceof StartError) return one
    // A Refusal here is a write that timed out in the write queue. At start this process writes nothing else, so
    // another program must hold the lock.
    const known = one instanceof Refusal ? locked(path) : fromSqlite(one, path)
    if (known) return known
  }
  return error
}

/** The error for damage that only a backup can cure. */
export const damaged = (path: string, detail: string) =>
  new StartError(`${path} is damaged (${detail}). Restore a backup: docs/backup.md.`)

/** The error for damage to indexes and triggers. They can be rebuilt from the tables without losing data. */
export const repairable = (path: string, detail: string) =>
  new StartError(`${path} has to be repaired (${detail}). No data is lost. Run npm run db:repair.`)

/** What a start writes to the disk: lock file, shared memory, first pages of the write-ahead log. An estimate. */
const startBytes = 1024 * 1024
/** The same for the first start, which also writes the demo world: to the write-ahead log and then to the file. */
const firstStartBytes = 4 * 1024 * 1024

/** The error for a full disk, with the free and the needed bytes. `needed` defaults to what a start needs. */
export function noSpace(path: string, needed = neededFor(path)): StartError {
  const free = freeBytes(path)
  return new StartError(
    free === undefined
      ? `There is no space left for ${path}. Free some and start again.`
      : `There is no space left for ${path}: ${free} bytes are free, about ${Math.max(needed, free + startBytes)} bytes are ` +
          'needed. Free some and start again.',
  )
}

function neededFor(path: string): number {
  const size = statSync(bare(path), { throwIfNoEntry: false })?.size ?? 0
  return size === 0 ? firstStartBytes : startBytes
}

/** The bytes that this user can still write to the disk of `path`; undefined when that cannot be read. */
export function freeBytes(path: string): number | undefined {
  try {
    const { bsize, bavail, bfree } = statfsSync(dirname(bare(path)))
    return bsize * (process.getuid?.() === 0 ? bfree : bavail)
  } catch {
    return undefined
  }
}

const bare = (path: string): string => path.replace(/^file:(\/\/)?/, '')

/** With less free space than this, SQLite's "disk I/O error" and "cannot open" mean that the disk is full. */
const fullBytes = 64 * 1024

/** Did this fail because the disk of `path` is full? */
export function isFull(error: Error, path: string): boolean {
  const text = textOf(error)
  if (/SQLITE_FULL|database or disk is full|ENOSPC|EDQUOT/.test(text)) return true
  return (
    /SQLITE_(IOERR|CANTOPEN)|disk I\/O error|Unable to open/i.test(text) &&
    (freeBytes(path) ?? Infinity) < fullBytes
  )
}

const textOf = (error: Error): string =>
  `${error.message} ${'code' in error ? String(error.code) : ''}`

const locked = (path: string) =>
  new StartError(`Another program holds the write lock of ${path}. Close it and start again.`)

function fromSqlite(error: Error, path: string): StartError | undefined {
  const text = textOf(error)
  if (/SQLITE_(CORRUPT|NOTADB)|malformed|not a database/.test(text)) {
    return damaged(path, error.message)
  }
  if (isFull(error, path)) return noSpace(path)
  if (/SQLITE_(READONLY|CANTOPEN|PERM|IOERR)|readonly database|Unable to open/.test(text)) {
    return new StartError(
      `${path} cannot be written (${error.message}). Check the file, its folder and the disk.`,
    )
  }
  if (/SQLITE_BUSY|database is locked/.test(text)) return locked(path)
  if (/SERVER_ERROR|TimeoutError|due to timeout/.test(`${error.name} ${text}`)) {
    return new StartError(
      `${path} has stopped answering. Is it up, and is DATABASE_TIMEOUT_MS long enough?`,
    )
  }
  return undefined
}

/** The StartError for a failure to listen; an error of another kind as it is. */
export function asListenError(
  error: NodeJS.ErrnoException,
  { HOST, PORT }: { HOST: string; PORT: number },
): Error {
  const where = `${HOST}:${PORT}`
  if (error.code === 'EADDRINUSE')
    return new StartError(
      `${where} is in use by another program. Stop it, or set PORT to another number.`,
    )
  if (['EACCES', 'EADDRNOTAVAIL', 'ENOTFOUND'].includes(error.code ?? ''))
    return new StartError(
      `Cannot listen on ${where} (${error.code}). Set HOST and PORT to an address of this machine.`,
    )
  return error
}

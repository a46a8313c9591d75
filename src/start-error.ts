import { statfsSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

import { Refusal } from './refusal.ts'

/** A reason not to start, as one line for the person at the terminal: what is wrong and what cures it. */
export class StartError extends Error {}

/** What SQLite says about a database, as a StartError when it has a cure that we know; else the error itself. */
export function asStartError(error: unknown, path: string): unknown {
  for (let one = error; one instanceof Error; one = one.cause) {
    if (one instanceof StartError) return one
    // A write that has waited in vain: at start no other write of this process can be in its way.
    const known = one instanceof Refusal ? locked(path) : fromSqlite(one, path)
    if (known) return known
  }
  return error
}

/** The damage that only a backup cures. */
export const damaged = (path: string, detail: string) =>
  new StartError(`${path} is damaged (${detail}). Restore a backup: docs/backup.md.`)

/** The damage that costs nothing: what is made of the tables can be made anew. */
export const repairable = (path: string, detail: string) =>
  new StartError(`${path} has to be repaired (${detail}). No data is lost: npm run db:repair.`)

/** What a start writes besides what people write: lock, shared memory, first pages of the write-ahead log. */
const startBytes = 1024 * 1024
/** The same for the first start: the demo world, in the log and then in the file. */
const firstStartBytes = 4 * 1024 * 1024

/** A full disk: which, how much is free, how much is needed (by default for a start on this database). */
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

/** What this user may still write on the disk of a path; undefined where that cannot be told. */
function freeBytes(path: string): number | undefined {
  try {
    const { bsize, bavail, bfree } = statfsSync(dirname(bare(path)))
    return bsize * (process.getuid?.() === 0 ? bfree : bavail)
  } catch {
    return undefined
  }
}

const bare = (path: string): string => path.replace(/^file:(\/\/)?/, '')

/** Less than this, and SQLite's "disk I/O error" or "cannot open" is one more word for a full disk. */
const nothingBytes = 64 * 1024

/** Did this fail because the disk of `path` is full? */
export function isFull(error: Error, path: string): boolean {
  const text = textOf(error)
  if (/SQLITE_FULL|database or disk is full|ENOSPC|EDQUOT/.test(text)) return true
  return (
    /SQLITE_(IOERR|CANTOPEN)|disk I\/O error|Unable to open/i.test(text) &&
    (freeBytes(path) ?? Infinity) < nothingBytes
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
  if (/fetch failed|TimeoutError|due to timeout/.test(`${error.name} ${text}`)) {
    return new StartError(
      `${path} has stopped answering. Is it up, and is DATABASE_TIMEOUT_MS long enough?`,
    )
  }
  return undefined
}

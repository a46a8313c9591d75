import { Refusal } from './refusal.ts'

/** A reason not to start, as one line for the person at the terminal: what is wrong and what cures it. */
export class StartError extends Error {}

/** What SQLite says about a database, as a StartError when it has a cure that we know; else the error itself. */
export function asStartError(error: unknown, path: string): unknown {
  for (let one = error; one instanceof Error; one = one.cause) {
    if (one instanceof StartError) return one
    // A write that has waited for its turn in vain: at start there is nobody else of ours.
    const known = one instanceof Refusal ? locked(path) : fromSqlite(one, path)
    if (known) return known
  }
  return error
}

/** The damage that only a backup cures. */
export const damaged = (path: string, detail: string) =>
  new StartError(`${path} is damaged (${detail}). Restore a backup: docs/backup.md.`)

const locked = (path: string) =>
  new StartError(`Another program holds the write lock of ${path}. Close it and start again.`)

function fromSqlite(error: Error, path: string): StartError | undefined {
  const text = `${error.message} ${'code' in error ? String(error.code) : ''}`
  if (/SQLITE_(CORRUPT|NOTADB)|malformed|not a database/.test(text)) {
    return damaged(path, error.message)
  }
  if (/SQLITE_FULL|database or disk is full/.test(text)) {
    return new StartError(`There is no space left for ${path}. Free some and start again.`)
  }
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

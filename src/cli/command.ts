import { accessSync, constants, lstatSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

import type Database from 'libsql'

import { settleOutput, stderr, stdout } from '../base/output.ts'
import { processSettings, type Settings } from '../config/env.ts'
import { asStartError, isFull, noSpace, StartError } from '../config/start-error.ts'
import { filePath, inspect, isUnused } from '../db/database-file.ts'
import { flush, inDatabase, removeDatabase } from '../db/files.ts'
import { findProblems } from '../db/integrity.ts'

/** A command line tool: its help text, and a function that takes the arguments and returns the exit code. */
type Command = {
  help: string
  run: (args: string[], settings: Settings) => number | Promise<number>
  /** Reports settings that cannot be read, in place of the one line of all commands; returns the exit code. */
  refused?: (args: string[], error: StartError) => number
}

/** Runs a command with the arguments of this process. Handles `--help`; prints a StartError as a line, exit code 1. */
export async function main(command: Command): Promise<void> {
  try {
    await runCommand(command)
  } finally {
    await finishOutput()
  }
}

async function runCommand({ help, run, refused }: Command): Promise<void> {
  const args = process.argv.slice(2)
  if (args.includes('--help') || args.includes('-h')) {
    say(help)
    return
  }
  try {
    const settings = readable(processSettings)
    if (settings instanceof StartError && refused) process.exitCode = refused(args, settings)
    else if (settings instanceof StartError) throw settings
    else process.exitCode = await run(args, settings)
  } catch (error) {
    const known = asStartError(error, 'the database')
    if (!(known instanceof StartError)) throw error
    complain(known.message)
    process.exitCode = 1
  }
}

function readable(read: () => Settings): Settings | StartError {
  try {
    return read()
  } catch (error) {
    if (error instanceof StartError) return error
    throw error
  }
}

/** Prints a line to standard output. */
export const say = (line: string): void => stdout.write(`${line}\n`)
/** Prints a line to standard error. */
export const complain = (line: string): void => stderr.write(`${line}\n`)

/** `12,345`. */
export const grouped = (count: number): string => count.toLocaleString('en')

/** Aborted with a StartError of this sentence when somebody stops the command. */
export function stopSignal(sentence: string): AbortSignal {
  const stop = new AbortController()
  const interrupt = () => stop.abort(new StartError(sentence))
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
  return stop.signal
}

/** Waits until all output has been written. A closed pipe is not a failure: `| head` reads only the first lines. */
async function finishOutput(): Promise<void> {
  await settleOutput(Infinity)
  if (stdout.dropped === 0 || stdout.trouble === 'EPIPE') return
  complain(`Standard output cannot be written (${stdout.trouble}).`)
  process.exitCode ||= 1
}

/** Returns the path of the database file; throws a StartError if DATABASE_URL is the URL of a server. */
export function databasePath(settings: Settings): string {
  if (settings.DATABASE_URL.startsWith('file:')) return filePath(settings.DATABASE_URL)
  throw new StartError(
    'This command works on database files only. For a libSQL server, use the tools of that server.',
  )
}

/** Returns `path` if it is a database of this program; else throws a StartError. The tools never create a database. */
export function existing(path: string): string {
  const state = inspect(path)
  if (state === 'empty') throw new StartError(`${path} is empty (0 bytes).`)
  if (isUnused(state)) throw new StartError(`There is no database at ${path}.`)
  return path
}

/**
 * Calls `job` with a database, while the app may be running. `target` is the file that `job` writes, if it is not the database itself. Throws a StartError.
 */
export function withDatabase<T>(path: string, job: (db: Database.Database) => T, target = path): T {
  let atWork = false
  try {
    return inDatabase(path, (db) => {
      atWork = true
      return job(db)
    })
  } catch (error) {
    if (!(error instanceof Error)) throw error
    if (isFull(error, target)) throw noSpace(target, bytesOf(path))
    throw atWork && target !== path && isUnwritable(error)
      ? unwritable(target, error)
      : asStartError(error, path)
  }
}

const isUnwritable = (error: Error) =>
  /SQLITE_(READONLY|CANTOPEN|PERM|IOERR)|unable to open|readonly|disk I\/O/i.test(
    `${error.message} ${'code' in error ? String(error.code) : ''}`,
  )

const unwritable = (target: string, error: Error) =>
  new StartError(`${target} cannot be written (${error.message}). Check its folder and the disk.`)

/** Throws a StartError when `file` cannot be made because of its folder or its name. */
export function checkTarget(file: string): void {
  const folder = dirname(file)
  try {
    if (!statSync(folder).isDirectory()) throw new StartError(`${folder} is not a folder.`)
    accessSync(folder, constants.W_OK | constants.X_OK)
    lstatSync(`${file}${longestEnd}`, { throwIfNoEntry: false })
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    const why: Record<string, string> = {
      ENOENT: `${folder} does not exist: make this folder, or name another file`,
      ENOTDIR: `${folder} is not in a folder: name another file`,
      EACCES: `this user may not write in ${folder}`,
      EROFS: `the disk of ${folder} is read-only`,
      ENAMETOOLONG: 'its name is too long',
    }
    if (error instanceof StartError || why[code] === undefined) throw error
    throw new StartError(`${file} cannot be written: ${why[code]}.`)
  }
}

const bytesOf = (path: string) =>
  [path, `${path}-wal`].reduce(
    (sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0),
    0,
  )

/** An unfinished copy has another name until it is complete. */
const unfinished = '.part'
const longestEnd = `${unfinished}-journal`

/**
 * Copies a database consistently, write-ahead log included, with an fsync. Calls `finish` with the path of the copy and
 * the problems found in it; it renames the copy. Nothing else stays beside `file`. Throws a StartError that names `file`.
 */
export function copyWhole(
  path: string,
  file: string,
  finish: (copy: string, problems: string[]) => void,
): void {
  checkTarget(file)
  const copy = `${file}${unfinished}`
  removeDatabase(copy) // what a killed run has left
  try {
    withDatabase(path, (db) => db.prepare('VACUUM INTO ?').run([copy]), file)
    flush(copy)
    finish(copy, withDatabase(copy, findProblems, file))
  } finally {
    removeDatabase(copy)
  }
}

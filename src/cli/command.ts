import { closeSync, fsyncSync, openSync, rmSync, statSync } from 'node:fs'

import Database from 'libsql'

import { settleOutput, stderr, stdout } from '../base/output.ts'
import { processSettings, type Settings } from '../config/env.ts'
import { asStartError, isFull, noSpace, StartError } from '../config/start-error.ts'
import { filePath, inspect, isUnused } from '../db/database-file.ts'
import { findProblems } from '../db/integrity.ts'

/** What a command line tool is: its help, and what it does with its words; it gives the exit code. */
export type Command = {
  help: string
  run: (words: string[], settings: Settings) => number | Promise<number>
}

/** Runs a command with the words of this process: `--help`, one line for what went wrong, an exit code. */
export async function main(command: Command): Promise<void> {
  try {
    await runCommand(command)
  } finally {
    await finishSaying()
  }
}

async function runCommand({ help, run }: Command): Promise<void> {
  const words = process.argv.slice(2)
  if (words.includes('--help') || words.includes('-h')) {
    say(help)
    return
  }
  try {
    process.exitCode = await run(words, processSettings())
  } catch (error) {
    const known = asStartError(error, 'the database')
    if (!(known instanceof StartError)) throw error
    complain(known.message)
    process.exitCode = 1
  }
}

export const say = (line: string): void => stdout.write(`${line}\n`)
export const complain = (line: string): void => stderr.write(`${line}\n`)

/** Waits until everything is read that was said. A reader who has left is no failure: `| head` wants no more. */
async function finishSaying(): Promise<void> {
  await settleOutput(Infinity)
  if (stdout.dropped === 0 || stdout.trouble === 'EPIPE') return
  complain(`Standard output cannot be written (${stdout.trouble}).`)
  process.exitCode ||= 1
}

/** The path of the database; a StartError where DATABASE_URL names a server. */
export function databasePath(settings: Settings): string {
  if (settings.DATABASE_URL.startsWith('file:')) return filePath(settings.DATABASE_URL)
  throw new StartError('This is for database files; ask the libSQL server for its own tools.')
}

/** This very path when a database of ours is there; else a StartError: no tool makes one. */
export function existing(path: string): string {
  const state = inspect(path)
  if (state === 'empty') throw new StartError(`${path} is empty (0 bytes).`)
  if (isUnused(state)) throw new StartError(`There is no database at ${path}.`)
  return path
}

/**
 * Does something with a database beside a running app: it waits up to ten seconds for the app's commits. `target` is
 * what it writes, if not the database itself.
 */
export function beside<T>(path: string, job: (db: Database.Database) => T, target = path): T {
  try {
    const db = new Database(path, { timeout: 10_000 })
    try {
      return job(db)
    } finally {
      db.close()
    }
  } catch (error) {
    if (error instanceof Error && isFull(error, target)) throw noSpace(target, bytesOf(path))
    throw asStartError(error, path)
  }
}

const bytesOf = (path: string) =>
  [path, `${path}-wal`].reduce(
    (sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0),
    0,
  )

/** Copies a database as of one moment, write-ahead log included, down to the disk; gives what is wrong with the copy. */
export function copyWhole(path: string, copy: string): string[] {
  rmSync(copy, { force: true })
  try {
    beside(path, (db) => db.prepare('VACUUM INTO ?').run([copy]), copy)
    const handle = openSync(copy, 'r+')
    fsyncSync(handle)
    closeSync(handle)
    return beside(copy, findProblems)
  } catch (error) {
    rmSync(copy, { force: true })
    throw error
  }
}

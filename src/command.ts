import { existsSync } from 'node:fs'

import Database from 'libsql'

import { filePath } from './database-file.ts'
import { processSettings, type Settings } from './env.ts'
import { StartError } from './start-error.ts'

/** What a command line tool is: its help, and what it does with its words; it gives the exit code. */
export type Command = {
  help: string
  run: (words: string[], settings: Settings) => number | Promise<number>
}

/** Runs a command with the words of this process: `--help`, one line for what went wrong, an exit code. */
export async function main({ help, run }: Command): Promise<void> {
  const words = process.argv.slice(2)
  if (words.includes('--help') || words.includes('-h')) {
    say(help)
    return
  }
  try {
    process.exitCode = await run(words, processSettings())
  } catch (error) {
    if (!(error instanceof StartError)) throw error
    complain(error.message)
    process.exitCode = 1
  }
}

export const say = (line: string): void => void process.stdout.write(`${line}\n`)
export const complain = (line: string): void => void process.stderr.write(`${line}\n`)

/** The path of the database; a StartError where DATABASE_URL names a server or nothing is there. */
export function databasePath(settings: Settings): string {
  if (!settings.DATABASE_URL.startsWith('file:')) {
    throw new StartError('This is for database files; ask the libSQL server for its own tools.')
  }
  const path = filePath(settings.DATABASE_URL)
  if (!existsSync(path)) throw new StartError(`There is no database at ${path}.`)
  return path
}

/** Opens a database beside a running app: it waits up to ten seconds for the app's commits. */
export const openBeside = (path: string): Database.Database =>
  new Database(path, { timeout: 10_000 })

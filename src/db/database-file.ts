import {
  accessSync,
  closeSync,
  constants,
  existsSync,
  mkdirSync,
  openSync,
  readSync,
  statSync,
} from 'node:fs'
import { dirname, resolve } from 'node:path'

import type { Client } from '@libsql/core/api'

import type { Settings } from '../config/env.ts'
import {
  asStartError,
  damaged,
  freeBytes,
  isFull,
  noSpace,
  repairable,
  StartError,
} from '../config/start-error.ts'
import { log } from '../telemetry/log.ts'
import type { DatabasePlace } from '../telemetry/query-tracing.ts'
import { findDamage, findMissing, isDamage, markComplete } from './damage.ts'
import { lockFile } from './file-lock.ts'
import { inDatabase } from './files.ts'
import { FileClient, type Commits } from './libsql-file.ts'
import { isNew, migrate, readWholeIndexes, type WholeIndexes } from './migrate.ts'
import { copyBeforeMigration } from './migration-copy.ts'
import type { Replica } from './replica.ts'

/** An open database: a local file or a libSQL server. */
export type Opened = {
  client: Client
  /** A client with a longer timeout, for a server. */
  patient?: Client
  /** What some reads may go to, beside a server. */
  replica?: Replica
  /** What query spans record about the database. */
  place: DatabasePlace
  isNew: boolean
  /** Which search indexes have all rows. */
  whole: WholeIndexes
  /** The commits of a file, which the fault lab slows down; undefined for a server. */
  commits?: Commits
  /** Bytes in the write-ahead log; undefined for a server. */
  walBytes: () => number | undefined
  /** Bytes that are free on the disk of the file; undefined for a server. */
  freeBytes: () => number | undefined
  /** Rejects when the database cannot be written. */
  probe: () => Promise<void>
  close: () => Promise<void>
}

/** "TWRE", stored in the header of our database files. It distinguishes them from those of other applications. */
export const applicationId = 0x54575245
const mark = `PRAGMA application_id=${applicationId}`
const quickCheckBytes = 64 * 1024 * 1024

/** The path in a `file:` URL, absolute. */
export const filePath = (url: string): string => resolve(url.replace(/^file:(\/\/)?/, ''))

/**
 * Opens a local file: locks, checks and migrates it. Throws a StartError when that fails, and does not change a file
 * that is not ours. Throws the reason of `stop` when it is aborted meanwhile.
 */
export async function openFile(settings: Settings, stop?: AbortSignal): Promise<Opened> {
  const path = filePath(settings.DATABASE_URL)
  prepareFolder(dirname(path))
  inspect(path)
  const lock = await lockFile(path, settings.LOCK_WAIT_MS, stop)
  let client: FileClient | undefined
  try {
    stop?.throwIfAborted()
    const state = inspect(path) // again: the process that held the lock may have written
    client = clientOn(path, settings)
    if (isUnused(state)) await sign(client)
    else checkContent(path, state)
    if (state !== 'missing') await warnIfEmpty(client, path, state)
    stop?.throwIfAborted()
    await copyBeforeMigration(client, path)
    await migrate(client)
    await markComplete(client)
    stop?.throwIfAborted()
    const file = { path, inode: statSync(path).ino }
    await probe(client, file)
    return {
      client,
      commits: client.commits,
      place: { namespace: 'main' },
      isNew: await isNew(client),
      whole: await readWholeIndexes(client),
      walBytes: () => statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0,
      freeBytes: freeBytes.bind(undefined, path),
      probe: probe.bind(undefined, client, file),
      close: close.bind(undefined, client, lock),
    }
  } catch (error) {
    client?.close(false) // without a checkpoint, so that the file stays as it was
    lock.release()
    throw asStartError(error, path)
  }
}

/** A client of this file, as the settings have it. */
export const clientOn = (path: string, settings: Settings): FileClient =>
  new FileClient(path, {
    synchronous: settings.DATABASE_SYNCHRONOUS,
    writeWaitMs: settings.WRITE_WAIT_MS,
    writeQueue: settings.WRITE_QUEUE,
  })

async function close(client: FileClient, lock: { release: () => void }): Promise<void> {
  await client.queue.drained()
  client.close()
  lock.release()
}

/** Marks a new file as ours. The checkpoint writes the mark to the file itself, where `inspect` reads it. */
async function sign(client: FileClient): Promise<void> {
  await client.executeMultiple(mark)
  client.checkpoint()
}

type OpenFile = { path: string; inode: number }

/** Writes the mark again, which changes nothing. Rejects when that fails, or when the file was moved or deleted. */
async function probe(client: FileClient, { path, inode }: OpenFile): Promise<void> {
  if (statSync(path, { throwIfNoEntry: false })?.ino !== inode) {
    throw new Error(`${path} was moved or deleted while the process was running.`)
  }
  await client.executeMultiple(mark)
}

function prepareFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true })
    accessSync(folder, constants.R_OK | constants.W_OK)
  } catch (error) {
    if (error instanceof Error && isFull(error, dirname(folder))) throw noSpace(folder)
    throw new StartError(
      `The folder ${folder} cannot be written. Make it writable for this user, or set DATABASE_URL to another place.`,
    )
  }
}

/** What is at a path: no file, an empty file, a file without tables, or our database that needs a check or does not. */
type FileState = 'missing' | 'empty' | 'bare' | 'check' | 'trust'

/** Does this state mean that there is no data yet? */
export const isUnused = (state: FileState): boolean => state !== 'check' && state !== 'trust'

const sizeOf = (file: string) => statSync(file, { throwIfNoEntry: false })?.size ?? 0

/**
 * Reads the state of the file at `path` without SQLite, which would change the file. Throws a StartError when it is not
 * a readable and writable database of ours, or when it is missing but its write-ahead log is not.
 */
export function inspect(path: string): FileState {
  const found = statSync(path, { throwIfNoEntry: false })
  if (found?.isDirectory()) {
    throw new StartError(`${path} is a folder. DATABASE_URL must name a file.`)
  }
  if (!found?.size) {
    refuseLeftovers(path)
    return found ? 'empty' : 'missing'
  }
  try {
    accessSync(path, constants.R_OK | constants.W_OK)
  } catch {
    throw new StartError(
      `${path} cannot be read and written by this user. Change its owner or its permissions.`,
    )
  }
  const header = readHeader(path)
  if (!header.toString('latin1', 0, 15).startsWith('SQLite format 3')) {
    throw new StartError(
      `${path} is not a database. Move it away, or set DATABASE_URL to another file.`,
    )
  }
  if (found.size < header.length) throw damaged(path, `only ${found.size} bytes are left of it`)
  // One page without our mark: the process was killed while it created the file. It has no data.
  if (header.readUInt32BE(68) === 0 && found.size <= header.readUInt16BE(16)) return 'bare'
  if (header.readUInt32BE(68) !== applicationId) {
    throw new StartError(
      `${path} is the database of another application. Set DATABASE_URL to another file.`,
    )
  }
  const closedCleanly = sizeOf(`${path}-wal`) === 0
  return closedCleanly && found.size > quickCheckBytes ? 'trust' : 'check'
}

/**
 * Throws a StartError when a journal with data is left of a missing or empty database: SQLite would delete it, or apply
 * it to the new database.
 */
export function refuseLeftovers(path: string): void {
  for (const rest of [`${path}-wal`, `${path}-journal`]) {
    const bytes = sizeOf(rest)
    if (bytes === 0) continue
    throw new StartError(
      `${path} is ${existsSync(path) ? 'empty (0 bytes)' : 'missing'}, but ${rest} has ${bytes} bytes of a database. ` +
        `Put the database back (docs/backup.md), or move ${rest} away to begin anew.`,
    )
  }
}

function readHeader(path: string): Buffer {
  const header = Buffer.alloc(100)
  const file = openSync(path, 'r')
  readSync(file, header, 0, 100, 0)
  closeSync(file)
  return header
}

/** Checks our database. Throws a StartError: for the first problem that needs a backup, else for the first problem. */
function checkContent(path: string, state: FileState): void {
  const find = state === 'check' ? findDamage : findMissing
  const problems = inDatabase(path, (db) => find(db, 'quick_check'))
  const worst = problems.find(isDamage) ?? problems[0]
  if (worst === undefined) return
  const detail = worst.replace(/^damaged: /, '')
  throw isDamage(worst) ? damaged(path, detail) : repairable(path, detail)
}

/** Warns when the file exists but has no tables: the user may have expected data in it. */
async function warnIfEmpty(client: FileClient, path: string, state: FileState): Promise<void> {
  const { rows } = await client.execute('SELECT count(*) FROM sqlite_schema')
  if (rows[0]?.[0] !== 0) return
  const what = state === 'empty' ? 'is empty (0 bytes)' : 'has no tables'
  log.warn(`${path} ${what}: a new database is created there`)
}

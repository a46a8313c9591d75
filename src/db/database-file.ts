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
import Connection from 'libsql'

import type { Settings } from '../config/env.ts'
import {
  asStartError,
  damaged,
  isFull,
  noSpace,
  repairable,
  StartError,
} from '../config/start-error.ts'
import { log } from '../telemetry/log.ts'
import type { DatabasePlace } from '../telemetry/query-tracing.ts'
import { findDamage, findMissing, isDamage } from './damage.ts'
import { lockFile } from './file-lock.ts'
import { FileClient } from './libsql-file.ts'
import { isNew, migrate, readWholeIndexes, type WholeIndexes } from './migrate.ts'

/** What opening a database gives, whichever kind it is. `probe` rejects when it cannot be written. */
export type Opened = {
  client: Client
  /** The same with a longer timeout, where calls have one. */
  patient?: Client
  /** What its spans say of it. */
  place: DatabasePlace
  isNew: boolean
  /** Which search indexes have all rows. */
  whole: WholeIndexes
  /** Bytes in the write-ahead log; 0 for a server. */
  walBytes: () => number
  probe: () => Promise<void>
  close: () => Promise<void>
}

/** "TWRE" in the header of our files: what tells them from other applications' databases. */
export const applicationId = 0x54575245
const mark = `PRAGMA application_id=${applicationId}`
const quickCheckBytes = 64 * 1024 * 1024

/** The path in a `file:` URL, absolute. */
export const filePath = (url: string): string => resolve(url.replace(/^file:(\/\/)?/, ''))

/**
 * Opens a local file: locked, checked and migrated. Throws a StartError and leaves a file that is not ours alone; throws
 * the reason of `stop` when that is aborted meanwhile.
 */
export async function openFile(settings: Settings, stop?: AbortSignal): Promise<Opened> {
  const path = filePath(settings.DATABASE_URL)
  prepareFolder(dirname(path))
  inspect(path)
  const lock = await lockFile(path, settings.LOCK_WAIT_MS, stop)
  let client: FileClient | undefined
  try {
    stop?.throwIfAborted()
    const state = inspect(path) // again: who held the lock may have written
    client = new FileClient(path, {
      synchronous: settings.DATABASE_SYNCHRONOUS,
      writeWaitMs: settings.WRITE_WAIT_MS,
      writeQueue: settings.WRITE_QUEUE,
    })
    if (isUnused(state)) await sign(client)
    else checkContent(path, state)
    if (state !== 'missing') await warnOfNothing(client, path, state)
    stop?.throwIfAborted()
    await migrate(client)
    stop?.throwIfAborted()
    const place = { path, inode: statSync(path).ino }
    await probe(client, place)
    return {
      client,
      place: { namespace: 'main' },
      isNew: await isNew(client),
      whole: await readWholeIndexes(client),
      walBytes: () => statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0,
      probe: probe.bind(undefined, client, place),
      close: close.bind(undefined, client, lock),
    }
  } catch (error) {
    client?.close(false) // without a checkpoint, so that the file stays as it was
    lock.release()
    throw asStartError(error, path)
  }
}

async function close(client: FileClient, lock: { release: () => void }): Promise<void> {
  await client.lane.drained()
  client.close()
  lock.release()
}

/** Marks a new file as ours, on the disk and not only in the WAL: `inspect` reads it there. */
async function sign(client: FileClient): Promise<void> {
  await client.executeMultiple(mark)
  client.checkpoint()
}

type Place = { path: string; inode: number }

/** A write that changes nothing but goes all the way to the disk, into the file that is still at its place. */
async function probe(client: FileClient, { path, inode }: Place): Promise<void> {
  if (statSync(path, { throwIfNoEntry: false })?.ino !== inode) {
    throw new Error(`Somebody has moved or deleted ${path} under the running process.`)
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

/** What is at a path: nothing, an empty file, a file without tables; or a database of ours, to be checked or not. */
export type FileState = 'missing' | 'empty' | 'bare' | 'check' | 'trust'

/** Is there nothing in it yet? */
export const isUnused = (state: FileState): boolean => state !== 'check' && state !== 'trust'

const sizeOf = (file: string) => statSync(file, { throwIfNoEntry: false })?.size ?? 0

/**
 * Looks at the file without SQLite, which would change it: is it there, is it ours, is it to be checked? Throws a
 * StartError when it is something else.
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
  // One page without a mark: killed in the very moment of its creation, there is nothing in it.
  if (header.readUInt32BE(68) === 0 && found.size <= header.readUInt16BE(16)) return 'bare'
  if (header.readUInt32BE(68) !== applicationId) {
    throw new StartError(
      `${path} is the database of another application. Set DATABASE_URL to another file.`,
    )
  }
  const closedCleanly = sizeOf(`${path}-wal`) === 0
  return closedCleanly && found.size > quickCheckBytes ? 'trust' : 'check'
}

/** SQLite deletes the log of a database that is not there, or takes it for that of the next one. */
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

/** One sentence for the first of what is wrong, after the worst. */
function checkContent(path: string, state: FileState): void {
  const db = new Connection(path, { timeout: 10_000 })
  try {
    const problems =
      state === 'check' ? findDamage(db, 'quick_check') : findMissing(db, 'quick_check')
    const worst = problems.find(isDamage) ?? problems[0]
    if (worst === undefined) return
    const detail = worst.replace(/^damaged: /, '')
    throw isDamage(worst) ? damaged(path, detail) : repairable(path, detail)
  } finally {
    db.close()
  }
}

/** Where data should be and is none, a new world must not begin without a word. */
async function warnOfNothing(client: FileClient, path: string, state: FileState): Promise<void> {
  const { rows } = await client.execute('SELECT count(*) FROM sqlite_schema')
  if (rows[0]?.[0] !== 0) return
  const what = state === 'empty' ? 'is empty (0 bytes)' : 'has no tables'
  log.warn(`${path} ${what}: a new database is made there`)
}

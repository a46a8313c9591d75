import { accessSync, closeSync, constants, mkdirSync, openSync, readSync, statSync } from 'node:fs'
import { dirname, resolve } from 'node:path'

import type { Client } from '@libsql/core/api'

import type { Settings } from './env.ts'
import { lockFile } from './file-lock.ts'
import { FileClient } from './libsql-file.ts'
import { isNew, migrate } from './migrate.ts'
import type { DatabasePlace } from './query-tracing.ts'
import { asStartError, damaged, StartError } from './start-error.ts'

/** What opening a database gives, whichever kind it is. `probe` rejects when it cannot be written. */
export type Opened = {
  client: Client
  /** The same with a longer timeout, where calls have one. */
  patient?: Client
  /** What its spans say of it. */
  place: DatabasePlace
  isNew: boolean
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

/** Opens a local file: locked, checked and migrated. Throws a StartError and leaves a file that is not ours alone. */
export async function openFile(settings: Settings): Promise<Opened> {
  const path = filePath(settings.DATABASE_URL)
  prepareFolder(dirname(path))
  inspect(path)
  const lock = await lockFile(path, settings.LOCK_WAIT_MS)
  const state = inspect(path) // again: who held the lock may have written
  let client: FileClient | undefined
  try {
    client = new FileClient(path, {
      synchronous: settings.DATABASE_SYNCHRONOUS,
      writeWaitMs: settings.WRITE_WAIT_MS,
      writeQueue: settings.WRITE_QUEUE,
    })
    if (state === 'check') await checkContent(client, path)
    if (state === 'new') await sign(client)
    await migrate(client)
    const place = { path, inode: statSync(path).ino }
    await probe(client, place)
    return {
      client,
      place: { namespace: 'main' },
      isNew: await isNew(client),
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
  } catch {
    throw new StartError(
      `The folder ${folder} cannot be written. Make it writable for this user, or set DATABASE_URL to another place.`,
    )
  }
}

/**
 * Looks at the file without SQLite, which would change it: is it there, is it ours, is it to be checked? Throws a
 * StartError when it is something else.
 */
export function inspect(path: string): 'new' | 'check' | 'trust' {
  const size = (file: string) => statSync(file, { throwIfNoEntry: false })?.size ?? 0
  if (statSync(path, { throwIfNoEntry: false })?.isDirectory()) {
    throw new StartError(`${path} is a folder. DATABASE_URL must name a file.`)
  }
  if (size(path) === 0) return 'new'
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
  // One page without a mark: killed in the very moment of its creation, there is nothing in it.
  if (header.readUInt32BE(68) === 0 && size(path) <= 4096) return 'new'
  if (header.readUInt32BE(68) !== applicationId) {
    throw new StartError(
      `${path} is the database of another application. Set DATABASE_URL to another file.`,
    )
  }
  const closedCleanly = size(`${path}-wal`) === 0
  return closedCleanly && size(path) > quickCheckBytes ? 'trust' : 'check'
}

function readHeader(path: string): Buffer {
  const header = Buffer.alloc(100)
  const file = openSync(path, 'r')
  readSync(file, header, 0, 100, 0)
  closeSync(file)
  return header
}

async function checkContent(client: FileClient, path: string): Promise<void> {
  const result = await client.execute('PRAGMA quick_check(1)')
  const verdict = String(result.rows[0]?.[0]).replace(/^\*+.*\*+\s*/, '')
  if (verdict !== 'ok') throw damaged(path, verdict)
}

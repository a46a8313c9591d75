import { constants, copyFileSync, existsSync, renameSync, rmSync, statSync } from 'node:fs'

import { isFull, noSpace } from '../config/start-error.ts'
import { log } from '../telemetry/log.ts'
import { flush } from './files.ts'
import type { FileClient } from './libsql-file.ts'
import { nextMigration } from './migrate.ts'

const sizeOf = (file: string) => statSync(file, { throwIfNoEntry: false })?.size ?? 0

/**
 * Copies a database file before a migration changes it, as `<file>.before-<migration>` beside it. The copy of an earlier
 * attempt stays. Throws a StartError when there is no space for it.
 */
export async function copyBeforeMigration(client: FileClient, path: string): Promise<void> {
  const migration = await nextMigration(client)
  if (migration === undefined) return
  const copy = `${path}.before-${migration}`
  if (existsSync(copy)) return
  try {
    client.checkpoint()
  } catch {
    // Another process reads: the WAL stays, and belongs to the copy.
  }
  const part = `${copy}.part`
  try {
    rmSync(`${copy}-wal`, { force: true }) // of an attempt that was killed
    if (sizeOf(`${path}-wal`) > 0) copyFileSync(`${path}-wal`, `${copy}-wal`)
    copyFileSync(path, part, constants.COPYFILE_FICLONE)
    flush(part)
    renameSync(part, copy) // only a complete copy gets the name
  } catch (error) {
    for (const file of [part, `${copy}-wal`]) rmSync(file, { force: true })
    if (error instanceof Error && isFull(error, path)) throw noSpace(path, sizeOf(path))
    throw error
  }
  log.info('database copied before a migration', { 'file.path': copy })
}

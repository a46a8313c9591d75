import { fileOnly, secondConnection } from './database-place.ts'
import type { Fault, Place } from './fault.ts'

export const walMbMax = 512
/** Of the disk space that is free. */
export const diskShareMax = 0.1
const megabyte = 1_048_576
const everyMs = 20
/** Writes at a time; each is a page of the log. */
const writes = 20

export const walGrowth: Fault = {
  name: 'wal-growth',
  kind: 'database',
  title: 'Growing write-ahead log',
  does: 'A reader that never ends keeps the write-ahead log from being written back, while something small is written all the time.',
  moves:
    'tracewren.wal.size grows up to the strength; tracewren.disk.free falls; reads become a little slower.',
  find: '/traces/runtime: the write-ahead log climbs and does not fall. No row of /routes tells of it.',
  cure: 'Find the reader with the old snapshot: a shell, a backup, a query that is not read to its end. Then PRAGMA wal_checkpoint(TRUNCATE).',
  strength: { what: 'Size in the end', unit: 'MB', min: 1, max: walMbMax, default: 64 },
  refusal: fileOnly,
  start(scene) {
    const reader = secondConnection(scene)
    // The snapshot begins with the first read.
    reader.exec('BEGIN')
    reader.prepare('SELECT count(*) FROM sqlite_schema').get()
    let isWriting = false
    const timer = setInterval(() => {
      if (isWriting || !mayGrow(scene, scene.strength)) return
      isWriting = true
      // The same mark in the header of the file again: a page of the log, and nothing is changed.
      void Promise.allSettled(Array.from({ length: writes }, () => scene.database.probe())).then(
        () => (isWriting = false),
      )
    }, everyMs).unref()
    return () => {
      clearInterval(timer)
      if (reader.inTransaction) reader.exec('ROLLBACK')
      giveBack(reader)
    }
  },
}

/** May the log have another few pages? */
export function mayGrow({ database }: Pick<Place, 'database'>, strength: number): boolean {
  const size = database.walBytes() ?? Infinity
  const free = database.freeBytes() ?? 0
  // What the log has is no longer free; a tenth of both is a tenth of what was free before.
  return size < Math.min(strength, walMbMax) * megabyte && size < (free + size) * diskShareMax
}

/** Writes the log back and makes it short, if nobody is in the way; else SQLite does it with a later write. */
function giveBack(reader: ReturnType<typeof secondConnection>): void {
  try {
    reader.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  } catch {
    // Somebody reads or writes.
  } finally {
    reader.close()
  }
}

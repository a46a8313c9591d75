import { existsSync, renameSync, rmSync } from 'node:fs'
import { resolve } from 'node:path'

import { StartError } from '../config/start-error.ts'
import { lockFile } from '../db/file-lock.ts'
import { checkTarget, copyWhole, databasePath, existing, main, say } from './command.ts'

await main({
  help: `npm run db:restore -- FILE

Replaces the database of DATABASE_URL with a backup. Stop the app first. The backup is checked before. The previous
database is kept in the same folder, with the time in its name.`,
  async run([source], settings) {
    const path = databasePath(settings)
    if (!source) throw new StartError('FILE is missing: npm run db:restore -- FILE')
    const backup = existing(resolve(source))
    if (backup === path) throw new StartError(`${path} is the database itself.`)
    checkTarget(path)
    const lock = await lockFile(path, settings.LOCK_WAIT_MS)
    let kept: string | undefined
    copyWhole(backup, path, (copy, problems) => {
      for (const problem of problems) say(problem)
      if (problems.length > 0)
        throw new StartError(`${backup} has the problems above: not restored.`)
      kept = putAside(path)
      renameSync(copy, path)
    })
    lock.release()
    say(`${path} was restored from ${backup}.${kept ? ` The previous database is ${kept}.` : ''}`)
    return 0
  },
})

/**
 * Renames a database and its write-ahead log to a name with the time, and returns the name. No `-wal` or `-shm` may
 * stay: SQLite would apply it to the restored file.
 */
function putAside(path: string): string | undefined {
  rmSync(`${path}-shm`, { force: true })
  if (!existsSync(path)) {
    rmSync(`${path}-wal`, { force: true })
    return undefined
  }
  const named = `${path}.${new Date().toISOString().replaceAll(/[-:]|\..*/g, '')}`
  let kept = named
  // Two restores in the same second must not overwrite each other's copy.
  for (let number = 2; existsSync(kept); number++) kept = `${named}-${number}`
  if (existsSync(`${path}-wal`)) renameSync(`${path}-wal`, `${kept}-wal`)
  renameSync(path, kept)
  return kept
}

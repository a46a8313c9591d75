import { existsSync, renameSync, rmSync } from 'node:fs'
import { resolve } from 'node:path'

import { StartError } from '../config/start-error.ts'
import { lockFile } from '../db/file-lock.ts'
import { copyWhole, databasePath, existing, main, say } from './command.ts'

await main({
  help: `npm run db:restore -- FILE

Puts a backup in the place of the database of DATABASE_URL. Stop the app first. The backup is checked beforehand, and
the database of before is kept beside it under a name with the time.`,
  async run([source], settings) {
    const path = databasePath(settings)
    if (!source) throw new StartError('Say what from: npm run db:restore -- FILE')
    const backup = existing(resolve(source))
    if (backup === path) throw new StartError(`${path} is the database itself.`)
    const lock = await lockFile(path, settings.LOCK_WAIT_MS)
    const part = `${path}.part`
    const problems = copyWhole(backup, part)
    if (problems.length > 0) {
      for (const problem of problems) say(problem)
      rmSync(part)
      throw new StartError(`${backup} has the problems above: not restored.`)
    }
    const kept = putAside(path)
    renameSync(part, path)
    lock.release()
    say(`${path} is what ${backup} was.${kept ? ` The one of before is ${kept}.` : ''}`)
    return 0
  },
})

/** Moves a database with its write-ahead log to a name with the time; nothing of it may meet the restored file. */
function putAside(path: string): string | undefined {
  rmSync(`${path}-shm`, { force: true })
  if (!existsSync(path)) {
    rmSync(`${path}-wal`, { force: true })
    return undefined
  }
  const named = `${path}.${new Date().toISOString().replaceAll(/[-:]|\..*/g, '')}`
  let kept = named
  // Two restores in one second: the first one's copy must not be lost.
  for (let number = 2; existsSync(kept); number++) kept = `${named}-${number}`
  if (existsSync(`${path}-wal`)) renameSync(`${path}-wal`, `${kept}-wal`)
  renameSync(path, kept)
  return kept
}

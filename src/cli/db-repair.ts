import { counted } from '../base/format.ts'
import { isDamage, rebuildSchema } from '../db/damage.ts'
import { lockFile } from '../db/file-lock.ts'
import { findAllProblems, repair } from '../db/integrity.ts'
import { removeSecondNotifications } from '../db/notification-integrity.ts'
import { databasePath, existing, main, say, withDatabase } from './command.ts'

await main({
  help: `npm run db:repair

Repairs the database of DATABASE_URL: counts likes, followers, tweets and trend scores again, writes tags again, mends
notifications, and creates the search index, missing triggers and missing indexes again. Stop the app first. For damaged tables, restore a backup.`,
  async run(_, settings) {
    const path = existing(databasePath(settings))
    const lock = await lockFile(path, settings.LOCK_WAIT_MS)
    const before = withDatabase(path, findAllProblems)
    for (const problem of before) say(problem)
    if (!before.some(isDamage)) {
      // Their unique index cannot be made again while one is there twice.
      withDatabase(path, removeSecondNotifications)
      withDatabase(path, () => rebuildSchema(path))
      withDatabase(path, repair)
    }
    const left = withDatabase(path, findAllProblems)
    lock.release()
    for (const problem of left) say(`still: ${problem}`)
    say(`${path}: ${counted(before.length, 'problem')} found, ${left.length} left.`)
    if (left.some(isDamage)) say('Restore a backup with npm run db:restore -- FILE.')
    return left.length === 0 ? 0 : 1
  },
})

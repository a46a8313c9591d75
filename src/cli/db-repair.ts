import { isDamage, rebuildSchema } from '../db/damage.ts'
import { lockFile } from '../db/file-lock.ts'
import { findAllProblems, repair } from '../db/integrity.ts'
import { beside, databasePath, existing, main, say } from './command.ts'

await main({
  help: `npm run db:repair

Counts likes, followers, tweets and trend scores anew, and makes the search index, missing triggers and missing indexes
anew, in the database of DATABASE_URL. Stop the app first. Damaged tables need a backup.`,
  async run(_, settings) {
    const path = existing(databasePath(settings))
    const lock = await lockFile(path, settings.LOCK_WAIT_MS)
    const before = beside(path, findAllProblems)
    for (const problem of before) say(problem)
    if (!before.some(isDamage)) {
      beside(path, () => rebuildSchema(path))
      beside(path, repair)
    }
    const left = beside(path, findAllProblems)
    lock.release()
    for (const problem of left) say(`still: ${problem}`)
    say(`${path}: ${before.length} problems found, ${left.length} left.`)
    if (left.some(isDamage)) say('Restore a backup with npm run db:restore -- FILE.')
    return left.length === 0 ? 0 : 1
  },
})

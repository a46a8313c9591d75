import { beside, databasePath, existing, main, say } from '../command.ts'
import { lockFile } from '../file-lock.ts'
import { findAllProblems, repair } from '../integrity.ts'

await main({
  help: `npm run db:repair

Counts likes, followers, tweets and trend scores anew and rebuilds the search index of the database of DATABASE_URL.
Stop the app first. What is damaged in the file itself needs a backup.`,
  async run(_, settings) {
    const path = existing(databasePath(settings))
    const lock = await lockFile(path, settings.LOCK_WAIT_MS)
    const before = beside(path, findAllProblems)
    for (const problem of before) say(problem)
    beside(path, repair)
    const left = beside(path, findAllProblems)
    lock.release()
    for (const problem of left) say(`still: ${problem}`)
    say(`${path}: ${before.length} problems found, ${left.length} left.`)
    return left.length === 0 ? 0 : 1
  },
})

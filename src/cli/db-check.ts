import { findSharedAddresses } from '../db/addresses.ts'
import { isDamage } from '../db/damage.ts'
import { findAllProblems } from '../db/integrity.ts'
import { beside, databasePath, existing, main, say } from './command.ts'

await main({
  help: `npm run db:check

Checks the database of DATABASE_URL: structure, foreign keys, counters, trend scores, the search index and
addresses that two accounts have. Only reads, and may run while the app does. What a wrong clock has left is found by the clock of this machine, which must be right.
Exit code 0: all is well; 1: what is wrong was printed.`,
  run(_, settings) {
    const path = existing(databasePath(settings))
    const problems = beside(path, findAllProblems)
    const shared = problems.some(isDamage) ? [] : beside(path, findSharedAddresses)
    for (const problem of [...problems, ...shared]) say(problem)
    if (shared.length > 0)
      say('Each can sign in with its own spelling. Delete one with npm run user -- delete ADDRESS.')
    if (problems.length === 0 && shared.length > 0) return 1
    if (problems.length === 0) say(`${path} is well.`)
    else if (problems.some(isDamage))
      say(`${path} is damaged: restore a backup with npm run db:restore -- FILE.`)
    else say(`${path} has the problems above: stop the app and npm run db:repair.`)
    return problems.length === 0 ? 0 : 1
  },
})

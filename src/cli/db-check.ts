import { findSharedAddresses } from '../db/addresses.ts'
import { isDamage } from '../db/damage.ts'
import { findAllProblems } from '../db/integrity.ts'
import { databasePath, existing, main, say, withDatabase } from './command.ts'

await main({
  help: `npm run db:check

Checks the database of DATABASE_URL: structure, foreign keys, counters, trend scores, tags, notifications, the search index
and addresses that two accounts have. It only reads; the app may be running. It finds what a wrong clock has written, so the clock of
this machine must be right. Exit code 0: no problems; 1: the problems were printed.`,
  run(_, settings) {
    const path = existing(databasePath(settings))
    const problems = withDatabase(path, findAllProblems)
    const shared = problems.some(isDamage) ? [] : withDatabase(path, findSharedAddresses)
    for (const problem of [...problems, ...shared]) say(problem)
    if (shared.length > 0)
      say('Each can sign in with its own spelling. Delete one with npm run user -- delete ADDRESS.')
    if (problems.length === 0 && shared.length > 0) return 1
    if (problems.length === 0) say(`${path} has no problems.`)
    else if (problems.some(isDamage))
      say(`${path} is damaged: restore a backup with npm run db:restore -- FILE.`)
    else say(`${path} has the problems above: stop the app, then run npm run db:repair.`)
    return problems.length === 0 ? 0 : 1
  },
})

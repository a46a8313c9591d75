import type { Settings } from '../config/env.ts'
import { findSharedAddresses } from '../db/addresses.ts'
import { isDamage } from '../db/damage.ts'
import { checkServer } from '../db/database-server.ts'
import { onFile } from '../db/integrity-query.ts'
import { findAllProblems, findProblemsOfServer } from '../db/integrity.ts'
import { databasePath, existing, main, say, withDatabase } from './command.ts'

await main({
  help: `npm run db:check

Checks the database of DATABASE_URL: structure, foreign keys, counters, trend scores, tags, notifications, the search index
and addresses that two accounts have. It only reads; the app may be running. It finds what a wrong clock has written, so the clock of
this machine must be right. On a libSQL server it checks neither the structure nor the search index.
Exit code 0: no problems; 1: the problems were printed.`,
  run(_, settings) {
    return settings.DATABASE_URL.startsWith('file:') ? checkFile(settings) : checkRows(settings)
  },
})

function checkFile(settings: Settings): number {
  const path = existing(databasePath(settings))
  const problems = withDatabase(path, findAllProblems)
  const isDamaged = problems.some(isDamage)
  const shared = isDamaged ? [] : withDatabase(path, (db) => onFile(db, findSharedAddresses()))
  report(problems, shared)
  if (problems.length === 0 && shared.length === 0) say(`${path} has no problems.`)
  else if (isDamaged) say(`${path} is damaged: restore a backup with npm run db:restore -- FILE.`)
  else if (problems.length > 0)
    say(`${path} has the problems above: stop the app, then run npm run db:repair.`)
  return problems.length + shared.length === 0 ? 0 : 1
}

async function checkRows(settings: Settings): Promise<number> {
  const { host } = new URL(settings.DATABASE_URL)
  const problems = await checkServer(settings, findProblemsOfServer())
  const shared = await checkServer(settings, findSharedAddresses())
  report(problems, shared)
  if (problems.length === 0 && shared.length === 0) say(`${host}: no problems were found.`)
  say('On a server, the structure of the database and the search index were not checked.')
  return problems.length + shared.length === 0 ? 0 : 1
}

function report(problems: string[], shared: string[]): void {
  for (const problem of [...problems, ...shared]) say(problem)
  if (shared.length > 0)
    say('Each can sign in with its own spelling. Delete one with npm run user -- delete ADDRESS.')
}

import { databasePath, main, openBeside, say } from '../command.ts'
import { findProblems } from '../integrity.ts'

await main({
  help: `npm run db:check

Checks the database of DATABASE_URL: structure, foreign keys, counters, trend scores and the search index. Only reads,
and may run while the app does. Exit code 0: all is well; 1: what is wrong was printed.`,
  run(_, settings) {
    const path = databasePath(settings)
    const db = openBeside(path)
    db.exec('BEGIN')
    const problems = findProblems(db)
    db.exec('ROLLBACK')
    for (const problem of problems) say(problem)
    say(
      problems.length === 0
        ? `${path} is well.`
        : `${path}: ${problems.length} problems. npm run db:repair recounts.`,
    )
    return problems.length === 0 ? 0 : 1
  },
})

import { existsSync } from 'node:fs'

import { databasePath, main, openBeside, say } from '../command.ts'
import { findProblems } from '../integrity.ts'
import { StartError } from '../start-error.ts'

await main({
  help: `npm run db:backup -- FILE

Writes a copy of the database of DATABASE_URL to FILE, whole and checked, while the app runs. FILE must not exist.

To restore: stop the app, delete the -wal and -shm files beside the database, put FILE in its place, start.`,
  run([target], settings) {
    const path = databasePath(settings)
    if (!target) throw new StartError('Say where to: npm run db:backup -- FILE')
    if (existsSync(target))
      throw new StartError(`${target} exists already. Name another file, or move it away.`)
    openBeside(path).prepare('VACUUM INTO ?').run([target])
    const problems = findProblems(openBeside(target))
    for (const problem of problems) say(problem)
    say(
      problems.length === 0
        ? `${target} is a whole copy of ${path}.`
        : `${target} has the problems above.`,
    )
    return problems.length === 0 ? 0 : 1
  },
})

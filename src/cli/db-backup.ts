import { existsSync, renameSync } from 'node:fs'
import { resolve } from 'node:path'

import { StartError } from '../config/start-error.ts'
import { copyWhole, databasePath, existing, main, say } from './command.ts'

await main({
  help: `npm run db:backup -- FILE

Writes a copy of the database of DATABASE_URL to FILE, whole and checked, while the app runs. FILE must not exist.
npm run db:restore -- FILE puts it back.`,
  run([target], settings) {
    const path = existing(databasePath(settings))
    if (!target) throw new StartError('Say where to: npm run db:backup -- FILE')
    const file = resolve(target)
    if (existsSync(file)) {
      throw new StartError(`${file} exists already. Name another file, or move it away.`)
    }
    const part = `${file}.part`
    const problems = copyWhole(path, part)
    renameSync(part, file) // only a whole copy ever has the name that was asked for
    for (const problem of problems) say(problem)
    say(
      problems.length === 0
        ? `${file} is a whole copy of ${path}.`
        : `${file} has the problems above.`,
    )
    return problems.length === 0 ? 0 : 1
  },
})

import { existsSync, renameSync } from 'node:fs'
import { resolve } from 'node:path'

import { StartError } from '../config/start-error.ts'
import { copyWhole, databasePath, existing, main, say } from './command.ts'

await main({
  help: `npm run db:backup -- FILE

Writes a complete and checked copy of the database of DATABASE_URL to FILE. The app may be running. FILE must not exist.
To restore the copy: npm run db:restore -- FILE`,
  run([target], settings) {
    const path = existing(databasePath(settings))
    if (!target) throw new StartError('FILE is missing: npm run db:backup -- FILE')
    const file = resolve(target)
    if (existsSync(file)) {
      throw new StartError(`${file} exists already. Name another file, or move it away.`)
    }
    let problems: string[] = []
    copyWhole(path, file, (copy, found) => {
      problems = found
      renameSync(copy, file)
    })
    for (const problem of problems) say(problem)
    say(
      problems.length === 0
        ? `${file} is a complete copy of ${path}.`
        : `${file} has the problems above.`,
    )
    return problems.length === 0 ? 0 : 1
  },
})

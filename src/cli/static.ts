import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'

import { StartError } from '../config/start-error.ts'
import { hashedAssets } from '../http/assets.ts'
import { main, say } from './command.ts'

await main({
  help: `npm run static -- FOLDER

Writes the files of static/ into FOLDER/static/ under the names that pages use, with their content's hash, and compressed
beside them: nginx serves them from there (nginx/site.conf). What is there already stays, for pages of an older version.`,
  run([target]) {
    if (!target) throw new StartError('Say where to: npm run static -- FOLDER')
    const folder = resolve(target, 'static')
    mkdirSync(folder, { recursive: true })
    const missing = hashedAssets().filter(({ name }) => !existsSync(`${folder}/${name}`))
    for (const { name, body, gzip } of missing) {
      writeFileSync(`${folder}/${name}`, body)
      // A picture does not become smaller.
      if (gzip.length < body.length) writeFileSync(`${folder}/${name}.gz`, gzip)
    }
    say(`${folder} has ${missing.length} new files.`)
    return 0
  },
})

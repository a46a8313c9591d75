import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'

import { StartError } from '../config/start-error.ts'
import { hashedAssets } from '../http/assets.ts'
import { main, say } from './command.ts'

await main({
  help: `npm run static -- FOLDER

Writes the files of static/ into FOLDER/static/, with a hash of the content in each name, as pages refer to them, and a
compressed copy of each. nginx serves them (nginx/site.conf). Existing files stay, for pages of an older version.`,
  run([target]) {
    if (!target) throw new StartError('FOLDER is missing: npm run static -- FOLDER')
    const folder = resolve(target, 'static')
    mkdirSync(folder, { recursive: true })
    const missing = hashedAssets().filter(({ name }) => !existsSync(`${folder}/${name}`))
    for (const { name, body, gzip } of missing) {
      writeFileSync(`${folder}/${name}`, body)
      // Images are compressed already.
      if (gzip.length < body.length) writeFileSync(`${folder}/${name}.gz`, gzip)
    }
    say(`${folder} has ${missing.length} new files.`)
    return 0
  },
})

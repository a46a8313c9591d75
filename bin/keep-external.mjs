// Keeps in package.json only the packages that the bundle does not contain, so that `npm prune` removes the others. The
// image needs only these.
import { readFileSync, writeFileSync } from 'node:fs'

import { external } from './external.mjs'

const about = JSON.parse(readFileSync('package.json', 'utf8'))
const dependencies = Object.fromEntries(
  Object.entries(about.dependencies).filter(([name]) => external.includes(name)),
)
const kept = { ...about, dependencies, devDependencies: undefined }
writeFileSync('package.json', `${JSON.stringify(kept, undefined, 2)}\n`)

// Keeps in package.json only the packages that the bundle does not contain, so that `npm prune` removes the others. The
// image needs only these. They are the `--external` packages of the build script.
import { readFileSync, writeFileSync } from 'node:fs'

type Package = { scripts: { build: string }; dependencies: Record<string, string> }

const about = JSON.parse(readFileSync('package.json', 'utf8')) as Package
const external = [...about.scripts.build.matchAll(/--external:(\S+)/g)].map(([, name]) => name)
const dependencies = Object.fromEntries(
  Object.entries(about.dependencies).filter(([name]) => external.includes(name)),
)
const kept = { ...about, dependencies, devDependencies: undefined }
writeFileSync('package.json', `${JSON.stringify(kept, undefined, 2)}\n`)

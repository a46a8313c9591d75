// Bundles the server and the commands into dist/, and minifies the scripts and style sheets into dist/static/. With the
// argument `server` it leaves out the commands. It removes no older chunk, because a server that runs may still load one.
import { build } from 'esbuild'

import { external } from './external.mjs'

const commands =
  'db-backup db-check db-move db-repair db-restore doctor fault seed static user'.split(' ')
const assets =
  'app.css app.js charts.js faults.css forms.js keys.js live.js search.js traces.css traces.js'.split(
    ' ',
  )

const bundle = (entryPoints) =>
  build({
    entryPoints,
    bundle: true,
    mainFields: ['module', 'main'],
    splitting: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external,
    outdir: 'dist',
    chunkNames: '[name]-[hash]',
    banner: {
      js: "import{createRequire}from'node:module';const require=createRequire(import.meta.url);",
    },
    logLevel: 'warning',
  })

await Promise.all([
  // Alone: what it shares with the commands would be split into many files, which cost its start.
  bundle({ server: 'src/main.ts' }),
  process.argv[2] !== 'server' &&
    bundle(Object.fromEntries(commands.map((name) => [name, `src/cli/${name}.ts`]))),
  build({
    entryPoints: assets.map((name) => `static/${name}`),
    minify: true,
    outdir: 'dist/static',
    logLevel: 'warning',
  }),
])

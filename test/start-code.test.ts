// What a start loads: all code is compiled at each start, so what is not needed then is imported later.
import assert from 'node:assert/strict'
import test from 'node:test'

import { buildSync, type Metafile } from 'esbuild'

const root = new URL('..', import.meta.url).pathname

/** The source files in a chunk and in those that it imports statically. */
function loadedWith({ outputs }: Metafile, source: string): string[] {
  const first = Object.keys(outputs).find((path) => outputs[path]!.entryPoint === source)
  assert.ok(first, source)
  const seen = new Set([first])
  for (const path of seen)
    for (const { path: next, kind } of outputs[path]!.imports)
      if (kind === 'import-statement' && outputs[next]) seen.add(next)
  return [...seen].flatMap((path) =>
    Object.entries(outputs[path]!.inputs)
      .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
      .map(([input]) => input),
  )
}

test('a start with the inspector loads no exporters, no renderer for browsers and no commands', () => {
  const { metafile } = buildSync({
    absWorkingDir: root,
    entryPoints: ['src/main.ts'],
    bundle: true,
    mainFields: ['module', 'main'],
    splitting: true,
    platform: 'node',
    format: 'esm',
    external: ['libsql', '@node-rs/bcrypt'],
    outdir: 'dist',
    write: false,
    metafile: true,
  })
  const server = loadedWith(metafile, 'src/server.ts')
  const sdk = loadedWith(metafile, 'src/telemetry/sdk.ts')
  assert.ok(server.includes('src/app.tsx') && sdk.some((path) => path.includes('sdk-trace-node')))
  const late =
    /@opentelemetry\/(exporter-|otlp-|sdk-logs|sdk-metrics|instrumentation)|node_modules\/undici|jsx\/dom\/render|src\/seed|src\/cli\/(?!user-socket)|demo\/world/
  assert.deepEqual(
    [...server, ...sdk].filter((path) => late.test(path)),
    [],
  )
  assert.deepEqual(
    server.filter((path) => /opentelemetry\/(?!api|semantic)/.test(path)),
    [],
    'without telemetry, only the API',
  )
  const exporting = loadedWith(metafile, 'src/telemetry/exporting.ts')
  assert.ok(exporting.some((path) => path.includes('exporter-trace-otlp-proto')))
})

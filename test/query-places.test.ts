// In development, a query's span says where in the code it was asked for; a built server knows nothing of it.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import test from 'node:test'

import { noteQueryPlaces, placeIn } from '../bin/query-places.ts'
import { startApp } from './harness.ts'

test('each query of a page has the file and the line that asked for it', async (t) => {
  if (process.env['TEST_DATABASE'] === 'server') return t.skip('only files: `npm run dev` uses one')
  noteQueryPlaces()
  await using app = await startApp()
  const alice = await app.person('Alice')
  for (const path of ['/timeline', '/@alice', '/search?q=hello']) {
    const { queries } = await alice.get(path)
    assert.ok(queries.length > 0)
    for (const { attributes } of queries) {
      const file = String(attributes['code.file.path'])
      assert.match(
        file,
        /^src\/(features|http|db)\//,
        `${path}: ${String(attributes['db.query.text'])}`,
      )
      const lines = readFileSync(new URL(`../${file}`, import.meta.url), 'utf8').split('\n')
      const line = Number(attributes['code.line.number'])
      assert.ok(line > 0 && line <= lines.length, `${file}:${line}`)
    }
  }
  const { queries } = await alice.post('/tweet', { msg: 'hello' })
  const places = queries.map(({ attributes }) => attributes['code.file.path'])
  assert.ok(
    places.some((file) => String(file).startsWith('src/features/tweets/')),
    String(places),
  )
})

test('a place is found in plain and in asynchronous frames, and never outside of src/', () => {
  const root = new URL('..', import.meta.url).pathname
  const stack = [
    'Error: here',
    `    at FileClient.execute (${root}src/db/libsql-file.ts:60:5)`,
    `    at traceQuery (file://${root}src/telemetry/query-tracing.ts:90:20)`,
    `    at async ${root}src/features/tags.tsx:44:11`,
  ]
  assert.deepEqual(placeIn(stack.join('\n')), { file: 'src/features/tags.tsx', line: 44 })
  assert.equal(placeIn(stack.slice(0, 3).join('\n')), undefined)
  assert.equal(placeIn('Error: here\n    at /elsewhere/src/x.ts:1:1'), undefined)
})

test('neither the bundle nor the container has it: src/ does not import bin/', () => {
  const { scripts } = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  ) as { scripts: Record<string, string> }
  assert.match(scripts['dev']!, /bin\/dev\.ts$/)
  assert.doesNotMatch(scripts['start']!, /bin\//)
  const src = new URL('../src/', import.meta.url).pathname
  for (const path of readdirSync(src, { recursive: true, encoding: 'utf8' }))
    if (/\.tsx?$/.test(path))
      assert.doesNotMatch(readFileSync(src + path, 'utf8'), /from '[./]+bin\//, path)
})

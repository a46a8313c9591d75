// The rooms of src/: imports in the code, table in docs/architecture.md and linter rules are the same.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path/posix'
import test from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../', import.meta.url))
const page = readFileSync(`${root}docs/architecture.md`, 'utf8')

type Graph = Record<string, string[]>
const sorted = (graph: Map<string, Set<string>>): Graph =>
  Object.fromEntries([...graph].map(([from, to]) => [from, [...to].toSorted()]))

const sources = readdirSync(`${root}src`, { recursive: true, encoding: 'utf8' })
  .map((path) => path.replaceAll('\\', '/'))
  .filter((path) => /\.tsx?$/.test(path) && !/\.test\.tsx?$/.test(path))
  .map((path) => ({ path, text: readFileSync(`${root}src/${path}`, 'utf8') }))

/** All imports between files of src/, types and `import()` included. */
const imports = sources.flatMap(({ path, text }) =>
  [...text.matchAll(/\b(?:from|import)\s*\(?\s*'(\.[^']+)'/g)]
    .map(([, target]) => ({ from: path, to: join(dirname(path), target!) }))
    .filter(({ to }) => !to.endsWith('.json')),
)

/** The import graph after `place` has mapped each file to a node; undefined leaves the file out. */
function graphOf(files: string[], place: (path: string) => string | undefined): Graph {
  const graph = new Map<string, Set<string>>()
  for (const path of files) {
    const at = place(path)
    if (at !== undefined) graph.set(at, graph.get(at) ?? new Set())
  }
  for (const { from, to } of imports) {
    const [a, b] = [place(from), place(to)]
    if (a !== undefined && b !== undefined && a !== b) graph.get(a)!.add(b)
  }
  return sorted(graph)
}

const paths = sources.map(({ path }) => path)
const roomOf = (path: string) => (path.includes('/') ? path.split('/')[0] : undefined)
const featureOf = (path: string) => /^features\/([\w-]+)/.exec(path)?.[1]

/** The rows of the table under a heading: the first cell, and the names in the last cell. */
function tableOf(heading: string): Graph {
  const section = page.split(/^## /m).find((one) => one.startsWith(heading)) ?? ''
  const rows = section.matchAll(/^\| `([\w-]+)` \|(?:.*\|)? *([^|]*?) *\|$/gm)
  const words = (cell: string) => [...cell.matchAll(/`([\w-]+)`/g)].map(([, word]) => word!)
  return Object.fromEntries(
    [...rows].map(([, name, cell]) => [name!, words(cell!).toSorted()] as const),
  )
}

/** A topological order: each node comes after its imports. Throws if there is a circle. */
function inOrder(graph: Graph): string[] {
  const left = new Set(Object.keys(graph))
  const order: string[] = []
  while (left.size > 0) {
    const next = [...left].find((one) => graph[one]!.every((other) => !left.has(other)))
    assert.ok(next !== undefined, `These import each other in a circle: ${[...left].join(', ')}`)
    left.delete(next)
    order.push(next)
  }
  return order
}

test('the rooms import each other as the table says, without a circle', () => {
  const rooms = graphOf(paths, roomOf)
  assert.deepEqual(tableOf('Rooms'), rooms)
  assert.equal(inOrder(rooms).length, Object.keys(rooms).length)
})

test('no feature imports itself through others', () => {
  inOrder(graphOf(paths, featureOf))
})

test('no file imports itself through others', () => {
  inOrder(graphOf(paths, (path) => (paths.includes(path) ? path : undefined)))
})

test('few files are outside of the rooms, and rooms import only paths.ts of them', () => {
  const beside = paths.filter((path) => !path.includes('/'))
  assert.deepEqual(beside.toSorted(), ['app.tsx', 'main.ts', 'paths.ts', 'server.ts'])
  for (const { from, to } of imports)
    if (from.includes('/') && beside.includes(to)) assert.equal(to, 'paths.ts', from)
})

test('the linter refuses exactly the imports that are not in the table', () => {
  type Rule = { patterns: { regex?: string }[] }
  type Override = { files: string[]; rules: { 'no-restricted-imports'?: ['error', Rule] } }
  const config = JSON.parse(readFileSync(`${root}.oxlintrc.json`, 'utf8')) as {
    overrides: Override[]
  }
  const table = tableOf('Rooms')
  const rooms = Object.keys(table)
  for (const [room, may] of Object.entries(table)) {
    const own = config.overrides.filter(({ files }) => files.includes(`src/${room}/**`))
    assert.equal(own.length, 1, `one block for src/${room}/`)
    const [, rule] = own[0]!.rules['no-restricted-imports']!
    const refuses = (target: string) =>
      rule.patterns.some(({ regex }) => regex !== undefined && new RegExp(regex).test(target))
    for (const up of ['../', '../../', '../../../']) {
      const allowed = rooms.filter((other) => other !== room && !refuses(`${up}${other}/file.ts`))
      assert.deepEqual(allowed.toSorted(), may, `src/${room}/`)
      assert.ok(['app.tsx', 'server.ts', 'main.ts'].every((file) => refuses(up + file)))
      assert.ok(!refuses(`${up}paths.ts`))
    }
    assert.ok(!refuses('./file.ts'))
  }
})

test('the files that the page names exist', () => {
  const named = [...page.matchAll(/`((?:[\w-]+\/)+[\w.-]+\.\w+)`/g)].map(([, path]) => path!)
  assert.ok(named.length > 5)
  for (const path of named)
    assert.ok(
      [`src/${path}`, path].some((one) => existsSync(root + one)),
      path,
    )
})

// The icons and classes in the markup exist: icons in static/icons.svg, classes in static/app.css or static/faults.css.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import test from 'node:test'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (path: string) => readFileSync(root + path, 'utf8')
const sources = readdirSync(`${root}src`, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.tsx?$/.test(file) && !file.includes('.test.'))
  .map((file) => read(`src/${file}`))

const found = (pattern: RegExp) =>
  new Set(sources.flatMap((text) => [...text.matchAll(pattern)].map((match) => match[1]!)))

test('every icon that is used is in static/icons.svg', () => {
  const drawn = new Set(
    [...read('static/icons.svg').matchAll(/ id="([\w-]+)"/g)].map(([, id]) => id!),
  )
  const used = found(/(?:<Icon name=|icon: |Icon\(\{ name: )['"]([\w-]+)['"]/g)
  assert.ok(used.size > 10)
  assert.deepEqual(
    [...used].filter((name) => !drawn.has(name)),
    [],
  )
})

/** Classes that only scripts use: they need no style. */
const hooks = [
  'numbers',
  'top',
  'zone',
  'alert',
  'alert-warning',
  'btn-favorite',
  'reply',
  'user-item',
  'search-input',
]

test('every class that is used has a style', () => {
  const styles = ['app', 'faults', 'traces'].map((name) => read(`static/${name}.css`)).join('')
  const styled = new Set([...styles.matchAll(/\.([a-z][\w-]*)/g)].map(([, name]) => name!))
  const used = [...found(/\bclass=["']([^"'{}]+)["']/g)].flatMap((names) => names.split(/\s+/))
  assert.ok(used.length > 40)
  const missing = new Set(used.filter((name) => !styled.has(name) && !hooks.includes(name)))
  assert.deepEqual([...missing], [])
})

// Parsers return harmless values for any input.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'

import fc from 'fast-check'
import Database from 'libsql'

import { ago } from '../src/base/format.ts'
import { readSettings, type RateName } from '../src/config/env.ts'
import { StartError } from '../src/config/start-error.ts'
import { readTelemetrySettings } from '../src/config/telemetry-settings.ts'
import { handleOf, numbered } from '../src/db/handles.ts'
import { planPeople, planSearch } from '../src/features/search/plan.ts'
import { safePath } from '../src/http/context.ts'
import { LinkedText } from '../src/ui/text/linked-text.tsx'

const anyText = fc.string({ unit: 'binary', maxLength: 60 })

test('no search text causes an FTS syntax error', () => {
  const db = new Database(':memory:')
  db.exec("CREATE VIRTUAL TABLE f USING fts5(msg, prefix='2 3 4')")
  const ask = db.prepare('SELECT rowid FROM f WHERE f MATCH ?')
  fc.assert(
    fc.property(
      fc.oneof(
        anyText,
        fc.string({
          unit: fc.constantFrom(
            '"',
            '*',
            '-',
            '^',
            ':',
            '(',
            ')',
            '{',
            '}',
            '+',
            ' ',
            'a',
            'NEAR',
            'OR',
            'NOT',
            '\u6771',
          ),
        }),
      ),
      (typed) => {
        for (const typing of [true, false])
          for (const plan of [planSearch(typed, { typing }), planPeople(typed)])
            if (plan && plan.match !== '') ask.raw().all([plan.match])
      },
    ),
    { numRuns: 1000 },
  )
})

test('a handle has 1 to 20 of a-z, 0-9 and _, or is undefined', () => {
  fc.assert(
    fc.property(anyText, fc.nat(99_999), (name, number) => {
      const handle = handleOf(name)
      if (handle === undefined) return
      assert.match(handle, /^[a-z0-9_]{1,20}$/)
      assert.doesNotMatch(handle, /^u\d+$/)
      assert.match(numbered(handle, number), /^[a-z0-9_]{1,20}$/)
    }),
  )
})

test('a safe path stays on this site', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        anyText,
        fc.webUrl(),
        fc.string({ unit: fc.constantFrom('/', '\\', '.', ':', 'a', '\n', '\t') }),
      ),
      (path) => {
        assert.equal(new URL(safePath(path), 'https://here.example').origin, 'https://here.example')
      },
    ),
  )
})

test('links in a text lead only to http(s) URLs, profiles and tags, and no text is lost', () => {
  const pieces = fc.array(
    fc.oneof(
      anyText,
      fc.webUrl(),
      fc.constantFrom(
        '@mara',
        '#tag',
        'javascript:alert(1)',
        '<b>',
        '"',
        "'",
        'https://',
        'http://x y',
      ),
    ),
    { maxLength: 6 },
  )
  fc.assert(
    fc.property(pieces, (all) => {
      const text = all.join(' ')
      const html = LinkedText({ children: text }).toString()
      for (const [, href] of html.matchAll(/href="([^"]*)"/g))
        assert.match(href!, /^(https?:\/\/|\/@[a-z0-9_]+$|\/tag\/[^/?#]+$)/)
      assert.doesNotMatch(html.replace(/<\/?a\b[^>]*>/g, ''), /[<>]/)
    }),
  )
})

test('ages are never negative, empty or in the future', () => {
  fc.assert(
    fc.property(fc.nat(4e9), fc.nat(4e9), (then, age) =>
      assert.match(ago(then, then + age), /^(now|\d+[smhd]|[A-Z][a-z]{2} \d{1,2}(, \d{4})?)$/),
    ),
  )
})

const textOf = (file: string) => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8')
const example = [...textOf('.env.example').matchAll(/^# ([A-Z_]+)=(.*)$/gm)].map(
  ([, name, value]) => [name!, value!] as const,
)
const isOtel = (name: string) => name.startsWith('OTEL_')

/** The settings in .env.example, with the first or the second of two defaults. */
const defaults = (which: 0 | 1) =>
  Object.fromEntries(
    example.map(([name, value]) => [name, value.split(' or ').at(-which) ?? value]),
  )

test('.env.example lists exactly the settings, with their defaults', () => {
  const known = [...textOf('src/config/env.ts').matchAll(/^ {2}([A-Z_]+): /gm)].map(
    ([, name]) => name!,
  )
  const names = example.map(([name]) => name)
  assert.deepEqual(names.filter((name) => !isOtel(name)).toSorted(), known.toSorted())
  // The values of these are in `demo`, `inspect`, `faults` and `rates`.
  const read = (env: Record<string, string>) =>
    Object.fromEntries(
      Object.entries(readSettings(env)).filter(
        ([name]) => !/^(DEMO|INSPECT|FAULTS|LIMIT_\w+)$/.test(name),
      ),
    )
  assert.deepEqual(read(defaults(0)), read({}))
  const strict = { ...defaults(1), DEMO: '0', INSPECT: '', FAULTS: '' }
  assert.deepEqual(read(strict), read({ DEMO: '0' }))
})

test('.env.example lists exactly the telemetry variables that are read, with their defaults', () => {
  const otel = Object.fromEntries(Object.entries(defaults(0)).filter(([name]) => isOtel(name)))
  const asked = new Set<string>()
  const kinds = Object.fromEntries(
    ['TRACES', 'METRICS', 'LOGS'].map((signal) => [`OTEL_${signal}_EXPORTER`, 'otlp']),
  )
  const env = new Proxy<Record<string, string>>(
    { ...kinds, OTEL_TRACES_SAMPLER: 'traceidratio' },
    {
      get(target, name: string) {
        asked.add(name.replace(/(?<=OTLP_)(TRACES|METRICS|LOGS)_(?!TEMPORALITY)/, ''))
        return target[name]
      },
    },
  )
  readTelemetrySettings(env, false)
  asked.add('OTEL_SERVICE_NAME') // only the SDK reads it: any value is valid
  assert.deepEqual(Object.keys(otel).toSorted(), [...asked].toSorted())
  assert.deepEqual(readTelemetrySettings(otel, true), readTelemetrySettings({}, true))
})

test('each setting is parsed, or refused with its name', () => {
  const names = example.map(([name]) => name).filter((name) => !isOtel(name))
  for (const TRUSTED_PROXIES of ['nobody', '10.0.0.0/99', '10.0.0.0/', '1.2.3']) {
    assert.throws(() => readSettings({ TRUSTED_PROXIES }), /TRUSTED_PROXIES is "/)
  }
  fc.assert(
    fc.property(fc.constantFrom(...names), anyText, (name, value) => {
      try {
        readSettings({ [name]: value })
      } catch (error) {
        assert.ok(error instanceof StartError)
        assert.ok(error.message.includes(`${name} is "${value}", but it accepts `), error.message)
      }
    }),
  )
})

test('the error for a wrong DATABASE_URL does not contain its password', () => {
  assert.throws(
    () => readSettings({ DATABASE_URL: 'postgres://wren:hunter2@db.example/x?authToken=eyJhb' }),
    (error: Error) =>
      error.message.includes('DATABASE_URL is "postgres://…@db.example/x?…"') &&
      !/hunter2|eyJhb/.test(error.message),
  )
})

test('docs/settings.md lists all rate limits, with their two defaults', () => {
  const page = readFileSync(new URL('../docs/settings.md', import.meta.url), 'utf8')
  const limits = Object.entries(readSettings({ DEMO: '1' }).rates)
  assert.ok(limits.length > 5)
  for (const [name, demo] of limits) {
    const strict = readSettings({ DEMO: '0' }).rates[name as RateName]
    const row = page.split('\n').find((line) => line.includes(`\`${name}\``)) ?? ''
    for (const { count, seconds } of [demo, strict])
      assert.ok(row.includes(`${count} in ${seconds} s`), `${name}: ${count} in ${seconds} s`)
  }
})

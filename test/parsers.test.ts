// Whatever people or scripts send, parsers give something harmless.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'

import fc from 'fast-check'
import Database from 'libsql'

import { readSettings } from '../src/env.ts'
import { planSearch } from '../src/features/search.tsx'
import { ago } from '../src/format.ts'
import { handleOf, numbered } from '../src/handles.ts'
import { StartError } from '../src/start-error.ts'
import { readTelemetrySettings } from '../src/telemetry-settings.ts'
import { LinkedText } from '../src/text.tsx'
import { safePath } from '../src/web.ts'

const anyText = fc.string({ unit: 'binary', maxLength: 60 })

test('no search is a syntax error', () => {
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
        const plan = planSearch(typed)
        if (plan?.by === 'words') ask.raw().all([plan.match])
      },
    ),
    { numRuns: 1000 },
  )
})

test('a handle is 1 to 20 of a-z, 0-9 and _, or there is none', () => {
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

test('links in a text lead to http addresses, profiles and searches alone, and no text is lost', () => {
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
        assert.match(href!, /^(https?:\/\/|\/@[a-z0-9_]+$|\/search\?q=)/)
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

test('every setting is parsed or refused by name, and .env.example has them all', () => {
  const names = [
    'HOST',
    'PORT',
    'PUBLIC_ORIGIN',
    'TRUSTED_PROXIES',
    'DEMO',
    'INSPECT',
    'GRAFANA_URL',
    'REGISTRATION',
    'OPERATORS',
    'DATABASE_URL',
    'DATABASE_AUTH_TOKEN',
    'DATABASE_SYNCHRONOUS',
    'DATABASE_TIMEOUT_MS',
    'LOCK_WAIT_MS',
    'WRITE_WAIT_MS',
    'WRITE_QUEUE',
    'PASSWORD_COST',
    'PASSWORD_WAIT_MS',
    'PASSWORD_QUEUE',
    'MAX_IN_FLIGHT',
    'REQUEST_QUEUE',
    'REQUEST_WAIT_MS',
    'MAX_BODY_BYTES',
    'LOG_LEVEL',
    'LIMIT_LOGIN_CLIENT',
    'LIMIT_LOGIN_ACCOUNT',
    'LIMIT_REGISTER',
    'LIMIT_WRITE',
    'LIMIT_SEARCH',
    'LIMIT_ACCOUNT',
  ]
  const example = readFileSync(new URL('../.env.example', import.meta.url), 'utf8')
  for (const name of names) assert.match(example, new RegExp(`^# ${name}=`, 'm'))
  assert.deepEqual(
    Object.keys(readSettings({})).filter((key) => /^[A-Z_]+$/.test(key) && !names.includes(key)),
    [],
  )
  for (const TRUSTED_PROXIES of ['nobody', '10.0.0.0/99', '1.2.3']) {
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

test('.env.example has every OTEL variable that is read, and no other', () => {
  const read = new Set<string>(['OTEL_SERVICE_NAME']) // the SDK reads this one itself
  const env = new Proxy<Record<string, string>>(
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://x', OTEL_TRACES_SAMPLER: 'traceidratio' },
    {
      get: (target, name: string) => {
        read.add(name)
        return target[name]
      },
    },
  )
  assert.deepEqual(readTelemetrySettings(env, false).warnings, [])
  const example = readFileSync(new URL('../.env.example', import.meta.url), 'utf8')
  const listed = [...example.matchAll(/^# (OTEL_\w+)=/gm)].map(([, name]) => name)
  assert.deepEqual(new Set(listed), read)
})

// The settings that reach the app in the stack: all of .env.example, except those that mean something else in a container.
// `UPDATE_COMPOSE=1 npx tsx --test test/stack-settings.test.ts` writes the list in compose.yaml.
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import test from 'node:test'
import { fileURLToPath } from 'node:url'

import { composeCommand, configOf } from './compose.ts'
import { scratch } from './process.ts'
import { at, keysOf, readYaml } from './yaml.ts'

const path = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url))
const textOf = (name: string) => readFileSync(path(name), 'utf8')

const ofOneSignal = (name: string) =>
  ['TRACES', 'METRICS', 'LOGS'].map((signal) => name.replace('OTLP_', `OTLP_${signal}_`))

/** `.env.example` names the variables of all signals; each can also be set for one. */
const settings = [...textOf('.env.example').matchAll(/^# ([A-Z_]+)=/gm)].flatMap(([, name = '']) =>
  /^OTEL_EXPORTER_OTLP_(?!METRICS_)/.test(name) ? [name, ...ofOneSignal(name)] : [name],
)

const file = 'the path of a file outside of the container'
const withSignals = (name: string, why: string) =>
  Object.fromEntries([name, ...ofOneSignal(name)].map((one) => [one, why]))
/** Settings that do not reach the app, and why. */
const exceptions: Record<string, string> = {
  HOST: 'the app listens on all addresses of its container; BIND says who reaches them',
  PORT: 'the app listens on 5000 in its container; APP_PORT moves the published port',
  ...Object.fromEntries(
    ofOneSignal('OTEL_EXPORTER_OTLP_ENDPOINT').map((name) => [
      name,
      'an address such as 127.0.0.1 is the container itself; APP_OTLP_ENDPOINT counts for all signals',
    ]),
  ),
  ...withSignals('OTEL_EXPORTER_OTLP_CERTIFICATE', file),
  ...withSignals('OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE', file),
  ...withSignals('OTEL_EXPORTER_OTLP_CLIENT_KEY', file),
}
/** Settings that have a name of their own in the stack, because the value in `.env` means something else in a container. */
const renamed: Record<string, string> = {
  DATABASE_URL: 'APP_DATABASE_URL',
  DATABASE_REPLICA_URL: 'APP_DATABASE_REPLICA_URL',
  TRUSTED_PROXIES: 'APP_TRUSTED_PROXIES',
  OTEL_EXPORTER_OTLP_ENDPOINT: 'APP_OTLP_ENDPOINT',
}

const environmentOf = (yaml: string) => at(readYaml(yaml), 'services', 'app', 'environment')
const marks = /( {6}# \(list of settings\)\n)[^]*?( {6}# \(end of the list\)\n)/

/** compose.yaml with the list that .env.example asks for. */
function written(yaml: string): string {
  const own = keysOf(environmentOf(yaml.replace(marks, '')))
  const names = settings.filter((name) => !own.includes(name) && exceptions[name] === undefined)
  return yaml.replace(marks, `$1${names.map((name) => `      ${name}:\n`).join('')}$2`)
}

test('compose.yaml passes every setting of .env.example to the app, except those with a reason', () => {
  const yaml = textOf('compose.yaml')
  assert.match(yaml, marks)
  if (process.env['UPDATE_COMPOSE'] === '1') writeFileSync(path('compose.yaml'), written(yaml))
  const environment = environmentOf(textOf('compose.yaml'))
  assert.deepEqual(
    keysOf(environment).toSorted(),
    settings.filter((name) => exceptions[name] === undefined).toSorted(),
  )
  assert.equal(textOf('compose.yaml'), written(yaml), 'UPDATE_COMPOSE=1 writes the list')
  for (const name of [...Object.keys(exceptions), ...Object.keys(renamed)])
    assert.ok(settings.includes(name), `${name} is a setting`)
  for (const name of keysOf(environment)) {
    const value = at(environment, name)
    if (value !== null)
      assert.match(String(value), new RegExp(`^\\$\\{${renamed[name] ?? name}:?-`), name)
  }
  const docs = textOf('docs/docker.md')
  for (const name of Object.values(renamed)) assert.match(docs, new RegExp(`\`${name}\``), name)
})

test('docker compose hands over what is set, in `.env` or in the environment, and nothing else', (t) => {
  const command = composeCommand(t)
  if (!command) return
  using place = scratch()
  const envFile = `${place.folder}/.env`
  writeFileSync(
    envFile,
    [
      'LIMIT_WRITE=7/60',
      'OTEL_EXPORTER_OTLP_HEADERS=authorization=Bearer abc',
      'OTEL_EXPORTER_OTLP_LOGS_TIMEOUT=99',
      'OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318',
      'DATABASE_URL=file:./data/mine.db',
      'TRUSTED_PROXIES=192.0.2.10',
      'PORT=7777',
      'SITE_RULES="Be kind.\\nNo ads."',
    ].join('\n'),
  )
  const app = (env: Record<string, string> = {}, more: string[] = []) =>
    configOf(command, { words: ['--env-file', envFile, ...more], env }).services['app']!
      .environment!
  const { MAX_IN_FLIGHT: inFlight, ...rest } = app({ MAX_IN_FLIGHT: '9' })
  assert.equal(inFlight, '9')
  assert.equal(rest['LIMIT_WRITE'], '7/60')
  assert.equal(rest['OTEL_EXPORTER_OTLP_HEADERS'], 'authorization=Bearer abc')
  assert.equal(rest['OTEL_EXPORTER_OTLP_LOGS_TIMEOUT'], '99')
  assert.equal(rest['SITE_RULES'], 'Be kind.\nNo ads.')
  assert.equal(rest['OTEL_EXPORTER_OTLP_ENDPOINT'], 'http://opentelemetry-collector:4318')
  assert.equal(rest['DATABASE_URL'], 'file:/data/tracewren.db')
  assert.equal(rest['TRUSTED_PROXIES'], '10.213.57.2')
  assert.equal(rest['PORT'] ?? null, null)
  assert.equal(rest['WRITE_QUEUE'] ?? null, null, 'not set, so not there')
  const other = app({
    APP_OTLP_ENDPOINT: '',
    APP_DATABASE_URL: 'http://sqld:8080',
    APP_TRUSTED_PROXIES: '10.213.57.1',
  })
  assert.equal(other['OTEL_EXPORTER_OTLP_ENDPOINT'], '')
  assert.equal(other['DATABASE_URL'], 'http://sqld:8080')
  assert.equal(other['TRUSTED_PROXIES'], '10.213.57.1')
})

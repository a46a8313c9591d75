// `npm run doctor` on the machine: settings, app, database, disk, clock; and that it prints no secret.
import assert from 'node:assert/strict'
import { rmSync, truncateSync } from 'node:fs'
import test from 'node:test'

import Database from 'libsql'

import { freePort } from '../bin/free-port.ts'
import { answering, examine, runDoctor } from './doctor-rig.ts'
import { freshServerUrl } from './libsql-server.ts'
import { scratch, smallDisk, startServer } from './process.ts'

/** An app on a file, and the settings to look at it. */
async function running(env: Record<string, string> = {}) {
  const place = scratch()
  const DATABASE_URL = `file:${place.folder}/x.db`
  const app = await startServer({ DATABASE_URL, ...env })
  return {
    app,
    path: `${place.folder}/x.db`,
    env: { DATABASE_URL, ...env, PORT: new URL(app.url).port },
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]()
      place[Symbol.dispose]()
    },
  }
}

test('without telemetry, and with it elsewhere, nothing is broken', async () => {
  await using site = await running()
  const off = await examine([], site.env)
  assert.equal(off.code, 0, off.printed)
  assert.match(off.row('Collector')?.said ?? '', /Telemetry is off/)
  const console = await examine([], { ...site.env, OTEL_TRACES_EXPORTER: 'console' })
  assert.equal(console.code, 0, console.printed)
})

test('--help, and words that are not understood', async () => {
  const { code, printed } = await runDoctor(['--help'], {})
  assert.equal(code, 0)
  assert.match(printed, /^npm run doctor/)
  for (const words of [
    ['--grafana', 'localhost:3000'],
    ['--wait', '0'],
    ['--wait', 'x'],
    ['now'],
    ['--colour'],
  ]) {
    const wrong = await runDoctor(words, {})
    assert.equal(wrong.code, 2, words.join(' '))
    assert.match(wrong.printed, /\n\nnpm run doctor/)
  }
})

test('settings that cannot be read stop it at the settings; bad OTEL variables are warnings', async () => {
  const { code, told } = await examine([], { PORT: 'many', DEMO: 'perhaps' })
  assert.equal(code, 1)
  assert.deepEqual(told.stoppedAt, { hop: 'settings' })
  assert.match(
    told.checks.map(({ said }) => said).join('\n'),
    /DEMO is "perhaps".*\n?.*PORT is "many"|PORT is "many".*\n?.*DEMO is "perhaps"/,
  )

  await using site = await running()
  const warned = await examine([], { ...site.env, OTEL_TRACES_EXPORTER: 'everywhere' })
  assert.equal(warned.code, 0)
  assert.equal(warned.row('settings')?.status, 'warning')
  assert.match(warned.row('settings')?.said ?? '', /OTEL_TRACES_EXPORTER is "everywhere"/)
})

test('the app: not there, another program on its port, not ready', async () => {
  await using site = await running()
  const away = await examine([], { ...site.env, PORT: String(await freePort()) })
  assert.deepEqual(away.told.stoppedAt, { hop: 'app' })
  assert.match(away.row('app')?.cure ?? '', /Start the app/)
  assert.equal(away.row('database')?.status, 'ok', 'the rest is looked at all the same')
  const other = await answering(404)
  const strange = await examine([], { ...site.env, PORT: String(other.port) })
  assert.match(strange.row('app')?.said ?? '', /another program has this port/)
  await other.close()
  rmSync(site.path)
  const unready = await examine([], site.env)
  assert.match(unready.row('app')?.said ?? '', /not ready/)
  assert.match(unready.row('app')?.answered ?? '', /the database cannot be written/)
  assert.match(unready.row('database')?.said ?? '', /x\.db is missing, but/)
})

test('the database: damaged, of another application, a server that is away', async () => {
  await using site = await running()
  await site.app.stop()
  truncateSync(site.path, 300_000)
  const damaged = await examine([], site.env)
  assert.equal(damaged.row('database')?.status, 'failed', damaged.printed)
  assert.match(JSON.stringify(damaged.row('database')), /damaged/)
  const [port, secret] = [await freePort(), 'eyJ-very-secret-token']
  const server = { DATABASE_URL: `http://127.0.0.1:${port}`, DATABASE_AUTH_TOKEN: secret }
  const away = await examine([], { ...site.env, ...server })
  assert.match(away.row('database')?.said ?? '', /No libSQL server answers/)
  assert.equal(away.row('disk')?.status, 'skipped')
  assert.doesNotMatch(away.printed, new RegExp(secret))
})

test('a libSQL server is asked, and its newest tweet is a witness of the clock', async () => {
  using folder = scratch()
  const server = await freshServerUrl(folder.folder)
  try {
    await using app = await startServer({ DATABASE_URL: server.url })
    const env = { DATABASE_URL: server.url, PORT: new URL(app.url).port }
    const { code, row, printed } = await examine([], env)
    assert.equal(code, 0, printed)
    assert.match(row('database')?.said ?? '', /The libSQL server at 127\.0\.0\.1:\d+ answers/)
    assert.match(row('clock')?.said ?? '', /agrees with the database/)
    const away = `http://127.0.0.1:${await freePort()}`
    const alone = await examine([], { ...env, DATABASE_REPLICA_URL: away })
    assert.equal(alone.row('database')?.status, 'warning', alone.printed)
    assert.match(alone.row('database')?.said ?? '', /answers, but its replica at .* does not:/)
    const both = await examine([], { ...env, DATABASE_REPLICA_URL: server.url })
    assert.match(both.row('database')?.said ?? '', /answers, and so does its replica at /)
  } finally {
    await server.stop()
  }
})

test('a disk with little space', async (t) => {
  using folder = scratch()
  using disk = smallDisk(`${folder.folder}/small`, 20_000)
  if (!disk) return t.skip('This user may not mount a small disk.')
  await using app = await startServer({ DATABASE_URL: `file:${folder.folder}/small/x.db` })
  const { told, row } = await examine([], {
    DATABASE_URL: `file:${folder.folder}/small/x.db`,
    PORT: new URL(app.url).port,
  })
  assert.deepEqual(told.stoppedAt, { hop: 'disk' })
  assert.match(row('disk')?.said ?? '', /^\d+ MB are free/)
})

test("a clock that is wrong, by the Collector's time and by the newest tweet", async () => {
  await using site = await running()
  for (const [seconds, said] of [
    [3600, /Collector is 3[56]\d\d s ahead of this machine's/],
    [-900, /Collector is (8|9)\d\d s behind this machine's/],
  ] as const) {
    const Date_ = new Date(Date.now() + seconds * 1000).toUTCString()
    const collector = await answering(200, { Date: Date_ })
    const env = { ...site.env, OTEL_EXPORTER_OTLP_ENDPOINT: collector.url }
    const { told, row } = await examine([], env)
    assert.deepEqual(told.stoppedAt, { hop: 'clock' })
    assert.match(row('clock')?.said ?? '', said)
    assert.match(row('clock')?.cure ?? '', /NTP/)
    await collector.close()
  }
  const db = new Database(site.path)
  db.exec(
    `UPDATE tweets SET created_at = ${Date.now() + 3_600_000} WHERE id = (SELECT max(id) FROM tweets)`,
  )
  db.close()
  const future = await examine([], site.env)
  assert.match(future.row('clock')?.said ?? '', /the newest tweet is of .* in the future/)
})

test('no secret is printed, whatever the answers repeat', async () => {
  await using site = await running()
  const secrets = ['Bearer abcdefgh-token', 'abcdefgh-token', 'hunter2word', 'other-key-value']
  const collector = await answering(
    401,
    { 'Content-Type': 'text/plain' },
    `you sent ${secrets.join(' and ')} and ${Buffer.from('sparrow:hunter2word').toString('base64')}`,
  )
  const env = {
    ...site.env,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.url.replace('//', '//sparrow:hunter2word@'),
    OTEL_EXPORTER_OTLP_HEADERS: 'authorization=Bearer%20abcdefgh-token,x-key=other-key-value',
  }
  for (const words of [[], ['--json']]) {
    const { printed } = await runDoctor(words, env)
    assert.match(printed, /what the headers authorization, x-key say/)
    for (const secret of [...secrets, Buffer.from('sparrow:hunter2word').toString('base64')])
      assert.ok(!printed.includes(secret), `${secret} in ${printed}`)
  }
  await collector.close()
})

// Refused starts, and stops without losing data.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { Agent, get } from 'node:http'
import { createServer } from 'node:net'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import Database from 'libsql'

import {
  post,
  refusedStart,
  register,
  runTool,
  scratch,
  smallDisk,
  startServer,
} from './process.ts'

const nobody = 65534
const isRoot = process.getuid?.() === 0
const hashOf = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex')

/** A database with the demo world, closed cleanly. */
async function made(path: string): Promise<void> {
  await using server = await startServer({ DATABASE_URL: `file:${path}`, LOG_LEVEL: 'silent' })
  assert.equal(await server.stop(), 0)
}

/** Asserts that the start fails with one line that matches, and does not change the file. */
async function refuses(
  path: string,
  words: RegExp,
  env: Record<string, string> = {},
): Promise<void> {
  const before = existsSync(path) ? hashOf(path) : ''
  const { said, code } = await refusedStart({ DATABASE_URL: `file:${path}`, ...env })
  assert.match(said, words)
  assert.equal(said.split('\n').length, 1, said)
  assert.equal(code, 1)
  if (before) assert.equal(hashOf(path), before, 'the file is untouched')
}

test('a file that is no database, of another application, damaged or newer is not changed', async () => {
  using place = scratch()
  const good = `${place.folder}/good.db`
  await made(good)
  const at = (name: string) => `${place.folder}/${name}.db`

  writeFileSync(at('text'), 'Dear diary, '.repeat(1000))
  await refuses(at('text'), /is not a database\. Move it away/)

  const foreign = new Database(at('foreign'))
  foreign.exec('CREATE TABLE invoices (id INTEGER PRIMARY KEY); CREATE TABLE more (id INTEGER)')
  foreign.close()
  await refuses(at('foreign'), /is the database of another application/)

  copyFileSync(good, at('truncated'))
  truncateSync(at('truncated'), 300_000)
  await refuses(at('truncated'), /is damaged .*Restore a backup/)

  copyFileSync(good, at('page'))
  const whole = new Database(at('page'))
  const [root] = whole
    .prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'users'")
    .raw()
    .get() as [number]
  whole.close()
  const bytes = readFileSync(at('page'))
  bytes.fill(0x5a, (root - 1) * 4096, root * 4096)
  writeFileSync(at('page'), bytes)
  await refuses(at('page'), /is damaged .*Restore a backup/)

  copyFileSync(good, at('newer'))
  const newer = new Database(at('newer'))
  newer.exec(
    "INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('later', 9999999999999); PRAGMA wal_checkpoint(TRUNCATE)",
  )
  newer.close()
  await refuses(at('newer'), /was made by a newer Tracewren/)

  mkdirSync(at('folder'))
  const folder = await refusedStart({ DATABASE_URL: `file:${at('folder')}` })
  assert.match(folder.said, /is a folder\. DATABASE_URL must name a file/)
  assert.equal(folder.code, 1)
})

test(
  'a folder or a file that is not writable',
  { skip: !isRoot && 'needs root to become somebody else' },
  async () => {
    using place = scratch()
    chmodSync(place.folder, 0o755)
    const inside = await refusedStart(
      { DATABASE_URL: `file:${place.folder}/sub/x.db` },
      { uid: nobody },
    )
    assert.match(inside.said, /The folder .* cannot be written/)
    assert.equal(inside.code, 1)
    mkdirSync(`${place.folder}/own`)
    await made(`${place.folder}/own/x.db`)
    chownSync(`${place.folder}/own`, nobody, nobody)
    chmodSync(`${place.folder}/own/x.db`, 0o400)
    const file = await refusedStart(
      { DATABASE_URL: `file:${place.folder}/own/x.db` },
      { uid: nobody },
    )
    assert.match(file.said, /cannot be read and written by this user/)
    assert.equal(file.code, 1)
  },
)

test('a second process names the process that has the lock, and can start after that has ended', async () => {
  using place = scratch()
  const path = `${place.folder}/one.db`
  await using first = await startServer({ DATABASE_URL: `file:${path}`, LOG_LEVEL: 'silent' })
  const { said, code } = await refusedStart({ DATABASE_URL: `file:${path}` })
  assert.match(said, new RegExp(`Another Tracewren process \\(pid ${first.child.pid}\\) uses`))
  assert.match(
    said,
    /^[^.]*one\.db: stop it first, [^.]* a libSQL server there, which several processes can share\.$/,
  )
  assert.equal(code, 1)
  await first.stop('SIGKILL')
  await using second = await startServer({ DATABASE_URL: `file:${path}`, LOG_LEVEL: 'silent' })
  assert.equal(await second.stop(), 0)
})

test('a port in use, wrong settings, a database server that is down', async () => {
  using place = scratch()
  const url = `file:${place.folder}/x.db`
  const taken = createServer()
  const port = await new Promise<number>((done) => {
    taken.listen(0, '127.0.0.1', () => {
      const address = taken.address()
      done(typeof address === 'object' && address ? address.port : 0)
    })
  })
  const busy = await refusedStart({ DATABASE_URL: url, PORT: String(port) })
  taken.close()
  assert.match(busy.said, new RegExp(`127\\.0\\.0\\.1:${port} is in use by another program`))
  assert.equal(busy.code, 1)

  const wrong = await refusedStart({
    DATABASE_URL: url,
    PORT: 'many',
    DEMO: 'yes',
    LIMIT_WRITE: '5',
    PUBLIC_ORIGIN: 'birds',
  })
  assert.equal(wrong.code, 1)
  assert.match(wrong.said, /PORT is "many", but it accepts a whole number from 0 to 65535/)
  assert.match(wrong.said, /DEMO is "yes", but it accepts "1" or "0"/)
  assert.match(wrong.said, /LIMIT_WRITE is "5", but it accepts actions per seconds/)
  assert.match(wrong.said, /PUBLIC_ORIGIN is "birds", but it accepts an origin/)

  const away = await refusedStart({ DATABASE_URL: 'http://127.0.0.1:9' })
  assert.match(away.said, /No libSQL server answers at http:\/\/127\.0\.0\.1:9/)
  assert.equal(away.code, 1)
})

test('it prints where it listens, how to log in and where the data is; DEMO=0 starts empty', async () => {
  using place = scratch()
  await using demo = await startServer({ DATABASE_URL: `file:${place.folder}/demo.db` })
  assert.match(demo.printed(), new RegExp(`Tracewren {2}${demo.url}/`))
  assert.match(demo.printed(), /user0001@example\.com \/ password123/)
  assert.match(demo.printed(), /demo\.db/)
  const town = await fetch(`${demo.url}/@thebench`)
  assert.equal(town.status, 200)
  assert.equal(await demo.stop(), 0)

  await using strict = await startServer({
    DATABASE_URL: `file:${place.folder}/strict.db`,
    DEMO: '0',
  })
  assert.doesNotMatch(strict.printed(), /password123/)
  assert.equal((await fetch(`${strict.url}/@thebench`)).status, 404)
  await strict.stop()
  await using demoFile = await startServer({
    DATABASE_URL: `file:${place.folder}/demo.db`,
    DEMO: '0',
  })
  const login = await post(`${demoFile.url}/login`, {
    mailaddress: 'user0001@example.com',
    password: 'password123',
  })
  assert.equal(login?.status, 422, 'demo accounts cannot sign in')
  await demoFile.stop()
})

test('a start deletes the sessions that have expired, and leaves the others', async () => {
  using place = scratch()
  const path = `${place.folder}/old.db`
  const env = { DATABASE_URL: `file:${path}`, LOG_LEVEL: 'silent' }
  await using first = await startServer(env)
  await register(first.url, 'sally')
  const cookie = await register(first.url, 'bert')
  await first.stop()
  const db = new Database(path)
  db.exec(
    "UPDATE sessions SET seen_at = 1 WHERE user_id = (SELECT id FROM users WHERE name = 'sally')",
  )
  db.close()
  await using second = await startServer(env)
  const bert = await fetch(`${second.url}/timeline`, { headers: { Cookie: cookie } })
  assert.match(await bert.text(), /Hello, bert/)
  await second.stop()
  assert.deepEqual(new Database(path).prepare('SELECT count(*) FROM sessions').raw().all([]), [[1]])
})

test('SIGTERM under load: every acknowledged tweet is on disk and the file is clean', async () => {
  using place = scratch()
  const env = { DATABASE_URL: `file:${place.folder}/stop.db`, LOG_LEVEL: 'silent' }
  await using server = await startServer(env)
  const cookie = await register(server.url, 'sally')
  const acknowledged: string[] = []
  let done = false
  const writing = Array.from({ length: 8 }, async (_, writer) => {
    for (let number = 0; !done; number++) {
      const msg = `s${writer}-${number}`
      const answer = await post(`${server.url}/tweet`, { msg }, cookie)
      if (answer?.status === 200) acknowledged.push(msg)
      else if (answer === undefined) return
    }
  })
  while (acknowledged.length < 50) await new Promise((tick) => setTimeout(tick, 5))
  assert.equal(await server.stop(), 0)
  done = true
  await Promise.all(writing)
  const rows = new Database(`${place.folder}/stop.db`)
    .prepare("SELECT msg FROM tweets WHERE msg LIKE 's_-%'")
    .raw()
    .all([]) as string[][]
  const onDisk = new Set(rows.flat())
  assert.deepEqual(
    acknowledged.filter((msg) => !onDisk.has(msg)),
    [],
  )
  assert.equal(runTool('db-check', [], env).code, 0)
})

test('new clients are served while a crowd of refused clients retries at once', async () => {
  using place = scratch()
  await using server = await startServer({
    DATABASE_URL: `file:${place.folder}/newcomers.db`,
    LOG_LEVEL: 'silent',
    REQUEST_QUEUE: '20',
  })
  const status = (path: string, agent: Agent | false) =>
    new Promise<number | undefined>((resolve, reject) => {
      get(`${server.url}${path}`, { agent }, (answer) =>
        answer.resume().once('end', () => resolve(answer.statusCode)),
      ).once('error', reject)
    })
  const agent = new Agent({ keepAlive: true, maxSockets: 100 })
  const seen = new Map<number | undefined, number>()
  const answers = () => [...seen.values()].reduce((sum, one) => sum + one, 0)
  let done = false
  const crowd = Array.from({ length: 100 }, async () => {
    while (!done) {
      const answer = await status('/', agent)
      seen.set(answer, (seen.get(answer) ?? 0) + 1)
    }
  })
  while (answers() < 2000) await pause(5)
  const before = answers()
  const newcomers = await Promise.all(Array.from({ length: 60 }, () => status('/livez', false)))
  const meanwhile = answers() - before
  done = true
  await Promise.all(crowd)
  agent.destroy()
  assert.deepEqual(new Set(newcomers), new Set([200]))
  assert.deepEqual(new Set(seen.keys()), new Set([200, 503]))
  // One accepted connection for each event-loop turn would mean sixty rounds of refused clients.
  assert.ok(meanwhile < 2000, `the crowd had ${meanwhile} answers meanwhile`)
})

test('a full disk: 507 with a sentence, no partial writes, and recovery when there is space', async (t) => {
  using place = scratch()
  using disk = smallDisk(`${place.folder}/disk`, 12 * 1024)
  if (!disk) return t.skip('needs the right to mount a small disk')
  const path = `${place.folder}/disk/full.db`
  const env = { DATABASE_URL: `file:${path}`, LOG_LEVEL: 'silent', INSPECT: '0' }
  await using server = await startServer(env)
  const cookie = await register(server.url, 'fulla')
  const acknowledged: string[] = []
  const write = async (number: number) => {
    const msg = `f${number}-${'x'.repeat(200)}`
    const answer = await post(`${server.url}/tweet`, { msg }, cookie)
    if (answer?.status === 200) acknowledged.push(msg)
    return answer
  }
  assert.equal((await write(0))?.status, 200)
  const ballast = `${place.folder}/disk/ballast`
  spawnSync('dd', ['if=/dev/zero', `of=${ballast}`, 'bs=4096'])
  let refused: Response | undefined
  for (let number = 1; number < 5000 && !refused; number++) {
    const answer = await write(number)
    if (answer?.status !== 200) refused = answer
  }
  assert.equal(refused?.status, 507)
  assert.match(await refused.text(), /There is no space left to keep this/)
  assert.equal((await fetch(`${server.url}/readyz`)).status, 503)
  assert.equal((await fetch(`${server.url}/`)).status, 200, 'reading goes on')
  rmSync(ballast)
  assert.equal((await write(9999))?.status, 200, 'there is space again')
  assert.equal((await fetch(`${server.url}/readyz`)).status, 200)
  assert.equal(await server.stop(), 0)
  const rows = new Database(path)
    .prepare("SELECT msg FROM tweets WHERE msg LIKE 'f%-xxx%'")
    .raw()
    .all([]) as string[][]
  assert.deepEqual(rows.flat().sort(), acknowledged.sort())
  assert.equal(runTool('db-check', [], env).code, 0)
  return undefined
})

test('the build minifies scripts and style sheet', async () => {
  using place = scratch()
  await using server = await startServer({ DATABASE_URL: `file:${place.folder}/small.db` })
  for (const name of ['app.css', 'app.js', 'forms.js', 'traces.css', 'traces.js', 'charts.js']) {
    const source = readFileSync(new URL(`../static/${name}`, import.meta.url))
    const served = await (await fetch(`${server.url}/static/${name}`)).text()
    assert.ok(served.length < 0.9 * source.length, `${name}: ${served.length} bytes`)
  }
})

// `npm run db:move`: from a file to a real libSQL server and back, refused, broken off, and repeated.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import test from 'node:test'

import { createClient } from '@libsql/client/http'
import Database from 'libsql'

import { freePort } from '../bin/free-port.ts'
import { freshServerUrl } from './libsql-server.ts'
import { ended, launch, post, refusedStart, runTool, scratch, startServer } from './process.ts'

type Ask = (sql: string) => Promise<unknown[][]>

const onServer =
  (url: string): Ask =>
  async (sql) => {
    const client = createClient({ url })
    const { rows, columns } = await client.execute(sql)
    client.close()
    return rows.map((row) => columns.map((_, at) => row[at]))
  }

const onFile =
  (path: string): Ask =>
  async (sql) => {
    const db = new Database(path)
    const rows = db.prepare(sql).raw().all([]) as unknown[][]
    db.close()
    return rows
  }

/** The whole schema and all rows, but for the tables inside of the search indexes, which db:check compares. */
async function contentOf(ask: Ask): Promise<Record<string, unknown[][]>> {
  const schema = await ask('SELECT type, name, sql FROM sqlite_schema ORDER BY name')
  const tables = schema
    .filter(([type, name]) => type === 'table' && !/_(search|fts)/.test(String(name)))
    .map(([, name]) => String(name))
  const content: Record<string, unknown[][]> = { schema }
  for (const name of tables) {
    // The last of 17 digits of a weight may change on the way.
    const rows = (await ask(`SELECT * FROM "${name}"`)).map((row) =>
      row.map((value) =>
        Number.isSafeInteger(value) || typeof value !== 'number' ? value : value.toPrecision(12),
      ),
    )
    content[name] = rows.toSorted((one, other) =>
      JSON.stringify(one) < JSON.stringify(other) ? -1 : 1,
    )
  }
  return content
}

/** Signs up; returns the cookie. */
async function join(url: string, name: string): Promise<string> {
  const fields = { name, mailaddress: `${name}@example.org`, password: 'a quokka in the zoo' }
  const answer = await post(`${url}/register`, fields)
  return answer?.headers.getSetCookie()[0]?.split(';')[0] ?? ''
}

/** An instance that people have used, and that has stopped. */
async function usedTown(folder: string, demo: '0' | '1' = '0') {
  const path = `${folder}/town.db`
  const env = { DATABASE_URL: `file:${path}`, LOG_LEVEL: 'silent', LOCK_WAIT_MS: '0', DEMO: demo }
  await using app = await startServer(env)
  const [cookie, other] = [await join(app.url, 'carol'), await join(app.url, 'dave')]
  const did = async (action: string, fields: Record<string, string> = {}, as = cookie) =>
    assert.equal((await post(app.url + action, fields, as))?.status, 200, action)
  await did('/tweet', { msg: 'a quokka “smiled” at @dave\n\t#zoo 🦘' })
  const [[first]] = (await onFile(path)('SELECT max(id) FROM tweets')) as [[number]]
  await did(`/favorite/${first}`, {}, other)
  await did(`/retweet/${first}`, {}, other)
  const [[dave]] = (await onFile(path)('SELECT max(id) FROM users')) as [[number]]
  await did(`/mute/${dave}`)
  await did('/tweet', { msg: 'gone soon' })
  const [[last]] = (await onFile(path)('SELECT max(id) FROM tweets')) as [[number]]
  await did(`/tweet/${last}/delete`)
  assert.equal(await app.stop(), 0)
  return { path, env, cookie, last }
}

test('to a server and back: every row, trigger and index arrives, and the app goes on there', async () => {
  using place = scratch()
  const { path, env, cookie, last } = await usedTown(place.folder, '1')
  const server = await freshServerUrl(place.folder)
  const there = { ...env, DATABASE_URL: server.url }
  try {
    const before = await contentOf(onFile(path))
    const moved = runTool('db-move', [server.url], env)
    assert.equal(moved.code, 0, moved.printed)
    assert.match(moved.printed, /^ +[\d,]+ tweets$/m)
    assert.match(moved.printed, /^\d[\d,]* rows in [\d.]+ s, counted on both sides\.$/m)
    assert.match(
      moved.printed,
      /^http:\S+ has all data of \S+town\.db\. Set DATABASE_URL=http:\S+ for the app\.$/m,
    )
    assert.deepEqual(await contentOf(onServer(server.url)), before)
    assert.deepEqual(await contentOf(onFile(path)), before, 'the source is only read')

    {
      await using app = await startServer(there)
      const as = (one: string) => ({ headers: { Cookie: one } })
      const search = async (q: string) =>
        (await fetch(`${app.url}/search?q=${q}`, as(cookie))).text()
      assert.match(await search('quokka'), /smiled/)
      assert.match(await search('carol'), /@carol/)
      assert.equal((await post(`${app.url}/tweet`, { msg: 'a wombat' }, cookie))?.status, 200)
      assert.match(await search('wombat'), /wombat/)
      const [[id, count]] = (await onServer(server.url)(
        "SELECT max(id), (SELECT tweet_count FROM users WHERE handle = 'carol') FROM tweets",
      )) as [[number, number]]
      assert.ok(id > last, 'the id of a deleted tweet is not given again')
      assert.equal(count, 2)
      assert.equal(await app.stop(), 0)
    }
    assert.equal(runTool('db-check', [], there).code, 0)

    const back = `${place.folder}/back.db`
    const returned = runTool('db-move', [`file:${back}`], there)
    assert.equal(returned.code, 0, returned.printed)
    // Before this process reads it: its own connection leaves files beside it until it is collected.
    const left = readdirSync(place.folder).filter((name) => /^back.*(part|-wal|-shm)/.test(name))
    assert.deepEqual(left, [])
    assert.deepEqual(await contentOf(onFile(back)), await contentOf(onServer(server.url)))
    const checked = runTool('db-check', [], { ...env, DATABASE_URL: `file:${back}` })
    assert.deepEqual(checked, { code: 0, printed: `${back} has no problems.\n` })
    await using app = await startServer({ ...env, DATABASE_URL: `file:${back}` })
    assert.match(await (await fetch(`${app.url}/@carol`)).text(), /wombat/)
  } finally {
    await server.stop()
  }
})

test('what it refuses, in a sentence each, and nothing is written', async () => {
  using place = scratch()
  const { env } = await usedTown(place.folder)
  const server = await freshServerUrl(place.folder)
  const refused = (words: string[], settings: Record<string, string> = env) => {
    const { code, printed } = runTool('db-move', words, settings)
    assert.equal(code, 1, printed)
    assert.equal(printed.trim().split('\n').length, 1, printed)
    return printed
  }
  try {
    assert.match(refused([]), /^One URL is needed: npm run db:move -- URL$/m)
    assert.match(refused(['backup.db']), /^URL must be "file:PATH"/)
    assert.match(refused([`file:${place.folder}/b.db`]), /^Both are files: use npm run db:backup/)
    const there = { ...env, DATABASE_URL: server.url }
    assert.match(refused(['http://127.0.0.1:9'], there), /^Both are servers: move it to a file/)
    assert.match(
      refused([`file:${place.folder}/b.db`], there),
      /no data of Tracewren .* nothing to move/,
    )
    const nowhere = `http://127.0.0.1:${await freePort()}`
    assert.match(
      refused([nowhere]),
      /^No libSQL server answers at http:\/\/127[\d.:]+ \(.+\)\. Is the URL right\?$/m,
    )
    assert.match(
      refused(['http://user:secret@127.0.0.1:9']),
      /^URL must not have a password in it: DATABASE_AUTH_TOKEN/,
    )
    const missing = { ...env, DATABASE_URL: `file:${place.folder}/missing.db` }
    assert.match(refused([server.url], missing), /^There is no database at \S+missing\.db\.$/m)
    {
      await using app = await startServer(env)
      assert.match(
        refused([server.url]),
        /^Another Tracewren process \(pid \d+\) uses \S+town\.db: stop it/,
      )
      await app.stop()
    }
    assert.deepEqual(await onServer(server.url)('SELECT name FROM sqlite_schema'), [])

    await onServer(server.url)('CREATE TABLE notes (text)')
    assert.match(refused([server.url]), /^The target is not empty: it has the table notes\./)
    await onServer(server.url)('DROP TABLE notes')
    assert.equal(runTool('db-move', [server.url], env).code, 0)
    assert.match(refused([server.url]), /^The target is not empty: it has the table \w+\./)
    assert.match(
      refused([env.DATABASE_URL], there),
      /town\.db has data already\. Name another file/,
    )
    const strange = `${place.folder}/strange.db`
    writeFileSync(strange, 'words')
    assert.match(refused([`file:${strange}`], there), /strange\.db is not a database/)
    assert.match(
      refused([`file:${place.folder}/no/x.db`], there),
      /x\.db cannot be written: .* does not exist/,
    )
    await onServer(server.url)(
      'DELETE FROM __drizzle_migrations WHERE created_at = (SELECT max(created_at) FROM __drizzle_migrations)',
    )
    assert.match(
      refused([`file:${place.folder}/b.db`], there),
      /made by an older Tracewren .* Start this one on it once/,
    )
    assert.equal(existsSync(`${place.folder}/b.db`), false)
  } finally {
    await server.stop()
  }
})

/** Passes requests on to a server; `before` may refuse one, by its number, and so cut the connection. */
async function proxy(target: number, before: (count: number) => Promise<boolean>) {
  let count = 0
  const http = createServer((incoming, answer) => {
    void before(++count).then((passes) => {
      if (!passes) return incoming.socket.destroy()
      const { method, url, headers } = incoming
      const outgoing = request({ port: target, method, path: url, headers }, (reply) => {
        answer.writeHead(reply.statusCode!, reply.headers)
        reply.pipe(answer)
      })
      return incoming.pipe(outgoing)
    })
  })
  await new Promise<void>((done) => http.listen(0, '127.0.0.1', done))
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`
  return { url, count: () => count, [Symbol.dispose]: () => void http.close() }
}

/** The tool beside this process, which goes on meanwhile. */
async function moving(url: string, env: Record<string, string>) {
  const child = launch(env, { command: [process.execPath, 'dist/db-move.js', url] })
  let printed = ''
  for (const stream of [child.stdout, child.stderr])
    stream!.on('data', (piece: Buffer) => (printed += piece))
  return { code: await ended(child), printed }
}

test('broken off at any point, it begins anew; no app starts on half of it', async () => {
  using place = scratch()
  const { path, env } = await usedTown(place.folder)
  const server = await freshServerUrl(place.folder)
  const there = { ...env, DATABASE_URL: server.url }
  try {
    using counting = await proxy(server.port, async () => true)
    assert.equal((await moving(counting.url, env)).code, 0)
    const whole = await contentOf(onServer(server.url))
    const all = counting.count()
    for (const part of [0.1, 0.5, 0.97]) {
      const folder = `${place.folder}/${part}`
      const other = await freshServerUrl(folder)
      try {
        const last = Math.floor(all * part)
        using cut = await proxy(other.port, async (count) => count <= last)
        const broken = await moving(cut.url, env)
        assert.equal(broken.code, 1, broken.printed)
        assert.match(broken.printed, /has stopped answering.* Run it again: it begins anew\.$/m)
        const start = await refusedStart({ ...env, DATABASE_URL: other.url })
        assert.match(
          start.said,
          /A move into this database has not been finished\. Run npm run db:move again/,
        )
        const again = runTool('db-move', [other.url], env)
        assert.equal(again.code, 0, again.printed)
        assert.deepEqual(await contentOf(onServer(other.url)), whole)
      } finally {
        await other.stop()
      }
    }
    const back = `${place.folder}/back.db`
    using cut = await proxy(server.port, async (count) => count <= all / 3)
    const broken = await moving(`file:${back}`, { ...there, DATABASE_URL: cut.url })
    assert.equal(broken.code, 1, broken.printed)
    assert.match(broken.printed, /has stopped answering.* Run it again: it begins anew\.$/m)
    assert.deepEqual(
      readdirSync(place.folder).filter((name) => name.startsWith('back.db')),
      ['back.db.lock.db'],
    )
    assert.equal(runTool('db-move', [`file:${back}`], there).code, 0)
    assert.deepEqual(await contentOf(onFile(back)), await contentOf(onFile(path)))
  } finally {
    await server.stop()
  }
})

test('a source that an app writes to meanwhile is found out', async () => {
  using place = scratch()
  const { env } = await usedTown(place.folder)
  const server = await freshServerUrl(place.folder)
  try {
    assert.equal(runTool('db-move', [server.url], env).code, 0)
    using writing = await proxy(server.port, async (count) => {
      if (count === 40) await onServer(server.url)('DELETE FROM sessions')
      return true
    })
    const back = `${place.folder}/back.db`
    const { code, printed } = await moving(`file:${back}`, { ...env, DATABASE_URL: writing.url })
    assert.equal(code, 1, printed)
    assert.match(
      printed,
      /^The source was written to while it was moved\. Stop every app that uses it/,
    )
    assert.equal(existsSync(back), false)
  } finally {
    await server.stop()
  }
})

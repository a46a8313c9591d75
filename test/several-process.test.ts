// Several processes on one libSQL server, behind the real nginx: what they share, and what each has for itself.
import assert from 'node:assert/strict'
import { cpSync, readFileSync } from 'node:fs'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { createClient } from '@libsql/client/http'

import { freshServerUrl } from './libsql-server.ts'
import { prepareNginx, startNginx } from './nginx.ts'
import { post, register, scratch, startServer } from './process.ts'
import { has, run } from './programs.ts'
import { startProxy } from './tcp-proxy.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const quiet = { LOG_LEVEL: 'silent', TRUSTED_PROXIES: 'loopback' }

const servers = (folder: string, APP_SERVERS: string) =>
  run('sh', [`${root}nginx/container/servers.sh`], { env: { SERVERS_FOLDER: folder, APP_SERVERS } })

const page = async (url: string, cookie = '') =>
  (await fetch(url, { headers: { Accept: 'text/html', ...(cookie && { Cookie: cookie }) } })).text()

/** Waits until a process has recovered by itself. */
async function isReady(url: string): Promise<void> {
  for (const until = Date.now() + 20_000; ; await pause(50)) {
    if ((await fetch(`${url}/readyz`)).status === 200) return
    assert.ok(Date.now() < until, 'it recovers by itself')
  }
}

test('APP_SERVERS names the processes for nginx; anything else stops its start with a sentence', (t) => {
  using place = scratch()
  const { folder } = place
  const conf = () => readFileSync(`${folder}/servers.conf`, 'utf8').split('\n').slice(1, -1)
  assert.equal(servers(folder, '').code, 0)
  assert.deepEqual(conf(), ['server app:5000 resolve max_fails=1 fail_timeout=1s;'])
  assert.equal(servers(folder, '127.0.0.1:5001, [::1]:5002\n127.0.0.1:5001').code, 0)
  const addresses = ['127.0.0.1:5001', '[::1]:5002']
  assert.deepEqual(
    conf(),
    addresses.map((one) => `server ${one} max_fails=1 fail_timeout=1s;`),
  )
  if (has(t, 'nginx')) {
    const args = prepareNginx({ folder, port: 1, statusPort: 2, upstream: 'unused:1' })
    cpSync(`${folder}/servers.conf`, `${folder}/conf/upstream.conf`)
    const checked = run('nginx', [...args, '-t'])
    assert.equal(checked.code, 0, checked.printed)
  }
  for (const wrong of ['app', 'app:0', 'app:99999', 'a;b:1', 'http://app:5000', '-a:1', 'a{:1']) {
    const { code, printed } = servers(folder, wrong)
    assert.equal(code, 1, wrong)
    assert.match(printed, /^APP_SERVERS has "[ -~]+", but a process of the app is named by /)
  }
  assert.match(readFileSync(`${root}Dockerfile`, 'utf8'), /servers\.sh \/docker-entrypoint\.d\/45-/)
  const own = readFileSync(`${root}nginx/container/upstream.conf`, 'utf8')
  assert.match(own, /^include \/run\/servers\.conf;$/m)
})

test('behind nginx a person stays on one process, so that its traces are there, and moves on when it is away', async (t) => {
  if (!has(t, 'nginx')) return
  using place = scratch()
  const database = await freshServerUrl(place.folder)
  const apps = await Promise.all(
    Array.from({ length: 3 }, () => startServer({ DATABASE_URL: database.url, ...quiet })),
  )
  const ports = apps.map(({ url }) => new URL(url).port)
  assert.equal(servers(place.folder, ports.map((port) => `127.0.0.1:${port}`).join(' ')).code, 0)
  const nginx = await startNginx(place.folder, 'unused:1', (conf) =>
    cpSync(`${place.folder}/servers.conf`, `${conf}/upstream.conf`),
  )
  try {
    const keepers = new Set<string>()
    for (let person = 0; person < 12; person++) {
      const cookie = await register(nginx.url, `p${person}`)
      const own = new Set<string>()
      for (let count = 0; count < 5; count++) {
        const text = await page(`${nginx.url}/timeline`, `theme=x; ${cookie}`)
        const link = /href="(\/traces\/[0-9a-f]{32}\?kept_by=([^"]+))"/.exec(text)!
        own.add(link[2]!)
        assert.match(
          await page(`${nginx.url}${link[1]}`, cookie),
          /id="waterfall"|class="waterfall/,
        )
      }
      assert.equal(own.size, 1, 'one process for a person')
      keepers.add([...own][0]!)
    }
    assert.ok(keepers.size > 1, 'not all on the same one')
    // The name of the cookie with https.
    const seen = new Set<string>()
    for (let count = 0; count < 5; count++) {
      const text = await page(nginx.url, '__Host-tracewren_session=of-somebody')
      seen.add(/kept_by=([^"]+)"/.exec(text)![1]!)
    }
    assert.equal(seen.size, 1)

    const cookie = await register(nginx.url, 'mover')
    const keeperOf = async () =>
      /kept_by=([^"]+)"/.exec(await page(`${nginx.url}/timeline`, cookie))?.[1]
    const before = await keeperOf()
    const names = await Promise.all(
      apps.map(async ({ url }) => /kept_by=([^"]+)"/.exec(await page(url))![1]),
    )
    await apps[names.indexOf(before)]!.stop('SIGKILL')
    for (let count = 0; count < 10; count++) {
      const answer = await fetch(`${nginx.url}/timeline`, { headers: { Cookie: cookie } })
      assert.equal(answer.status, 200)
    }
    assert.notEqual(await keeperOf(), before)
    const token = cookie.split('=')[1]!
    assert.ok(!nginx.accessLog().includes(token), 'the session is not logged')
  } finally {
    await nginx.stop()
    for (const app of apps) await app.stop('SIGKILL')
    await database.stop()
  }
})

test('an answer that is lost behind nginx: a read is asked of another process, a write is not sent twice', async (t) => {
  if (!has(t, 'nginx')) return
  using place = scratch()
  const database = await freshServerUrl(place.folder)
  const apps = await Promise.all(
    [1, 2].map(() => startServer({ DATABASE_URL: database.url, ...quiet })),
  )
  const ways = await Promise.all(apps.map(({ url }) => startProxy(Number(new URL(url).port))))
  const hosts = ways.map(({ url }) => new URL(url).host).join()
  assert.equal(servers(place.folder, hosts).code, 0)
  const nginx = await startNginx(place.folder, 'unused:1', (conf) =>
    cpSync(`${place.folder}/servers.conf`, `${conf}/upstream.conf`),
  )
  try {
    const cookie = await register(nginx.url, 'walter')
    const reached: number[] = []
    for (const [at, way] of ways.entries()) way.watch(() => reached.push(at))
    assert.equal((await post(`${nginx.url}/tweet`, { msg: 'the first' }, cookie))?.status, 200)
    const mine = ways[reached[0]!]!
    mine.cutsAnswers = true
    const lost = await post(`${nginx.url}/tweet`, { msg: 'only one of me' }, cookie)
    assert.equal(lost?.status, 503)
    assert.match(await lost.text(), /What you sent may have been done, or not: look before you/)
    const read = await fetch(`${nginx.url}/@walter`, { headers: { Cookie: cookie } })
    assert.equal(read.status, 200)
    assert.equal((await read.text()).match(/class="msg"[^>]*>only one of me</g)?.length, 1)
    assert.deepEqual(reached, [reached[0], reached[0]], 'the other one got no POST')
  } finally {
    await nginx.stop()
    for (const way of ways) await way.close()
    for (const app of apps) await app.stop('SIGKILL')
    await database.stop()
  }
})

test('another process says which one has a trace; wrong logins count over all processes', async () => {
  using place = scratch()
  const database = await freshServerUrl(place.folder)
  const env = { DATABASE_URL: database.url, LIMIT_LOGIN_ACCOUNT: '10/600', ...quiet }
  await using one = await startServer(env)
  await using other = await startServer(env)
  const link = /href="(\/traces\/[0-9a-f]{32}\?kept_by=([^"]+))"/.exec(await page(`${one.url}/`))!
  assert.match(await page(one.url + link[1]), /waterfall/)
  const elsewhere = await fetch(other.url + link[1], { headers: { Accept: 'text/html' } })
  assert.equal(elsewhere.status, 404)
  const text = await elsewhere.text()
  assert.ok(text.includes(`Process <code>${link[2]}</code> recorded it`), text)
  assert.doesNotMatch(await page(`${one.url}${link[1]!.replace(/=.*/, '=<b>')}`), /<b>/)

  await register(one.url, 'rita')
  const statuses: (number | undefined)[] = []
  for (let count = 0; count < 12; count++) {
    const { url } = count % 2 ? one : other
    const answer = await post(`${url}/login`, { mailaddress: 'rita@example.org', password: 'x' })
    statuses.push(answer?.status)
    if (answer?.status === 429) assert.ok(Number(answer.headers.get('Retry-After')) > 500)
  }
  assert.deepEqual(statuses.slice(-2), [429, 429])
  assert.equal(statuses.indexOf(429), 10, statuses.join())
  const client = createClient({ url: database.url })
  const { rows } = await client.execute('select key from attempts')
  assert.ok(rows.length > 0)
  for (const { key } of rows) assert.match(String(key), /^[0-9a-f]{64}$/, 'no address is stored')
  client.close()
  await database.stop()
})

test('/readyz fails while the server answers reads, but nobody can write; it recovers by itself', async () => {
  using place = scratch()
  const database = await freshServerUrl(place.folder)
  await using app = await startServer({
    DATABASE_URL: database.url,
    DATABASE_TIMEOUT_MS: '1000',
    ...quiet,
  })
  const ready = async () => (await fetch(`${app.url}/readyz`)).status
  assert.equal(await ready(), 200)
  const client = createClient({ url: database.url })
  const holder = await client.transaction('write')
  await holder.execute('update trends set epoch = epoch')
  assert.equal((await fetch(`${app.url}/`)).status, 200, 'pages are read')
  assert.equal(await ready(), 503)
  await holder.rollback()
  client.close()
  await isReady(app.url)
  await database.stop()
})

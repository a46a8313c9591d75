// Acknowledged writes are on disk: after kill -9, and while another process holds the write lock.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import Database from 'libsql'

import { post, register, runTool, scratch, startServer, type Server } from './process.ts'

const kills = Number(process.env['KILLS'] ?? 20)
const writers = 4

/** The number of rows of each text in the file. */
function written(path: string): Map<string, number> {
  const rows = new Database(path, { timeout: 5000 })
    .prepare("SELECT msg, count(*) FROM tweets WHERE msg LIKE 'w_-%' GROUP BY msg")
    .raw()
    .all([]) as [string, number][]
  return new Map(rows)
}

type Tally = {
  acknowledged: Set<string>
  next: number
  open: { msg: string; key: string } | undefined
}

/** Posts texts one by one until the server is gone. The unanswered one is sent again with its key on the next call. */
async function writeUntilGone(
  server: Server,
  cookie: string,
  tally: Tally,
  name: string,
): Promise<void> {
  for (;;) {
    tally.open ??= { msg: `w${name}-${tally.next++}`, key: crypto.randomUUID() }
    const answer = await post(`${server.url}/tweet`, tally.open, cookie)
    if (!answer) return
    if (answer.status === 200) {
      tally.acknowledged.add(tally.open.msg)
      tally.open = undefined
    }
  }
}

test(`kill -9, ${kills} times under write load: no acknowledged tweet is lost or duplicated`, async () => {
  using place = scratch()
  const path = `${place.folder}/kill.db`
  const env = { DATABASE_URL: `file:${path}`, LOG_LEVEL: 'silent', INSPECT: '0' }
  const tallies: Tally[] = Array.from({ length: writers }, () => ({
    acknowledged: new Set(),
    next: 0,
    open: undefined,
  }))
  const cookies: string[] = []
  for (let round = 0; round < kills; round++) {
    // Alternately one write at a time and concurrent writes, which share commits.
    const DATABASE_SYNCHRONOUS = round % 2 === 0 ? 'normal' : 'full'
    await using server = await startServer({ ...env, DATABASE_SYNCHRONOUS })
    for (let one = cookies.length; one < writers; one++)
      cookies.push(await register(server.url, `writer${one}`))
    const writing = tallies.map((tally, one) =>
      writeUntilGone(server, cookies[one]!, tally, String(one)),
    )
    await pause(50 + Math.random() * 250)
    await server.stop('SIGKILL')
    await Promise.all(writing)
  }
  const acknowledged = tallies.flatMap((tally) => [...tally.acknowledged])
  const onDisk = written(path)
  const lost = acknowledged.filter((msg) => !onDisk.has(msg))
  const doubled = [...onDisk].filter(([, count]) => count > 1)
  console.log(`# ${kills} kills, ${acknowledged.length} acknowledged, ${onDisk.size} on disk`)
  assert.deepEqual(lost, [])
  assert.deepEqual(doubled, [])
  assert.ok(acknowledged.length > kills, 'a load that writes nothing proves nothing')
  const checked = runTool('db-check', [], env)
  assert.equal(checked.code, 0, checked.printed)
})

/** Holds the write lock of a database for `ms`, in another process. */
function holdLock(path: string, ms: number): Promise<unknown> {
  const script = `import Database from 'libsql'
    const db = new Database(${JSON.stringify(path)}, { timeout: 10000 })
    db.exec('BEGIN IMMEDIATE'); console.log('held')
    setTimeout(() => { db.exec('ROLLBACK'); process.exit(0) }, ${ms})`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: fileURLToPath(new URL('../', import.meta.url)),
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  return new Promise((held) => child.stdout.once('data', () => held(undefined)))
}

for (const heldMs of [1000, 10_000]) {
  test(`another process holds the write lock for ${heldMs / 1000} s: reads go on, writes wait, nothing is lost`, async () => {
    using place = scratch()
    const path = `${place.folder}/lock.db`
    await using server = await startServer({ DATABASE_URL: `file:${path}`, LOG_LEVEL: 'silent' })
    const cookie = await register(server.url, 'holly')
    const acknowledged: string[] = []
    const statuses = new Map<number, number>()
    let slowestRead = 0
    let longestWrite = 0
    let done = false
    const write = async (name: string) => {
      for (let number = 0; !done; number++) {
        const from = performance.now()
        const answer = await post(`${server.url}/tweet`, { msg: `w${name}-${number}` }, cookie)
        longestWrite = Math.max(longestWrite, performance.now() - from)
        statuses.set(answer?.status ?? 0, (statuses.get(answer?.status ?? 0) ?? 0) + 1)
        if (answer?.status === 200) acknowledged.push(`w${name}-${number}`)
        if (answer?.status === 503) assert.ok(answer.headers.get('Retry-After'))
      }
    }
    const read = async (address: string) => {
      while (!done) {
        const from = performance.now()
        const answer = await fetch(`${server.url}${address}`, { headers: { Cookie: cookie } })
        await answer.text()
        assert.equal(answer.status, 200)
        slowestRead = Math.max(slowestRead, performance.now() - from)
        await pause(20)
      }
    }
    await holdLock(path, heldMs)
    const working = [write('a'), write('b'), read('/livez'), read('/timeline'), read('/')]
    await pause(heldMs + 1500)
    done = true
    await Promise.all(working)
    assert.equal((await post(`${server.url}/tweet`, { msg: 'wafterwards' }, cookie))?.status, 200)
    await server.stop()
    const onDisk = written(path)
    console.log(
      `# lock for ${heldMs} ms: ${acknowledged.length} acknowledged, slowest read ${slowestRead.toFixed(0)} ms,`,
      [...statuses],
    )
    assert.deepEqual(
      acknowledged.filter((msg) => onDisk.get(msg) !== 1),
      [],
    )
    assert.ok(acknowledged.length > 0)
    assert.ok(slowestRead < heldMs * 0.8, `a read took ${slowestRead} ms`)
    if (heldMs > 5000)
      assert.ok((statuses.get(503) ?? 0) > 0, 'who waits longer than five seconds is told so')
    else assert.equal(statuses.get(503) ?? 0, 0, 'a second of waiting is not refused')
    assert.ok(longestWrite < 9000, `a write waited ${longestWrite} ms`)
  })
}

// Several processes on one libSQL server with its default flags: what they share, and that none stops it.
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import { createClient } from '@libsql/client/http'
import Connection from 'libsql'

import { freshServerUrl } from './libsql-server.ts'
import { ended, launch, post, register, scratch, startServer } from './process.ts'

/** Several processes that start at once on a new server. */
async function several(count: number, env: Record<string, string> = {}) {
  const place = scratch()
  const database = await freshServerUrl(place.folder)
  const all = { DATABASE_URL: database.url, LOG_LEVEL: 'silent', ...env }
  const processes = await Promise.all(Array.from({ length: count }, () => startServer(all)))
  return {
    database,
    processes,
    async [Symbol.asyncDispose]() {
      await Promise.all(processes.map((one) => one[Symbol.asyncDispose]()))
      await database.stop()
      place[Symbol.dispose]()
    },
  }
}

test('a process that finds the database locked at its start waits as long as it takes, and says so', async () => {
  using place = scratch()
  const database = await freshServerUrl(place.folder)
  // The server makes its file for the first statement.
  await createClient({ url: database.url }).execute('SELECT 1')
  const other = new Connection(`${place.folder}/server/dbs/default/data`, { timeout: 10_000 })
  other.exec('BEGIN IMMEDIATE')
  const child = launch({ DATABASE_URL: database.url, PORT: '0' })
  let printed = ''
  for (const output of [child.stdout, child.stderr])
    output?.on('data', (piece: Buffer) => (printed += piece))
  try {
    const until = (isSo: () => boolean) => waitFor(isSo, child)
    await until(() => printed.includes('waiting for another process that writes the database'))
    // It gave up after five tries, about 1.5 s.
    await pause(4000)
    assert.doesNotMatch(printed, /Error|"listening"/)
    other.exec('ROLLBACK')
    await until(() => printed.includes('"listening"'))
  } finally {
    child.kill('SIGKILL')
    await ended(child)
    other.close()
    await database.stop()
  }
})

/** Waits until something is so, for at most 30 s, while the process lives. */
async function waitFor(isSo: () => boolean, child: ChildProcess): Promise<void> {
  for (const giveUp = Date.now() + 30_000; !isSo(); await pause(20)) {
    assert.equal(child.exitCode, null, 'the process has ended')
    assert.ok(Date.now() < giveUp, 'it takes too long')
  }
}

test('three processes, each with 48 people who post without a pause: they never stop the server', async () => {
  await using running = await several(3)
  const cookie = await register(running.processes[0]!.url, 'crowd')
  const statuses = new Map<number, number>()
  let isOver = false
  let lastSuccess = 0
  const people = running.processes.flatMap(({ url }, process) =>
    Array.from({ length: 48 }, async (_, person) => {
      for (let number = 0; !isOver; number++) {
        const msg = `p${process}-${person}-${number}`
        const status = (await post(`${url}/tweet`, { msg }, cookie))?.status ?? 0
        statuses.set(status, (statuses.get(status) ?? 0) + 1)
        if (status === 200) lastSuccess = Date.now()
        else await pause(50)
      }
    }),
  )
  // With four writes of each process at once, two runs of five stopped for ever within the first seconds.
  for (const until = Date.now() + 60_000; (statuses.get(200) ?? 0) < 500 && Date.now() < until;)
    await pause(50)
  const endedAt = Date.now()
  isOver = true
  await Promise.all(people)
  console.log('# answers by status:', Object.fromEntries(statuses))
  assert.ok((statuses.get(200) ?? 0) >= 500, 'posts go through')
  assert.ok(endedAt - lastSuccess < 5000, 'until the end')
  assert.deepEqual(
    [...statuses.keys()].filter((status) => status !== 200 && status !== 503),
    [],
  )
  const client = createClient({ url: running.database.url })
  const { rows } = await client.execute("select count(*) from tweets where msg glob 'p[0-9]*-*'")
  client.close()
  const stored = Number(rows[0]![0])
  assert.ok(stored >= statuses.get(200)!, `what was answered with 200 is stored: ${stored}`)
  for (const { url } of running.processes) {
    assert.equal((await fetch(`${url}/readyz`)).status, 200, 'each recovers by itself')
    assert.equal((await post(`${url}/tweet`, { msg: 'after the crowd' }, cookie))?.status, 200)
  }
})

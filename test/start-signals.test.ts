// Signals: during the start, while serving, through npm, as process 1 of a container.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { Agent, get, request, type IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import Database from 'libsql'

import { ended, launch, register, runTool, scratch, startServer, type Server } from './process.ts'

/** "At once", on a busy machine; the defects that these tests pin took ten seconds and more. */
const atOnceMs = 8000

/** Sends a signal; returns the exit code, and the time until the exit. */
async function stopped(child: Server['child'], signal: NodeJS.Signals = 'SIGTERM') {
  const began = performance.now()
  child.kill(signal)
  const code = await ended(child)
  return { code, ms: performance.now() - began }
}

async function endsAtOnce(child: Server['child'], signal?: NodeJS.Signals): Promise<void> {
  const { code, ms } = await stopped(child, signal)
  assert.equal(code, 0)
  assert.ok(ms < atOnceMs, `it took ${ms} ms`)
}

/** Has the process installed its signal handlers? Checks SIGHUP, the last one: Node itself catches the others. */
function handles(pid: number): boolean {
  const status = existsSync(`/proc/${pid}/status`)
    ? readFileSync(`/proc/${pid}/status`, 'utf8')
    : ''
  const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'
  return (BigInt(`0x${caught}`) & 1n) !== 0n
}

/** Waits until a starting process handles signals. */
async function untilHandled(pid: () => number): Promise<void> {
  for (const giveUp = Date.now() + 20_000; !handles(pid()); await pause(1))
    assert.ok(Date.now() < giveUp, 'it never handles signals')
}

function gather(child: Server['child']): () => string {
  let printed = ''
  child.stdout?.on('data', (piece: Buffer) => (printed += piece))
  child.stderr?.on('data', (piece: Buffer) => (printed += piece))
  return () => printed
}

const childOf = (pid: number): number =>
  Number(spawnSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' }).stdout.trim())

test('a signal during the start: it never listens, and the next start accepts the database', async () => {
  using place = scratch()
  const env = { DATABASE_URL: `file:${place.folder}/x.db` }
  const child = launch({ ...env, PORT: '0' })
  const printed = gather(child)
  await untilHandled(() => child.pid!)
  await endsAtOnce(child)
  assert.doesNotMatch(printed(), /listening/)
  assert.match(printed(), /"stopping","signal":"SIGTERM"/)
  await using server = await startServer(env)
  assert.equal((await fetch(server.url)).status, 200)
  await server.stop()
  assert.equal(runTool('db-check', [], env).code, 0)
})

test('a signal at any moment of the first start: the demo world is complete, or the next start creates it', async () => {
  for (const delay of [20, 60, 100, 140, 180, 240, 300]) {
    using place = scratch()
    const env = { DATABASE_URL: `file:${place.folder}/x.db`, INSPECT: '0' }
    const child = launch({ ...env, PORT: '0' })
    await untilHandled(() => child.pid!)
    await pause(delay)
    await endsAtOnce(child)
    await using server = await startServer(env)
    const town = await fetch(`${server.url}/@thebench`)
    assert.equal(town.status, 200, `after ${delay} ms`)
    await server.stop()
    assert.equal(runTool('db-check', [], env).code, 0, `after ${delay} ms`)
  }
})

test('as process 1 of a container, too', async (t) => {
  const command = ['unshare', '--pid', '--fork', '--mount-proc', '--kill-child']
  if (spawnSync(command[0]!, [...command.slice(1), 'true']).status !== 0)
    return t.skip('needs the right to make a process namespace')
  using place = scratch()
  const env = { DATABASE_URL: `file:${place.folder}/x.db`, PORT: '0' }
  const child = launch(env, { command: [...command, process.execPath, 'dist/server.js'] })
  const printed = gather(child)
  const inner = () => childOf(child.pid!)
  await untilHandled(inner)
  const began = performance.now()
  process.kill(inner(), 'SIGTERM')
  assert.equal(await ended(child), 0, 'unshare hands on the exit code')
  assert.ok(performance.now() - began < atOnceMs)
  assert.doesNotMatch(printed(), /listening/)
  return undefined
})

test('a signal while it waits for the lock: the owner of the lock goes on', async () => {
  using place = scratch()
  const env = { DATABASE_URL: `file:${place.folder}/x.db`, LOCK_WAIT_MS: '15000' }
  await using first = await startServer(env)
  const second = launch({ ...env, PORT: '0' })
  await untilHandled(() => second.pid!)
  await pause(1000)
  await endsAtOnce(second)
  assert.equal((await fetch(first.url)).status, 200)
  assert.equal(await first.stop(), 0)
})

test('a signal while another program holds the write lock, or the libSQL server hangs', async () => {
  using place = scratch()
  const path = `${place.folder}/x.db`
  await using first = await startServer({ DATABASE_URL: `file:${path}` })
  await first.stop()
  const other = new Database(path)
  other.exec('BEGIN IMMEDIATE')
  const child = launch({ DATABASE_URL: `file:${path}`, PORT: '0' })
  await untilHandled(() => child.pid!)
  await pause(1000)
  await endsAtOnce(child)
  other.close()

  const hanging = (await import('node:net')).createServer(() => undefined)
  await once(hanging.listen(0, '127.0.0.1'), 'listening')
  const { port } = hanging.address() as { port: number }
  const remote = launch({
    DATABASE_URL: `http://127.0.0.1:${port}`,
    DATABASE_TIMEOUT_MS: '30000',
    PORT: '0',
  })
  await once(hanging, 'connection')
  await endsAtOnce(remote)
  hanging.close()
})

/** A like that waits for the write lock until `release`: a request that is in progress as long as the test wants. */
async function underWay(path: string, server: Server, agent: Agent) {
  const cookie = await register(server.url, 'sally')
  const other = new Database(path)
  other.exec('BEGIN IMMEDIATE')
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    const headers = { Cookie: cookie, 'Content-Type': 'application/x-www-form-urlencoded' }
    const asked = request(`${server.url}/tweet`, { method: 'POST', agent, headers })
    asked.once('error', reject).once('response', resolve).end('msg=at+the+last+moment')
  })
  // What came later is answered: the server has it.
  assert.equal((await fetch(`${server.url}/livez`)).status, 200)
  await pause(300)
  return {
    answer,
    release: () => {
      other.exec('ROLLBACK')
      other.close()
    },
  }
}

test('SIGTERM with a request in progress: it is answered, then the process exits', async () => {
  using place = scratch()
  const path = `${place.folder}/x.db`
  await using server = await startServer({ DATABASE_URL: `file:${path}`, LOG_LEVEL: 'silent' })
  const agent = new Agent({ keepAlive: true })
  const { answer, release } = await underWay(path, server, agent)
  server.child.kill('SIGTERM')
  await pause(300)
  assert.equal(server.child.exitCode, null, 'it waits for the answer')
  release()
  const { statusCode, headers } = await answer
  const answered = performance.now()
  assert.equal(statusCode, 200)
  assert.equal(headers.connection, 'close')
  assert.equal(await ended(server.child), 0)
  const ms = performance.now() - answered
  assert.ok(ms < atOnceMs, `it stayed for ${ms} ms`)
  agent.destroy()
  const rows = new Database(path).prepare("SELECT 1 FROM tweets WHERE msg = 'at the last moment'")
  assert.equal(rows.raw().all([]).length, 1)
})

test('idle connections, a live stream and half a request do not delay the exit', async () => {
  using place = scratch()
  await using server = await startServer({ DATABASE_URL: `file:${place.folder}/x.db` })
  const agent = new Agent({ keepAlive: true })
  const ask = (path: string) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      get(server.url + path, { agent }, resolve).once('error', reject)
    })
  const page = await ask('/')
  await once(page.resume(), 'end')
  const live = await ask('/traces/live')
  live.resume().once('error', () => undefined)
  const { port } = new URL(server.url)
  const sockets = ['', 'GET / HT'].map((text) => {
    const socket = connect(Number(port), '127.0.0.1')
    socket.once('error', () => undefined).write(text)
    return socket
  })
  await pause(300)
  await endsAtOnce(server.child)
  for (const socket of sockets) socket.destroy()
  agent.destroy()
})

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`npm start passes ${signal} on`, async () => {
    using place = scratch()
    const env = { DATABASE_URL: `file:${place.folder}/x.db`, HOME: place.folder }
    await using server = await startServer(env, { command: ['npm', 'start'] })
    await endsAtOnce(server.child, signal)
    await assert.rejects(fetch(server.url), 'nobody listens any more')
    assert.equal(runTool('db-repair', [], { ...env, LOCK_WAIT_MS: '0' }).code, 0, 'nobody locks')
  })
}

test('a closed terminal stops it gracefully', async () => {
  using place = scratch()
  await using server = await startServer({ DATABASE_URL: `file:${place.folder}/x.db` })
  await endsAtOnce(server.child, 'SIGHUP')
  assert.match(server.printed(), /"message":"stopped"/)
})

test('a second Ctrl-C ends it at once; the same signal from terminal and npm counts once', async () => {
  using place = scratch()
  const path = `${place.folder}/x.db`
  await using server = await startServer({ DATABASE_URL: `file:${path}` })
  const agent = new Agent({ keepAlive: true })
  const { answer, release } = await underWay(path, server, agent)
  answer.catch(() => undefined)
  server.child.kill('SIGINT')
  server.child.kill('SIGINT')
  await pause(1000)
  assert.equal(server.child.exitCode, null, 'it waits for the answer')
  assert.equal((await stopped(server.child, 'SIGINT')).code, 130)
  release()
  agent.destroy()
})

test('an uncaught exception: logged with its stack, requests in progress are answered, exit code 1', async () => {
  using place = scratch()
  const path = `${place.folder}/x.db`
  const fault =
    'process.on("SIGUSR2", () => setTimeout(() => { throw new Error("a bug of ours") }))'
  await using server = await startServer({
    DATABASE_URL: `file:${path}`,
    NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(fault)}`,
  })
  const agent = new Agent({ keepAlive: true })
  const { answer, release } = await underWay(path, server, agent)
  server.child.kill('SIGUSR2')
  await pause(300)
  release()
  assert.equal((await answer).statusCode, 200)
  assert.equal(await ended(server.child), 1)
  agent.destroy()
  assert.match(server.printed(), /"uncaught exception".*a bug of ours.*stacktrace":".*at /)
  assert.match(server.printed(), /"message":"stopped"/)
})

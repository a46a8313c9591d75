// `npm run user` while the app runs: over a socket beside the database.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, existsSync, lstatSync, writeFileSync } from 'node:fs'
import { createConnection } from 'node:net'
import test from 'node:test'
import { fileURLToPath } from 'node:url'

import { freshServerUrl } from './libsql-server.ts'
import { post, register, runTool, scratch, startServer } from './process.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const isRoot = process.getuid?.() === 0

const place = () => {
  const { folder, ...rest } = scratch()
  const path = `${folder}/town.db`
  const env = { DATABASE_URL: `file:${path}`, DEMO: '0', LOG_LEVEL: 'info', LOCK_WAIT_MS: '0' }
  return { folder, path, socket: `${path}.sock`, env, ...rest }
}

const signIn = async (url: string, mailaddress: string, password: string) =>
  (await post(`${url}/login`, { mailaddress, password }))?.status

test('accounts are changed while the app runs, and it sees it at once', async () => {
  using at = place()
  await using server = await startServer(at.env)
  const cookie = await register(server.url, 'alice-of-the-sea')
  const alice = 'alice-of-the-sea@example.org'
  const isIn = async () =>
    (await fetch(`${server.url}/timeline`, { headers: { Cookie: cookie }, redirect: 'manual' }))
      .status === 200
  assert.ok(!(await isIn()), 'password123 is too common here')
  const made = runTool('user', ['operator', alice.toUpperCase()], at.env, 'correct horse\n')
  assert.deepEqual(made, { code: 0, printed: `${alice} has an account and is an operator.\n` })
  assert.equal(await signIn(server.url, alice, 'correct horse'), 303)
  assert.equal(runTool('user', ['suspend', alice], at.env).code, 0)
  assert.equal(await signIn(server.url, alice, 'correct horse'), 422)
  assert.equal(runTool('user', ['unsuspend', alice], at.env).code, 0)
  assert.equal(runTool('user', ['password', alice], at.env, 'a new one\n').code, 0)
  assert.equal(await signIn(server.url, alice, 'a new one'), 303)
  const short = runTool('user', ['password', alice], at.env, 'short\n')
  assert.deepEqual(short, { code: 1, printed: 'A password needs 8 characters or more.\n' })
  assert.equal(runTool('user', ['delete', alice], at.env).code, 0)
  const gone = runTool('user', ['delete', alice], at.env)
  assert.deepEqual(gone, { code: 1, printed: `Nobody has the address ${alice}.\n` })
  assert.equal(runTool('user', ['invite', alice], at.env).code, 2)
  assert.equal(runTool('user', ['constructor', alice], at.env).code, 2)
  assert.match(server.printed(), /"message":"administration".*"action":"suspend"/)
  assert.doesNotMatch(server.printed(), /correct horse|a new one/)
})

test('an operator of the terminal deletes what others wrote; in a demo, its people are none', async () => {
  using at = place()
  const env = { ...at.env, DEMO: '1' }
  await using server = await startServer(env)
  const cookie = await register(server.url, 'carol')
  const del = async () => (await post(`${server.url}/tweet/5/delete`, {}, cookie))?.status
  assert.equal(await del(), 404)
  assert.equal(runTool('user', ['operator', 'carol@example.org'], env).code, 0)
  assert.equal(await del(), 200)
  assert.equal(runTool('user', ['no-operator', 'carol@example.org'], env).code, 0)
  assert.equal(
    (await post(`${server.url}/tweet/6/delete`, {}, cookie))?.status,
    404,
    'and no more when it is taken back',
  )
  const demo = runTool('user', ['operator', 'user0001@example.com'], env)
  assert.equal(demo.code, 1)
  assert.match(demo.printed, /A demo account cannot be an operator/)
  await server.stop()
  const named = { ...env, OPERATORS: 'carol@example.org' }
  assert.match(
    runTool('user', ['no-operator', 'carol@example.org'], named).printed,
    /stays an operator, because OPERATORS/,
  )
})

test('the first operator and an invitation, before and while the app runs, where registration is closed', async () => {
  using at = place()
  const env = { ...at.env, REGISTRATION: 'closed' }
  await using server = await startServer(env)
  const { printed, code } = runTool('user', ['operator', 'me@example.org'], env)
  assert.equal(code, 0)
  const password = /The password is (\S{16})\n$/.exec(printed)?.[1]
  assert.equal(await signIn(server.url, 'me@example.org', password ?? ''), 303)
  const invitation = runTool('user', ['invite'], env)
  const link = /^(http:\/\/\S+)\n/.exec(invitation.printed)?.[1] ?? ''
  assert.ok(link.startsWith(`${server.url}/register?invitation=`), invitation.printed)
  const fields = { name: 'Guest', password: 'correct horse', invitation: link.split('=')[1]! }
  const signUp = async (name: string) =>
    (await post(`${server.url}/register`, { ...fields, mailaddress: `${name}@example.org` }))
      ?.status
  const statuses = await Promise.all(['one', 'two', 'three', 'four'].map(signUp))
  assert.deepEqual(
    statuses.toSorted((a, b) => a! - b!),
    [303, 403, 403, 403],
  )
  assert.ok(!server.printed().includes(fields.invitation))
  await server.stop()
  const direct = runTool('user', ['invite'], { ...env, PUBLIC_ORIGIN: 'https://birds.example' })
  assert.match(
    direct.printed,
    /^https:\/\/birds\.example\/register\?invitation=[\w-]{43}\n[^\n]*\n$/,
  )
})

test('the socket is for its owner alone, leaves with the app, and is replaced after a kill', async () => {
  using at = place()
  const server = await startServer(at.env)
  assert.equal(lstatSync(at.socket).mode & 0o777, 0o600)
  await server.stop()
  assert.ok(!existsSync(at.socket), 'removed at the stop')
  const killed = await startServer(at.env)
  await killed.stop('SIGKILL')
  assert.ok(existsSync(at.socket))
  const unknown = runTool('user', ['suspend', 'me@example.org'], at.env)
  assert.match(unknown.printed, /Nobody has the address/, 'a dead socket is no app')
  await using next = await startServer(at.env)
  assert.equal(runTool('user', ['invite'], at.env).code, 0)
  assert.ok(next.child.pid)
})

test('another user is refused, even one who may read the database', { skip: !isRoot }, async () => {
  using at = place()
  await using server = await startServer(at.env)
  chmodSync(at.folder, 0o777)
  for (const file of [at.path, `${at.path}-wal`, `${at.path}-shm`]) chmodSync(file, 0o666)
  const as = (uid: number, ...words: string[]) =>
    spawnSync(process.execPath, [`${root}dist/user.js`, ...words], {
      uid,
      gid: uid,
      cwd: '/',
      env: { PATH: process.env['PATH'], ...at.env },
      encoding: 'utf8',
      timeout: 60_000,
    })
  const stranger = as(65534, 'invite')
  assert.equal(stranger.status, 1, stranger.stdout)
  assert.match(stranger.stderr, /belongs to another user\. Run this command as the user/)
  assert.equal(as(0, 'invite').status, 0)
  assert.equal((await fetch(`${server.url}/livez`)).status, 200)
})

/** Sends bytes as they are and gives what came until the end. */
const raw = (path: string, text: string, end = false) =>
  new Promise<string>((resolve, reject) => {
    const socket = createConnection(path)
    let got = ''
    socket.on('data', (piece) => (got += String(piece)))
    socket.once('close', () => resolve(got))
    socket.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EPIPE' || error.code === 'ECONNRESET' ? resolve(got) : reject(error),
    )
    if (end) socket.end(text)
    else socket.write(text)
  })

test('what is no order is refused, is bounded, and holds nothing up', async () => {
  using at = place()
  await using server = await startServer(at.env)
  for (const line of [
    '',
    'x',
    '{',
    'null',
    '[]',
    '7',
    '{"action":7}',
    '{"action":"x"}',
    '{"action":"__proto__"}',
  ])
    assert.match(await raw(at.socket, `${line}\n`), /^\{"ok":false,"text":"This is no order/, line)
  assert.equal(await raw(at.socket, 'x'.repeat(100_000)), '')
  assert.equal(await raw(at.socket, '{"action":"inv', true), '')
  const started = Date.now()
  // Nine who say nothing: one finds no room, eight wait their five seconds, and the app stops in no time.
  const silent = Array.from({ length: 9 }, () => raw(at.socket, ''))
  await new Promise((done) => setTimeout(done, 200))
  assert.equal(await server.stop(), 0)
  await Promise.all(silent)
  assert.ok(Date.now() - started < 4900, `${Date.now() - started} ms`)
})

test('an app that does not answer is said after five seconds', async () => {
  using at = place()
  await using server = await startServer(at.env)
  server.child.kill('SIGSTOP')
  const started = Date.now()
  const late = runTool('user', ['invite'], at.env)
  server.child.kill('SIGCONT')
  assert.equal(late.code, 1)
  assert.match(late.printed, /did not answer within 5 seconds/)
  // Five seconds, and the start of a process on a busy machine.
  assert.ok(Date.now() - started < 20_000)
})

test('where the socket cannot be made the app runs without it', async () => {
  using at = place()
  writeFileSync(at.socket, 'a file of somebody')
  await using server = await startServer(at.env)
  assert.match(server.printed(), /no socket for npm run user/)
  const refused = runTool('user', ['invite'], at.env)
  assert.equal(refused.code, 1)
  assert.match(refused.printed, /Another Tracewren process \(pid \d+\) uses/)
  await server.stop()
  assert.ok(existsSync(at.socket), 'it is not ours to remove')
  assert.equal(runTool('user', ['invite'], at.env).code, 0)
})

test('twenty commands at once: each is done or says why not', async () => {
  using at = place()
  await using server = await startServer(at.env)
  const one = (name: string) =>
    new Promise<number | null>((done) => {
      const child = spawn(
        process.execPath,
        [`${root}dist/user.js`, 'operator', `${name}@example.org`],
        {
          cwd: root,
          env: { PATH: process.env['PATH'], PASSWORD_COST: '4', ...at.env },
          stdio: ['ignore', 'ignore', 'pipe'],
        },
      )
      child.once('exit', done)
    })
  const codes = await Promise.all(Array.from({ length: 20 }, (_, number) => one(`op${number}`)))
  const done = codes.filter((code) => code === 0).length
  assert.ok(done >= 8, String(codes))
  assert.equal((await fetch(`${server.url}/readyz`)).status, 200)
})

test('with a libSQL server the command works on it directly, beside the running app', async () => {
  using at = place()
  const database = await freshServerUrl(at.folder)
  const env = { ...at.env, DATABASE_URL: database.url, REGISTRATION: 'closed' }
  try {
    await using server = await startServer(env)
    const made = runTool('user', ['operator', 'me@example.org'], env, 'correct horse\n')
    assert.equal(made.code, 0, made.printed)
    assert.equal(await signIn(server.url, 'me@example.org', 'correct horse'), 303)
    const invitation = /invitation=(\S+)/.exec(runTool('user', ['invite'], env).printed)?.[1] ?? ''
    const signUp = async (name: string) =>
      (
        await post(`${server.url}/register`, {
          name,
          mailaddress: `${name}@example.org`,
          password: 'correct horse',
          invitation,
        })
      )?.status
    const statuses = await Promise.all(['one', 'two', 'three'].map(signUp))
    assert.deepEqual(
      statuses.toSorted((a, b) => a! - b!),
      [303, 403, 403],
    )
  } finally {
    await database.stop()
  }
})

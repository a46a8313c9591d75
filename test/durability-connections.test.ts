// Connections: more than there are file descriptors, those that end early, and bytes that are not an HTTP request.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import { scratch, startServer } from './process.ts'

/** Sends raw bytes; returns everything that the server answers. */
async function raw(url: string, text: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  let answer = ''
  socket.on('data', (piece: Buffer) => (answer += piece))
  socket.on('error', () => undefined)
  socket.write(text)
  await once(socket, 'close')
  return answer
}

test('more connections than file descriptors: the server goes on', async () => {
  using place = scratch()
  await using server = await startServer(
    { DATABASE_URL: `file:${place.folder}/x.db` },
    { command: ['sh', '-c', `ulimit -n 64; exec ${process.execPath} dist/server.js`] },
  )
  const { port } = new URL(server.url)
  const crowd = Array.from({ length: 200 }, () => {
    const socket = connect(Number(port), '127.0.0.1')
    socket.on('error', () => undefined)
    return socket
  })
  await pause(1000)
  for (const socket of crowd) socket.destroy()
  await pause(300)
  assert.equal((await fetch(server.url)).status, 200)
  assert.equal(await server.stop(), 0)
})

test('bytes that are not a request are answered with a sentence and counted, and harm no other connection', async () => {
  using place = scratch()
  await using server = await startServer({ DATABASE_URL: `file:${place.folder}/x.db` })
  const answers: [text: string, status: RegExp][] = [
    ['\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03', /^HTTP\/1\.1 400 Bad Request\r\n/],
    ['GET / HTTP/1.1\r\nHost: x\r\nBad Header\r\n\r\n', /^HTTP\/1\.1 400 Bad Request\r\n/],
    [
      `GET / HTTP/1.1\r\nHost: x\r\nX: ${'a'.repeat(20_000)}\r\n\r\n`,
      /^HTTP\/1\.1 431 Request Header Fields Too Large\r\n/,
    ],
  ]
  for (const [text, status] of answers) {
    const answer = await raw(server.url, text)
    assert.match(answer, status)
    assert.match(answer, /\r\nContent-Type: text\/plain; charset=utf-8\r\n[\s\S]*\r\n\r\n\w.*\.\n$/)
  }
  const slow = await raw(server.url, 'GET / HTTP/1.1\r\nHost')
  assert.match(slow, /^HTTP\/1\.1 408 Request Timeout\r\n/)
  for (const giveUp = Date.now() + 15_000; !/unreadable/.test(server.printed()); await pause(100))
    assert.ok(Date.now() < giveUp)
  assert.match(server.printed(), /"level":"info","message":"unreadable requests",.*"431 /)
  assert.doesNotMatch(server.printed(), /"level":"error"/)
  assert.equal(await server.stop(), 0)
})

test('logins whose clients hang up leave the queue: the next one does not wait for them', async () => {
  using place = scratch()
  await using server = await startServer({
    DATABASE_URL: `file:${place.folder}/x.db`,
    PASSWORD_COST: '12', // some 250 ms each: 40 of them take seconds
    MAX_IN_FLIGHT: '1000',
  })
  const login = (signal: AbortSignal) =>
    fetch(`${server.url}/login`, {
      method: 'POST',
      body: new URLSearchParams({ mailaddress: 'nobody@example.org', password: 'password123' }),
      redirect: 'manual',
      signal,
    })
  const timed = async () => {
    const began = performance.now()
    assert.equal((await login(AbortSignal.timeout(20_000))).status, 422)
    return performance.now() - began
  }
  const before = await timed()
  const client = new AbortController()
  const crowd = Array.from({ length: 40 }, () => login(client.signal))
  const outcomes = Promise.allSettled(crowd)
  await pause(500)
  client.abort()
  await outcomes
  const ms = await timed()
  // On a busy machine each takes longer: the queue would have been some twenty times one of them.
  const alone = Math.max(before, await timed())
  assert.ok(ms < Math.max(2500, 6 * alone), `${ms} ms, alone ${alone} ms`)
  assert.equal(await server.stop(), 0)
})

// Incomplete uploads: they are reported in the same way, however they were sent.
import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import { kinds, told } from './exported.ts'
import { post, register } from './process.ts'

const form = 'Content-Type: application/x-www-form-urlencoded'
const multipart = 'Content-Type: multipart/form-data; boundary=x'
const inChunks = 'Transfer-Encoding: chunked'
const part = '--x\r\nContent-Disposition: form-data; name="msg"\r\n\r\nhel'
const chunk = (text: string) => `${text.length.toString(16)}\r\n${text}\r\n`
const flood = chunk('x'.repeat(8192)).repeat(9)

type Upload = { headers: string[]; body: string; leave?: (socket: Socket) => void }
const uploads: Record<string, Upload> = {
  'of announced length': { headers: [form, 'Content-Length: 100'], body: 'msg=hel' },
  'in chunks': { headers: [form, inChunks], body: chunk('msg=hel') },
  'in chunks, none yet': { headers: [form, inChunks], body: '' },
  'in chunks, in the midst of one': { headers: [form, inChunks], body: '64\r\nmsg=hel' },
  'in chunks, before the last empty one': {
    headers: [form, inChunks],
    body: `${chunk('msg=hel')}0`,
  },
  'files of announced length': { headers: [multipart, 'Content-Length: 1000'], body: part },
  'files in chunks': { headers: [multipart, inChunks], body: chunk(part) },
  'in chunks that are none': { headers: [form, inChunks], body: `${chunk('msg=hel')}zz\r\n` },
  'closed, not reset': {
    headers: [form, inChunks],
    body: chunk('msg=hel'),
    leave: (socket) => socket.end(),
  },
  'of announced length, closed, not reset': {
    headers: [form, 'Content-Length: 100'],
    body: 'msg=hel',
    leave: (socket) => socket.end(),
  },
  // The server ends these after ten seconds, its time limit for a request.
  'of announced length, slow': {
    headers: [form, 'Content-Length: 100'],
    body: 'msg=hel',
    leave: () => undefined,
  },
  'in chunks, slow': { headers: [form, inChunks], body: chunk('msg=hel'), leave: () => undefined },
  'after another on the same connection': {
    headers: [form, 'Content-Length: 3', '', `a=1POST /tweet HTTP/1.1`, 'Host: x', form, inChunks],
    body: chunk('msg=hel'),
  },
}
const tooLarge: Record<string, Upload> = {
  'too large in chunks': { headers: [form, inChunks], body: flood },
  'too large of announced length': { headers: [form, 'Content-Length: 70000'], body: 'msg=hel' },
}

/** Sends the beginning of an upload, then disconnects; resolves with the answer when the connection is closed. */
async function send(port: number, name: string, cookie: string, upload: Upload): Promise<string> {
  const { headers, body, leave = (one: Socket) => one.resetAndDestroy() } = upload
  const socket = connect(port, '127.0.0.1')
  let answer = ''
  socket.on('data', (piece: Buffer) => (answer += piece))
  socket.on('error', () => {})
  const closed = new Promise((done) => socket.once('close', done))
  const own = [`User-Agent: ${name}`, `Cookie: ${cookie}`, ...headers]
  const all = own.flatMap((line) => (line === 'Host: x' ? [line, ...own.slice(0, 2)] : [line]))
  socket.write(`POST /tweet HTTP/1.1\r\nHost: x\r\n${all.join('\r\n')}\r\n\r\n${body}`)
  // What came later is answered: the server has begun to read.
  assert.equal((await fetch(`http://127.0.0.1:${port}/livez`)).status, 200)
  await pause(300)
  leave(socket)
  await closed
  return answer
}

test('an interrupted upload is not a server error: 400, one line at info, no stack', async () => {
  const answers: Record<string, string> = {}
  const result = await told({}, async (server) => {
    const cookie = await register(server.url, 'alice')
    const port = Number(new URL(server.url).port)
    await Promise.all(
      Object.entries({ ...uploads, ...tooLarge }).map(async ([name, upload]) => {
        answers[name] = await send(port, name, cookie, upload)
      }),
    )
    await pause(300)
    assert.equal((await post(`${server.url}/tweet`, { msg: 'whole' }, cookie))?.status, 200)
  })
  assert.equal(result.code, 0)
  const said = (name: string) => {
    const requests = result.spans.filter(
      ({ kind, attributes }) => kind === kinds.server && attributes['user_agent.original'] === name,
    )
    return requests
      .map(
        ({ attributes: of }) =>
          `${Number(of['http.response.status_code'])} ${String(of['app.error.slug'])}`,
      )
      .join(', ')
  }
  for (const name of Object.keys(uploads)) {
    const first = name.startsWith('after') ? '400 bad_field, ' : ''
    assert.equal(said(name), `${first}400 body_cut`, name)
  }
  for (const name of Object.keys(tooLarge)) {
    assert.equal(said(name), '413 body_too_large', name)
    assert.match(answers[name]!, /^HTTP\/1\.1 413 /, name)
  }
  const loud = result.logs.filter(({ severity, event }) => severity > 9 || event === '')
  assert.deepEqual(
    loud
      .map(({ body }) => body)
      .filter((body) => !/^(listening|stopp|unreadable requests$)/.test(String(body))),
    [],
  )
  assert.doesNotMatch(result.printed, /stacktrace|aborted|Error|at file:/)
  const lines = result.printed.split('\n').filter((line) => line.includes('body_cut'))
  assert.equal(lines.length, Object.keys(uploads).length)
  for (const line of lines) assert.match(line, /"level":"info","message":"request"/)
})

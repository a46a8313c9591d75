// TEST_APP="bun" or "deno run -A", with a path: the app of the harness is then dist/server.js, started by that program, and
// every request goes to its port. What tests look at inside of their own process is not there.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { freePort } from '../bin/free-port.ts'
import { readSettings } from '../src/config/env.ts'
import { openDb } from '../src/db/db.ts'

const root = fileURLToPath(new URL('../', import.meta.url))

/** An empty database that is not new: a process writes no demo world into it. */
async function emptyDatabase(url: string): Promise<void> {
  const database = await openDb(readSettings({ DATABASE_URL: url }))
  await database.db.run("insert into sqlite_sequence (name, seq) values ('users', 0)")
  await database.close()
}

/** Starts `command` with dist/server.js on an empty database, and waits until it answers. */
export async function startOnPort(command: string, env: Record<string, string>) {
  const folder = mkdtempSync(join(tmpdir(), 'tracewren-'))
  const url = `file:${folder}/test.db`
  await emptyDatabase(url)
  const port = await freePort()
  const [program, ...words] = [...command.split(' '), `${root}dist/server.js`]
  const child = spawn(program, words, {
    cwd: folder,
    env: {
      PATH: process.env['PATH'],
      HOME: folder,
      LOG_LEVEL: 'silent',
      DATABASE_URL: url,
      ...env,
      PORT: String(port),
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', (piece: Buffer) => (said += piece))
  process.once('exit', () => child.kill('SIGKILL'))
  const ended = new Promise<void>((done) => child.once('exit', () => done()))
  for (const giveUp = Date.now() + 60_000; ; await pause(20)) {
    if (
      await fetch(`http://127.0.0.1:${port}/livez`).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      break
    if (child.exitCode === null && Date.now() < giveUp) continue
    child.kill('SIGKILL')
    throw new Error(`${command} did not start the app:\n${said}`)
  }
  const stop = async () => {
    child.kill('SIGKILL')
    await ended
    rmSync(folder, { recursive: true, force: true })
  }
  return { url, stop, fetch: (asked: Request) => send(port, asked) }
}

/** Sends a request as it is: `fetch` would write a Host header of its own, and unpack bodies. */
async function send(port: number, asked: Request): Promise<Response> {
  const { pathname, search } = new URL(asked.url)
  const body = Buffer.from(await asked.arrayBuffer())
  const headers = {
    ...Object.fromEntries(asked.headers),
    ...(body.length > 0 && { 'content-length': String(body.length) }),
  }
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        port,
        method: asked.method,
        path: pathname + search,
        headers,
        agent: false,
        signal: asked.signal,
      },
      (reply) => {
        const fields = new Headers()
        for (let at = 0; at < reply.rawHeaders.length; at += 2)
          fields.append(reply.rawHeaders[at]!, reply.rawHeaders[at + 1]!)
        const status = reply.statusCode!
        const isEmpty = status === 204 || status === 304
        if (isEmpty) reply.resume()
        resolve(
          new Response(isEmpty ? null : (Readable.toWeb(reply) as ReadableStream), {
            status,
            headers: fields,
          }),
        )
      },
    )
    outgoing.on('error', reject).end(body)
  })
}

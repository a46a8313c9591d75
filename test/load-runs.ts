// Runs k6, Locust and `npm run load` against the real program, optionally with a faulty proxy in front.
import { spawn } from 'node:child_process'
import { createServer, request as ask, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before } from 'node:test'

import { isInstalled } from '../bin/load-generators.ts'
import { readRows } from '../bin/load-report.ts'
import { scratch, startServer, type Server } from './process.ts'

export const generators = ['k6', 'locust'] as const
export type Generator = (typeof generators)[number]

/** The reason to skip a test if a generator is missing; false if it is installed. */
export const missing = (generator: Generator): string | false =>
  !isInstalled(generator) &&
  `${generator} is not on PATH; loadtest/README.md says how to install it.`

export let place: ReturnType<typeof scratch>
export let server: Server

before(async () => {
  place = scratch()
  server = await startServer({
    DATABASE_URL: `file:${place.folder}/load.db`,
    LOG_LEVEL: 'silent',
  })
})

after(async () => {
  await server[Symbol.asyncDispose]()
  place[Symbol.dispose]()
})

type Ended = { code: number | null; said: string }

/** Runs a program to its end; returns all its output. */
export function run(
  command: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<Ended> {
  const child = spawn(command, args, { env: { ...process.env, ...env } })
  const timer = setTimeout(() => child.kill('SIGKILL'), 60_000)
  let said = ''
  child.stdout.on('data', (piece: Buffer) => (said += piece))
  child.stderr.on('data', (piece: Buffer) => (said += piece))
  return new Promise((done) =>
    child.once('close', (code) => {
      clearTimeout(timer)
      done({ code, said })
    }),
  )
}

export type Fault = (request: IncomingMessage, answer: ServerResponse) => boolean | Promise<boolean>

/** A proxy in front of the server. `fault` answers itself (true), or waits and lets the request pass (false). */
export async function inFront(fault: Fault) {
  const proxy = createServer((from, to) => {
    void (async () => {
      if (await fault(from, to)) return
      const { method, url: path, headers } = from
      const onward = ask(`${server.url}${path}`, { method, headers }, (answer) => {
        to.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(to)
      })
      onward.once('error', () => to.destroy())
      from.pipe(onward)
    })()
  })
  const port = await new Promise<number>((done) => {
    proxy.listen(0, '127.0.0.1', () => done((proxy.address() as AddressInfo).port))
  })
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      proxy.closeAllConnections()
      await new Promise((done) => proxy.close(done))
    },
  }
}

export const answerWith = (answer: ServerResponse, status: number, body: string): true => {
  answer.writeHead(status, { 'Content-Type': 'text/html; charset=utf-8' }).end(body)
  return true
}

/** Runs `npm run load` with these arguments, as npm would. */
export const load = (...words: string[]) => loadWith({}, words)

export const loadWith = (env: Record<string, string>, words: string[]) =>
  run(process.execPath, ['--import', 'tsx', 'bin/load.ts', ...words], env)

let files = 0

/** A short run of a mix with short pauses: a few seconds are enough for hundreds of requests. */
export async function hurry(generator: Generator, words: string, env: Record<string, string> = {}) {
  const out = `${place.folder}/${generator}-${files++}.json`
  // The patience is below the 2 s of the slow timeline, and above the response times of a busy machine.
  const all = `${generator} --out ${out} --patience 1500 ${words}`
  const ended = await loadWith({ PACE: '20', ...env }, all.split(' '))
  return { ...ended, rows: readRows(out) }
}

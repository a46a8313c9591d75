// Runs the real program as a child process, on a free port and in a temporary folder.
import { spawn, spawnSync, type ChildProcess, type StdioOptions } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { freePort } from '../bin/free-port.ts'

const root = fileURLToPath(new URL('../', import.meta.url))

export type Server = {
  url: string
  child: ChildProcess
  /** All output so far. */
  printed: () => string
  /** Sends a signal and waits for the end; returns the exit code, null if the signal ended it. */
  stop: (signal?: NodeJS.Signals) => Promise<number | null>
  /** Ends the process in any case: a failed test must not leave it running. */
  [Symbol.asyncDispose]: () => Promise<void>
}

/** A temporary folder, removed at the end of the scope. */
export const scratch = () => {
  const folder = mkdtempSync(join(tmpdir(), 'tracewren-'))
  return { folder, [Symbol.dispose]: () => rmSync(folder, { recursive: true, force: true }) }
}

/** A tmpfs of this size in kilobytes; undefined if this user may not mount one. */
export function smallDisk(folder: string, kilobytes: number) {
  mkdirSync(folder)
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${kilobytes}k`, 'tmpfs', folder])
  if (mounted.status !== 0) return undefined
  return { [Symbol.dispose]: () => void spawnSync('umount', ['-l', folder]) }
}

/** User, working directory (where it reads `.env`), command that starts it, and target of its output. */
type Options = { uid?: number; cwd?: string; command?: string[]; stdio?: StdioOptions }

export const launch = (env: Record<string, string>, options: Options = {}): ChildProcess => {
  const [program, ...words] = options.command ?? [process.execPath, `${root}dist/server.js`]
  return spawn(program!, words, {
    cwd: options.cwd ?? root,
    env: { PATH: process.env['PATH'], PASSWORD_COST: '4', ...env },
    stdio: options.stdio ?? ['ignore', 'pipe', 'pipe'],
    ...(options.uid !== undefined && { uid: options.uid, gid: options.uid }),
  })
}

export const ended = (child: ChildProcess) =>
  new Promise<number | null>((done) => {
    if (child.exitCode !== null || child.signalCode !== null) done(child.exitCode)
    else child.once('exit', (code) => done(code))
  })

/** Starts `dist/server.js`, on PORT or a free port, and waits until it answers. */
export async function startServer(
  env: Record<string, string>,
  options: Options = {},
): Promise<Server> {
  const port = Number(env['PORT']) || (await freePort())
  const child = launch({ PORT: String(port), ...env }, options)
  let printed = ''
  child.stdout?.on('data', (piece: Buffer) => (printed += piece))
  child.stderr?.on('data', (piece: Buffer) => (printed += piece))
  const url = `http://127.0.0.1:${port}`
  for (const giveUp = Date.now() + 30_000; ; await pause(10)) {
    const answers = await fetch(`${url}/livez`).then(
      (answer) => answer.ok,
      () => false,
    )
    if (answers) break
    if (child.exitCode !== null || Date.now() > giveUp)
      throw new Error(`It did not start:\n${printed}`)
  }
  return {
    url,
    child,
    printed: () => printed,
    async stop(signal = 'SIGTERM') {
      child.kill(signal)
      return ended(child)
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended(child)
    },
  }
}

/** Starts it where it must refuse to start; returns stderr and exit code. */
export async function refusedStart(env: Record<string, string>, options: Options = {}) {
  const child = launch({ PORT: '0', LOCK_WAIT_MS: '0', ...env }, options)
  let said = ''
  child.stderr?.on('data', (piece: Buffer) => (said += piece))
  child.stdout?.resume()
  const timer = setTimeout(() => child.kill('SIGKILL'), 60_000)
  const code = await ended(child)
  clearTimeout(timer)
  return { said: said.trim(), code }
}

/** Runs a command line tool; returns its exit code and its output. */
export function runTool(name: string, words: string[], env: Record<string, string>, input = '') {
  const done = spawnSync(process.execPath, [`dist/${name}.js`, ...words], {
    cwd: root,
    env: { PATH: process.env['PATH'], PASSWORD_COST: '4', ...env },
    input,
    encoding: 'utf8',
    timeout: 60_000,
  })
  return { code: done.status, printed: done.stdout + done.stderr }
}

/** Posts a form as a program; returns the status, 0 if there was no answer. */
export async function post(
  url: string,
  fields: Record<string, string>,
  cookie = '',
): Promise<Response | undefined> {
  return fetch(url, {
    method: 'POST',
    body: new URLSearchParams(fields),
    headers: cookie ? { Cookie: cookie } : {},
    redirect: 'manual',
    signal: AbortSignal.timeout(20_000),
  }).catch(() => undefined)
}

/** Registers a user; returns the cookie. */
export async function register(url: string, name: string): Promise<string> {
  const answer = await post(`${url}/register`, {
    name,
    mailaddress: `${name}@example.org`,
    password: 'password123',
  })
  return answer?.headers.getSetCookie()[0]?.split(';')[0] ?? ''
}

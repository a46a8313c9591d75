// The processes of a benchmark: the real bundle with its real settings, the baselines, and an OTLP receiver.
import { fork, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { join, resolve as absolute } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

import { buildSync } from 'esbuild'

import { freePort } from '../bin/free-port.ts'
import { Connection, textOf } from './client.ts'
import type { Usage } from './usage-probe.ts'
import { folder } from './world.ts'

/** Always in this checkout, not in BENCH_FOLDER: the programs import native modules from node_modules. */
const tools = absolute('.cache/bench/tools')

/** Compiles the helper programs, so that no TypeScript loader uses CPU during a measurement. */
export function buildTools(): void {
  buildSync({
    entryPoints: [
      'baseline-node-http',
      'baseline-packages',
      'crowd-clients',
      'crowd-probes',
      'otlp-receiver',
      'usage-probe',
    ].map((name) => `bench/${name}.ts`),
    bundle: true,
    mainFields: ['module', 'main'],
    external: ['libsql', '@node-rs/bcrypt'],
    platform: 'node',
    format: 'esm',
    target: 'node20',
    outdir: tools,
    outExtension: { '.js': '.mjs' },
  })
}

export type Process = {
  port: number
  child: ChildProcess
  /** The end of its output on stderr. */
  said: () => string
  /** Its resource usage since the start. */
  usage: () => Promise<Usage>
  stop: () => Promise<void>
}

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
})
// Without a listener, a signal ends a process before 'exit'.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

type Start = {
  program: string
  args?: string[]
  env?: Record<string, string>
  port?: number
  flags?: string[]
}

async function start({
  program,
  args = [],
  env = {},
  port: given,
  flags = [],
}: Start): Promise<Process> {
  const own = given ?? (await freePort())
  const child = fork(program, [String(own), ...args], {
    execArgv: [...flags, '--import', `${tools}/usage-probe.mjs`],
    // Log lines are written, as in production, and discarded.
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    detached: true, // Linux shares the CPU among sessions: one for all would favour everything else on the machine.
    // Not the project's folder: a developer's .env file must not change the measurement.
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', ...env },
  })
  running.add(child)
  child.once('exit', () => running.delete(child))
  let said = ''
  child.stderr?.on('data', (piece: Buffer) => (said = (said + piece).slice(-2000)))
  return {
    port: own,
    child,
    said: () => said,
    async usage() {
      const answer = once(child, 'message')
      child.send('usage')
      return ((await answer) as [Usage])[0]
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const gone = once(child, 'exit')
      child.kill('SIGTERM')
      const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
      await gone
      clearTimeout(timer)
    },
  }
}

/** Waits until something answers on the port. */
async function answering(started: Process): Promise<Process> {
  for (const giveUp = Date.now() + 60_000; ; await pause(10)) {
    const answers = await fetch(`http://127.0.0.1:${started.port}/livez`).then(
      (answer) => answer.ok,
      () => false,
    )
    if (answers) return started
    if (started.child.exitCode !== null || Date.now() > giveUp)
      throw new Error(`A server under test did not start:\n${started.said()}`)
  }
}

/** A sentence that says why `folder` cannot be measured as another build; undefined if it can. */
export const problemOfBuild = (checkout: string): string | undefined =>
  existsSync(join(checkout, 'dist/server.js'))
    ? undefined
    : `${checkout} holds no build: dist/server.js is missing there. Run "npm ci && npm run build" in that checkout first.`

/** `build`: the checkout whose bundle is started; default: this one. */
export type AppOptions = { build?: string | undefined; flags?: string[] }

/** Starts the bundle on a database, with very high rate limits: one client stands for thousands. */
export async function startApp(
  path: string,
  env: Record<string, string>,
  { build = '.', flags = [] }: AppOptions = {},
): Promise<Process> {
  const own = await freePort()
  const wide = '9999999/1'
  const settings = {
    PORT: String(own),
    DATABASE_URL: `file:${path}`,
    INSPECT: '0',
    LIMIT_LOGIN_CLIENT: wide,
    LIMIT_LOGIN_ACCOUNT: wide,
    LIMIT_WRITE: wide,
    LIMIT_SEARCH: wide,
    ...env,
  }
  return answering(
    await start({ program: absolute(build, 'dist/server.js'), env: settings, port: own, flags }),
  )
}

/** Starts node:http with recorded answers. */
export const startNodeHttp = async (answers?: string): Promise<Process> =>
  answering(
    await start({ program: `${tools}/baseline-node-http.mjs`, args: answers ? [answers] : [] }),
  )

/** Starts the packages alone, on a database; `pages` is a file of recorded pages. */
export const startPackages = async (path: string, pages?: string): Promise<Process> =>
  answering(
    await start({
      program: `${tools}/baseline-packages.mjs`,
      args: pages ? [pages] : [],
      env: { DATABASE_URL: `file:${path}` },
    }),
  )

/** Requests the start page `requests` times, on four connections. */
export async function loadPage(on: number, requests: number): Promise<void> {
  const text = textOf({ method: 'GET', path: '/', headers: { Accept: 'text/html' } })
  const connections = await Promise.all([1, 2, 3, 4].map(() => Connection.open(on)))
  await Promise.all(
    connections.map(async (connection) => {
      for (let count = 0; count < requests / 4; count++) await connection.send(text)
      connection.close()
    }),
  )
}

/** Starts the OTLP receiver; `found` returns the number of received spans with a name. */
export async function startOtlpReceiver(
  name: string,
): Promise<Process & { found: () => Promise<number> }> {
  const own = await freePort()
  const child = fork(`${tools}/otlp-receiver.mjs`, [String(own), name], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  running.add(child)
  await pause(300)
  return {
    port: own,
    child,
    said: () => '',
    usage: () => Promise.reject(new Error('not measured')),
    async found() {
      const answer = once(child, 'message')
      child.send('found')
      return ((await answer) as [number])[0]
    },
    async stop() {
      child.kill('SIGTERM')
      running.delete(child)
    },
  }
}

/** Runs a load program to its end and returns its report; stops it if it does not end in time. */
export async function runLoad<Report>(
  program: string,
  plan: { seconds: number; [more: string]: unknown },
): Promise<Report> {
  const child = fork(`${tools}/${program}.mjs`, [JSON.stringify(plan)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    serialization: 'advanced', // JSON has no NaN
    detached: true,
  })
  running.add(child)
  const timer = setTimeout(() => child.kill('SIGKILL'), (plan.seconds + 60) * 1000)
  const gone = once(child, 'exit').then(() => {
    throw new Error(`${program} ended without a report`)
  })
  try {
    return ((await Promise.race([once(child, 'message'), gone])) as [Report])[0]
  } finally {
    gone.catch(() => {})
    clearTimeout(timer)
    child.kill('SIGKILL')
    running.delete(child)
  }
}

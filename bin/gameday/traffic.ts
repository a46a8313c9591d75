// The traffic of a game day: k6 or Locust if they are there, else the built-in users.
import { spawn } from 'node:child_process'
import { setMaxListeners } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { isInstalled, mixes } from '../load-generators.ts'
import { endProcess } from './app.ts'
import { members, walk } from './scenarios.ts'

export const generators = ['k6', 'locust', 'builtin'] as const
export type Generator = (typeof generators)[number]

/** A generator runs for so long, and then again: it never outlives a game by more. */
const runSeconds = 60
const users = '12'
const root = fileURLToPath(new URL('../../', import.meta.url))

export type Traffic = {
  generator: Generator
  /** Ends it, and waits until its processes have ended. */
  stop: () => Promise<void>
}

/** The first one that this machine has. */
export const usualGenerator = (): Generator =>
  generators.find((one) => one === 'builtin' || isInstalled(one)) ?? 'builtin'

/** Starts the traffic against the app at this address. */
export function startTraffic(target: string, generator: Generator, pace: number): Traffic {
  const controller = new AbortController()
  const { signal } = controller
  // Each user waits for it, and each request.
  setMaxListeners(0, signal)
  const crowd =
    generator === 'builtin'
      ? walk(target, { pace, signal })
      : runAgain(generator, { target, pace, signal })
  const all = Promise.allSettled([crowd, members(target, { pace, signal })])
  return {
    generator,
    async stop() {
      controller.abort()
      await all
    },
  }
}

type Run = { target: string; pace: number; signal: AbortSignal }

async function runAgain(generator: 'k6' | 'locust', run: Run): Promise<void> {
  while (!run.signal.aborted) {
    const from = performance.now()
    await runOnce(generator, run)
    // One that cannot start is not started a thousand times.
    if (performance.now() - from < 1000)
      await pause(5000, undefined, { signal: run.signal }).catch(() => undefined)
  }
}

async function runOnce(generator: 'k6' | 'locust', { target, pace, signal }: Run): Promise<void> {
  const words =
    generator === 'k6'
      ? [
          'run',
          '--quiet',
          '--no-usage-report',
          '--address=',
          '--no-thresholds',
          'loadtest/k6/load.js',
        ]
      : [
          '--locustfile=loadtest/locust/locustfile.py',
          '--headless',
          `--host=${target}`,
          `--users=${users}`,
          '--spawn-rate=4',
          `--run-time=${runSeconds}s`,
          ...mixes.realistic,
        ]
  const { PATH = '', HOME = '' } = process.env
  const child = spawn(generator, words, {
    cwd: root,
    env: {
      PATH,
      HOME,
      NO_PROXY: '*',
      PACE: String(pace),
      TARGET: target,
      MIX: 'realistic',
      USERS: users,
      SPAWN: '4',
      SECONDS: String(runSeconds),
    },
    stdio: 'ignore',
  })
  const ended = new Promise<void>((done) => {
    child.once('exit', () => done())
    child.once('error', () => done())
  })
  const stop = () => void endProcess(child, ended)
  signal.addEventListener('abort', stop, { once: true })
  await ended
  signal.removeEventListener('abort', stop)
}

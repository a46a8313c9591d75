// The app of a game day: the built program with its faults on, a data folder and a port of its own, and a channel for the orders.
import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import type { GameAnswer } from '../../src/faults/game.ts'
import { freePort } from '../free-port.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const startMs = 90_000
const orderMs = 20_000
const stopMs = 25_000

/** How a fault is to strike. */
export type Strike = {
  name: string
  strength: number
  route: string
  share: number
  seed: number
}

export type GameApp = {
  url: string
  pid: number
  /** Starts a fault that nothing but this call knows of; returns when it began, ms UTC. */
  strike: (strike: Strike, seconds: number) => Promise<number>
  /** Ends all faults. */
  calm: () => Promise<void>
  /** Resolves when the process has ended. */
  ended: Promise<void>
  /** Ends the process and removes its data folder. */
  close: () => Promise<void>
}

/** Settings of the terminal that a game keeps: where telemetry goes to. The others would make it another game. */
const kept = /^(PATH|HOME|TMPDIR|LANG|OTEL_\w+|GRAFANA_URL|NODE_EXTRA_CA_CERTS)$/

const environment = (folder: string, port: number): Record<string, string> => ({
  ...Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) =>
      kept.test(name) && value !== undefined ? [[name, value]] : [],
    ),
  ),
  DATABASE_URL: `file:${folder}/tracewren.db`,
  HOST: '127.0.0.1',
  PORT: String(port),
  DEMO: '1',
  INSPECT: '1',
  FAULTS: '1',
  LOG_LEVEL: 'info',
})

/** Starts the app and waits until it answers. Throws an Error that says what it printed. */
export async function startGameApp(signal: AbortSignal): Promise<GameApp> {
  const folder = mkdtempSync(join(tmpdir(), 'tracewren-gameday-'))
  const port = await freePort()
  // In its folder, so that it reads no .env: one that names other settings would be another game.
  const child = spawn(process.execPath, [`${root}dist/server.js`], {
    cwd: folder,
    env: environment(folder, port),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  let printed = ''
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (piece: Buffer) => (printed = (printed + String(piece)).slice(-4000)))
  const ended = new Promise<void>((done) => child.once('exit', () => done()))
  const close = async () => {
    await endProcess(child, ended)
    rmSync(folder, { recursive: true, force: true })
  }
  const url = `http://127.0.0.1:${port}`
  try {
    await untilReady(url, child, { signal, printed: () => printed })
    await order(child, { game: 'begin' })
  } catch (error) {
    await close()
    throw error
  }
  return {
    url,
    pid: child.pid ?? 0,
    strike: ({ strength, share, seed, ...rest }, seconds) =>
      order(child, {
        game: 'start',
        ...rest,
        strength: String(strength),
        seed: String(seed),
        seconds: String(seconds),
        // A fault of the whole process takes no share.
        ...(rest.route !== '' && { share: String(share) }),
      }),
    calm: async () => void (await order(child, { game: 'end' })),
    ended,
    close,
  }
}

type Start = { signal: AbortSignal; printed: () => string }

async function untilReady(
  url: string,
  child: ChildProcess,
  { signal, printed }: Start,
): Promise<void> {
  for (const giveUp = Date.now() + startMs; ; await pause(50)) {
    signal.throwIfAborted()
    const isReady = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(5000) }).then(
      ({ ok }) => ok,
      () => false,
    )
    if (isReady) return
    if (child.exitCode !== null || Date.now() > giveUp)
      throw new Error(`The app did not start:\n${printed()}`)
  }
}

/** Sends an order and waits for its answer; one at a time. */
function order(child: ChildProcess, words: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const finish = (act: () => void) => {
      clearTimeout(timer)
      child.off('message', take)
      act()
    }
    const take = (answer: GameAnswer) =>
      finish(() =>
        answer.game === 'done' ? resolve(answer.at) : reject(new Error(`Refused: ${answer.why}`)),
      )
    const timer = setTimeout(
      () => finish(() => reject(new Error('The app did not answer the game.'))),
      orderMs,
    )
    child.on('message', take)
    child.send(words, (error) => error && finish(() => reject(error)))
  })
}

/** SIGTERM, and SIGKILL when that does not help in time. */
export async function endProcess(child: ChildProcess, ended: Promise<void>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), stopMs)
  await ended
  clearTimeout(timer)
}

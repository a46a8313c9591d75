// Runs programs from PATH as child processes, each with a log file for its output.
import { spawn, type ChildProcess } from 'node:child_process'
import { accessSync, closeSync, constants, openSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

/** The path of a program, or undefined. Looks in PATH and in /usr/sbin, which has nginx and is often missing in PATH. */
export function onPath(name: string): string | undefined {
  const folders = `${process.env['PATH'] ?? ''}${delimiter}/usr/sbin`.split(delimiter)
  return folders
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

type Start = {
  name: string
  /** The program to run; by default, `name` from PATH. */
  program?: string
  args: string[]
  env?: Record<string, string>
}

/** The programs of one run. `stop` ends all of them. */
export class Programs {
  readonly #folder: string
  readonly #running: { name: string; child: ChildProcess; log: string }[] = []

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Starts a program and waits until `ready` answers with a status below 400. Throws with its last output when it ends first. */
  async start({ name, ready, ...start }: Start & { ready: string }): Promise<void> {
    const child = this.#spawn({ name, ...start })
    for (const giveUp = Date.now() + 90_000; ; await pause(100)) {
      if (await answers(ready)) return
      if (hasEnded(child) || Date.now() > giveUp)
        throw new Error(`${name} did not become ready:\n${this.outputOf(name).slice(-2000)}`)
    }
  }

  /** Runs a program to its end. Returns its exit code. */
  async run(start: Start): Promise<number> {
    const child = this.#spawn(start)
    while (!hasEnded(child)) await pause(50)
    return child.exitCode ?? 1
  }

  /** The whole output of a program. */
  outputOf(name: string): string {
    const one = this.#running.find((known) => known.name === name)
    return one ? readFileSync(one.log, 'utf8') : ''
  }

  /** Stops all programs, the newest first. Kills a program that has not ended after 10 s. */
  async stop(): Promise<void> {
    for (const { child } of this.#running.toReversed()) {
      if (hasEnded(child)) continue
      child.kill('SIGTERM')
      for (const giveUp = Date.now() + 10_000; !hasEnded(child); await pause(50))
        if (Date.now() > giveUp) child.kill('SIGKILL')
    }
  }

  #spawn({ name, program = onPath(name) ?? name, args, env = {} }: Start): ChildProcess {
    const log = join(this.#folder, `${name}.log`)
    const file = openSync(log, 'w')
    const child = spawn(program, args, {
      env: { ...process.env, ...env },
      stdio: ['ignore', file, file],
    })
    closeSync(file)
    // A program that could not be started has no pid; `hasEnded` checks that.
    child.once('error', () => undefined)
    this.#running.push({ name, child, log })
    return child
  }
}

const hasEnded = (child: ChildProcess) =>
  child.exitCode !== null || child.signalCode !== null || child.pid === undefined

const answers = (url: string): Promise<boolean> =>
  fetch(url, { signal: AbortSignal.timeout(2000) }).then(
    async (answer) => {
      await answer.body?.cancel()
      return answer.status < 400
    },
    () => false,
  )

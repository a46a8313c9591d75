// The real programs as child processes on loopback: from PATH, each with a file for what it prints.
import { spawn, type ChildProcess } from 'node:child_process'
import { accessSync, closeSync, constants, openSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

/** Where a program lies; undefined when it is not on PATH. /usr/sbin, too: nginx lies there and users do not look. */
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
  /** Instead of the program of this name on PATH. */
  program?: string
  args: string[]
  env?: Record<string, string>
}

/** The programs of one run; they end with it, whatever happens. */
export class Programs {
  readonly #folder: string
  readonly #running: { name: string; child: ChildProcess; log: string }[] = []

  constructor(folder: string) {
    this.#folder = folder
  }

  /** Starts a program and waits until `ready` answers with a status below 400; throws with its last lines when it ends before. */
  async start({ name, ready, ...start }: Start & { ready: string }): Promise<void> {
    const child = this.#spawn({ name, ...start })
    for (const giveUp = Date.now() + 90_000; ; await pause(100)) {
      if (await answers(ready)) return
      if (hasEnded(child) || Date.now() > giveUp)
        throw new Error(`${name} does not get ready:\n${this.printed(name).slice(-2000)}`)
    }
  }

  /** Runs a program to its end; gives its exit code. */
  async run(start: Start): Promise<number> {
    const child = this.#spawn(start)
    while (!hasEnded(child)) await pause(50)
    return child.exitCode ?? 1
  }

  /** Everything that a program has printed. */
  printed(name: string): string {
    const one = this.#running.find((known) => known.name === name)
    return one ? readFileSync(one.log, 'utf8') : ''
  }

  /** Ends all, the newest first; what does not end in ten seconds is killed. */
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
    // One that could not be started has no pid, which is how its end is seen.
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

// Runs programs to their end, with a limit of time. Each is a process group of its own, so that Ctrl+C reaches only us and the
// cleanup is not interrupted.
import { spawn, type ChildProcess } from 'node:child_process'

export type Done = { code: number | null; out: string; all: string }
export type Options = { env?: Record<string, string>; seconds?: number; cwd?: string }

const running = new Set<ChildProcess>()
let isEnding = false

/** Runs a program; returns its exit code (null when it was ended) and its output. */
export function run(program: string, args: string[], options: Options = {}): Promise<Done> {
  const { env, seconds = 60, cwd } = options
  if (isEnding) return Promise.reject(new Error('The test was interrupted.'))
  const given = { ...(env && { env }), seconds, ...(cwd !== undefined && { cwd }) }
  return start(program, args, given, (child) => {
    running.add(child)
    child.once('close', () => running.delete(child))
  })
}

/** The same for the cleanup: `endAll` neither refuses nor ends it. */
export const runAlways = (program: string, args: string[], options: Options): Promise<Done> =>
  start(program, args, options)

function start(
  program: string,
  args: string[],
  { env, seconds = 60, cwd }: Options,
  note?: (child: ChildProcess) => void,
): Promise<Done> {
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: env ?? process.env,
      ...(cwd !== undefined && { cwd }),
    })
    note?.(child)
    let out = ''
    let all = ''
    child.stdout.on('data', (piece: Buffer) => {
      out += String(piece)
      all += String(piece)
    })
    child.stderr.on('data', (piece: Buffer) => (all += String(piece)))
    const timer = setTimeout(() => {
      all += `\n${program} ${args.join(' ')} was ended after ${seconds} s.`
      kill(child)
    }, seconds * 1000)
    const done = (code: number | null) => {
      clearTimeout(timer)
      resolve({ code, out, all })
    }
    child.once('error', (error) => {
      all += error.message
      done(null)
    })
    child.once('close', done)
  })
}

/** Runs a program that must end with 0; returns its standard output. Throws its last lines otherwise. */
export async function must(program: string, args: string[], options: Options = {}) {
  const { code, out, all } = await run(program, args, options)
  if (code !== 0)
    throw new Error(`${program} ${args.join(' ')} ended with ${code}:\n${all.slice(-3000)}`)
  return out
}

/** Ends all programs; later ones are refused, except those of the cleanup. */
export function endAll(): void {
  isEnding = true
  for (const child of running) kill(child)
}

function kill({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL')
  } catch {
    // It has ended already.
  }
}

// Programs that some tests need and not every machine has. Without its program a test is skipped and names it. It fails when
// REQUIRE_PROGRAMS names the program ("nginx otelcol") or is "all".
import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'

type Skips = { skip: (why: string) => void }

export const isOnPath = (program: string): boolean =>
  spawnSync('sh', ['-c', `command -v ${program}`]).status === 0

/** Is the program installed? If not, the test is skipped with a sentence. */
export function has(t: Skips, program: string): boolean {
  if (isOnPath(program)) return true
  const sentence = `${program} is not on PATH: the checks that need it were skipped.`
  const required = (process.env['REQUIRE_PROGRAMS'] ?? '').split(/[\s,]+/)
  if (required.includes(program) || required.includes('all')) throw new Error(sentence)
  t.skip(sentence)
  return false
}

/** Runs a program to its end. */
export function run(
  program: string,
  args: string[],
  options: { cwd?: string; env?: Record<string, string>; timeout?: number } = {},
) {
  const { cwd, env = {}, timeout = 120_000 } = options
  const done = spawnSync(program, args, {
    encoding: 'utf8',
    timeout,
    env: { ...process.env, ...env },
    ...(cwd !== undefined && { cwd }),
  })
  return { code: done.status, printed: `${done.stdout ?? ''}${done.stderr ?? ''}` }
}

export type Started = {
  child: ChildProcess
  printed: () => string
  stop: (signal?: NodeJS.Signals) => Promise<number | null>
  [Symbol.asyncDispose]: () => Promise<void>
}

type Start = { args: string[]; env?: Record<string, string>; cwd?: string; uid?: number }

/** Starts a program that keeps running, and waits until `url` answers. */
export async function start(
  program: string,
  { args, env = {}, cwd, uid }: Start,
  url: string,
): Promise<Started> {
  const child = spawn(program, args, {
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(cwd !== undefined && { cwd }),
    ...(uid !== undefined && { uid, gid: uid }),
  })
  let printed = ''
  child.stdout.on('data', (piece: Buffer) => (printed += piece))
  child.stderr.on('data', (piece: Buffer) => (printed += piece))
  const ended = new Promise<number | null>((done) => child.once('exit', (code) => done(code)))
  const stop = (signal: NodeJS.Signals = 'SIGTERM') => {
    child.kill(signal)
    return ended
  }
  for (const giveUp = Date.now() + 60_000; ; await pause(50)) {
    if (
      await fetch(url).then(
        () => true,
        () => false,
      )
    )
      break
    if (child.exitCode === null && Date.now() < giveUp) continue
    child.kill()
    throw new Error(`${program} did not start:\n${printed.slice(-3000)}`)
  }
  return {
    child,
    printed: () => printed,
    stop,
    // Not SIGKILL at first: with it, the workers of nginx would survive their master.
    async [Symbol.asyncDispose]() {
      const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
      if (child.exitCode === null && child.signalCode === null) await stop()
      clearTimeout(timer)
    },
  }
}

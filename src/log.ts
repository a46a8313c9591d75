import { logIds } from './tracing.ts'

const levels = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type Level = (typeof levels)[number]

let threshold = levels.indexOf('info')

/** Drops everything below `level`; `silent` drops all. */
export const setLogLevel = (level: Level): void => {
  threshold = levels.indexOf(level)
}

function write(level: Exclude<Level, 'silent'>, message: string, facts: Record<string, unknown>) {
  if (levels.indexOf(level) < threshold) return
  const line = { time: new Date().toISOString(), level, message, ...logIds(), ...facts }
  process.stdout.write(`${JSON.stringify(line)}\n`)
}

/** Facts of an error for a log line: type, message and stack of the error and of its cause, no SQL parameters. */
export function errorFacts(error: unknown): Record<string, unknown> {
  // drizzle's wrapper has the query's parameters in its message (password hashes, tokens): only its cause is safe.
  const known = error instanceof Error && error.name === 'DrizzleQueryError' ? error.cause : error
  if (!(known instanceof Error)) return { 'exception.message': String(known) }
  return {
    'exception.type': known.name,
    'exception.message': known.message,
    'exception.stacktrace': known.stack,
  }
}

/** JSON lines on standard output, with the ids of the active trace. No secrets, bodies or e-mail addresses. */
export const log = {
  debug: (message: string, facts: Record<string, unknown> = {}) => write('debug', message, facts),
  info: (message: string, facts: Record<string, unknown> = {}) => write('info', message, facts),
  warn: (message: string, facts: Record<string, unknown> = {}) => write('warn', message, facts),
  error: (message: string, facts: Record<string, unknown> = {}) => write('error', message, facts),
}

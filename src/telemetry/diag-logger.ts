import type { DiagLogger } from '@opentelemetry/api'

import { localLog } from './log.ts'

const repeatedMs = 60_000
const messagesMax = 20

/** The SDK's own messages as log lines: the same one once a minute, twenty a minute in all. */
export function quietDiag(): DiagLogger {
  const seen = new Map<string, number>()
  const say =
    (level: 'error' | 'warn' | 'info') =>
    (message: string, ...rest: unknown[]) => {
      const text = [
        message,
        ...rest.map((one) => (one instanceof Error ? one.message : String(one))),
      ].join(' ')
      const now = performance.now()
      for (const [old, at] of seen) if (now - at > repeatedMs) seen.delete(old)
      if (seen.has(text) || seen.size >= messagesMax) return
      seen.set(text, now)
      localLog[level](`telemetry: ${text}`)
    }
  return {
    error: say('error'),
    warn: say('warn'),
    info: say('info'),
    // What OTEL_LOG_LEVEL lets through is printed, even where LOG_LEVEL drops our own debug lines.
    debug: say('info'),
    verbose: say('info'),
  }
}

import type { DiagLogger } from '@opentelemetry/api'

import { localLog } from './log.ts'

const repeatedMs = 60_000
const messagesMax = 20

/** Writes the SDK's own messages to the log: each message at most once a minute, at most 20 messages a minute. */
export function quietDiag(): DiagLogger {
  const seen = new Map<string, number>()
  const say =
    (level: 'error' | 'warn' | 'info') =>
    (message: string, ...rest: unknown[]) => {
      const text = [
        message,
        ...rest.map((one) => (one instanceof Error ? one.message : String(one))),
      ].join(' ')
      // dropped.ts counts these, and a text with another number each time would be repeated.
      if (/^Dropped \d+ /.test(text)) return
      // outage.ts logs this one with its reason.
      if (text.startsWith('PeriodicExportingMetricReader: metrics export timed out')) return
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
    // At level info, so that LOG_LEVEL=info does not drop debug messages that OTEL_LOG_LEVEL asks for.
    debug: say('info'),
    verbose: say('info'),
  }
}

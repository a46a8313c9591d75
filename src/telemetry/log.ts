import { ROOT_CONTEXT, trace, type SpanContext } from '@opentelemetry/api'
import { logs, SeverityNumber, type AnyValueMap, type LogRecord } from '@opentelemetry/api-logs'
import {
  ATTR_EXCEPTION_MESSAGE,
  ATTR_EXCEPTION_STACKTRACE,
  ATTR_EXCEPTION_TYPE,
} from '@opentelemetry/semantic-conventions'

import { stdout, type LostLines } from '../base/output.ts'
import { behindQuery } from '../base/query-error.ts'
import { faultPoints } from './fault-points.ts'

const levels = ['debug', 'info', 'warn', 'error', 'silent'] as const
export type Level = (typeof levels)[number]
export type Facts = Record<string, unknown>

let threshold = levels.indexOf('info')

/** Drops log lines below `level`. `silent` drops all. */
export const setLogLevel = (level: Level): void => {
  threshold = levels.indexOf(level)
}

/** Are lines of this level logged? */
export const isLogged = (level: Level): boolean => levels.indexOf(level) >= threshold

let printsRequests = true

/** Sets whether the log line of each request is printed. It is recorded and exported in any case. */
export const printRequests = (prints: boolean): void => {
  printsRequests = prints
}

/** The event name of the log line that each request writes. */
export const requestEvent = 'http.server.request'

const severities = {
  debug: SeverityNumber.DEBUG,
  info: SeverityNumber.INFO,
  warn: SeverityNumber.WARN,
  error: SeverityNumber.ERROR,
}

type Line = { level: keyof typeof severities; message: string; facts: Facts; event?: string }

function textOf({ level, message, facts }: Line, ids?: SpanContext): string {
  const line = {
    time: new Date().toISOString(),
    level,
    message,
    ...(ids && trace.isSpanContextValid(ids) && { trace_id: ids.traceId, span_id: ids.spanId }),
    ...facts,
  }
  return `${JSON.stringify(line)}\n`
}

const logger = logs.getLogger('tracewren')

function write(line: Line): void {
  if (!isLogged(line.level)) return
  const isAlone = faultPoints.losesIds?.() === true
  if (printsRequests || line.event !== requestEvent)
    stdout.write(textOf(line, isAlone ? undefined : trace.getActiveSpan()?.spanContext()))
  logger.emit(isAlone ? { ...recordOf(line), context: ROOT_CONTEXT } : recordOf(line))
}

const recordOf = (line: Line): LogRecord => ({
  severityNumber: severities[line.level],
  severityText: line.level.toUpperCase(),
  body: line.message,
  attributes: line.facts as AnyValueMap,
  ...(line.event !== undefined && { eventName: line.event }),
})

const linesLost = (lost: LostLines): Line => ({
  level: 'warn',
  message: 'standard output: lines lost',
  facts: { ...lost },
})

/**
 * For a server: lines that standard output does not take are counted. The count is reported by OTLP at once, and on
 * standard output when it works again. Reported at any log level, because the lost lines may include errors.
 */
export function surviveStdout(): void {
  // ROOT_CONTEXT, because the failure has nothing to do with the request that happens to be active.
  const emit = (line: Line) => logger.emit({ ...recordOf(line), context: ROOT_CONTEXT })
  stdout.neverWait({
    failed: (why) =>
      emit({ level: 'warn', message: 'standard output cannot be written', facts: { why } }),
    text: (lost) => textOf(linesLost(lost)),
    recovered: (lost) => emit(linesLost(lost)),
  })
}

/** The attributes of an error for a log line: type, message and stack. For a failed query those of its cause. */
export function errorFacts(error: unknown): Facts {
  const known = behindQuery(error)
  if (!(known instanceof Error)) return { [ATTR_EXCEPTION_MESSAGE]: String(known) }
  return {
    [ATTR_EXCEPTION_TYPE]: known.name,
    [ATTR_EXCEPTION_MESSAGE]: known.message,
    [ATTR_EXCEPTION_STACKTRACE]: known.stack ?? '',
  }
}

const at =
  (level: Line['level'], send: (line: Line) => void) =>
  (message: string, facts: Facts = {}, event?: string): void =>
    send({ level, message, facts, ...(event !== undefined && { event }) })

/**
 * The log: JSON lines on standard output and, with telemetry on, OTLP log records. Takes a message, attributes and, for
 * OTLP, an event name, and adds the ids of the active span. Never log secrets, bodies or e-mail addresses.
 */
export const log = {
  debug: at('debug', write),
  info: at('info', write),
  warn: at('warn', write),
  error: at('error', write),
}

let keepLocal: ((line: Omit<Line, 'event'>) => void) | undefined

/** Gives the lines about telemetry itself to the inspector, too. */
export const keepLocalLog = (keep: typeof keepLocal): void => {
  keepLocal = keep
}

// Without the active span: it is that of the request in whose time the export happened.
function printed(line: Line): void {
  if (!isLogged(line.level)) return
  stdout.write(textOf(line))
  keepLocal?.(line)
}

/**
 * A log for lines about telemetry itself, on standard output and in the inspector only. When the collector is unreachable,
 * exporting them would fill the export queue further.
 */
export const localLog = {
  debug: at('debug', printed),
  info: at('info', printed),
  warn: at('warn', printed),
  error: at('error', printed),
}

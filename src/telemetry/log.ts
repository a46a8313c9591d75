import { ROOT_CONTEXT, type SpanContext } from '@opentelemetry/api'
import { logs, SeverityNumber, type AnyValueMap, type LogRecord } from '@opentelemetry/api-logs'
import {
  ATTR_EXCEPTION_MESSAGE,
  ATTR_EXCEPTION_STACKTRACE,
  ATTR_EXCEPTION_TYPE,
} from '@opentelemetry/semantic-conventions'

import { stdout, type LostLines } from '../base/output.ts'
import { behindQuery } from '../base/query-error.ts'
import { faultPoints } from './fault-points.ts'
import { activeContext } from './tracer.ts'

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

type Line = {
  level: keyof typeof severities
  message: string
  facts: Facts
  event?: string
  /** The duration of a request. Beside its facts, because those are the attributes of its span and are not copied. */
  ms?: number
}

// Not by a spread: plain-span.ts says why.
const allFacts = ({ facts, ms }: Line): Facts =>
  ms === undefined ? facts : Object.assign({}, facts, { duration_ms: ms })

function textOf(of: Line, ids?: SpanContext): string {
  const line = {
    time: new Date().toISOString(),
    level: of.level,
    message: of.message,
    ...(ids && { trace_id: ids.traceId, span_id: ids.spanId }),
    ...allFacts(of),
  }
  return `${JSON.stringify(line)}\n`
}

const logger = logs.getLogger('tracewren')

type Keep = (line: Omit<Line, 'event'>, ids: SpanContext | undefined) => void
let keep: Keep | undefined

/**
 * Gives every line to the inspector, with the ids of its span; also those about telemetry itself. Not through the SDK,
 * which would copy the attributes of each request once more.
 */
export const keepLog = (keeper: Keep): void => {
  keep = keeper
}

function write(line: Line, of?: SpanContext): void {
  if (!isLogged(line.level)) return
  const ids = faultPoints.losesIds?.() === true ? undefined : (of ?? activeContext())
  if (printsRequests || line.event !== requestEvent) stdout.write(textOf(line, ids))
  deliver(line, ids)
}

/** Exports a line and gives it to the inspector. */
function deliver(line: Line, ids?: SpanContext): void {
  if (logger.enabled()) {
    const record = recordOf(line)
    logger.emit(ids ? record : { ...record, context: ROOT_CONTEXT })
  }
  keep?.(line, ids)
}

const recordOf = (line: Line): LogRecord => ({
  severityNumber: severities[line.level],
  severityText: line.level.toUpperCase(),
  body: line.message,
  attributes: allFacts(line) as AnyValueMap,
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
  // Without ids: the failure has nothing to do with the request that happens to be active.
  stdout.neverWait({
    failed: (why) =>
      deliver({ level: 'warn', message: 'standard output cannot be written', facts: { why } }),
    text: (lost) => textOf(linesLost(lost)),
    recovered: (lost) => deliver(linesLost(lost)),
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
  (message: string, facts: Facts = {}): void =>
    send({ level, message, facts })

/** Writes the log line of a finished request: the attributes of its span, to be changed no more, and its duration. */
export const logRequest = (span: SpanContext, attributes: Facts, ms: number): void =>
  write({ level: 'info', message: 'request', facts: attributes, event: requestEvent, ms }, span)

/**
 * The log: JSON lines on standard output and, with telemetry on, OTLP log records. Takes a message and attributes, and
 * adds the ids of the active span. Never log secrets, bodies or e-mail addresses.
 */
export const log = {
  debug: at('debug', write),
  info: at('info', write),
  warn: at('warn', write),
  error: at('error', write),
}

// Without the active span: it is that of the request in whose time the export happened.
function printed(line: Line): void {
  if (!isLogged(line.level)) return
  stdout.write(textOf(line))
  keep?.(line, undefined)
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

import {
  ATTR_EXCEPTION_MESSAGE,
  ATTR_EXCEPTION_STACKTRACE,
  ATTR_EXCEPTION_TYPE,
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_HTTP_RESPONSE_STATUS_CODE,
  ATTR_URL_PATH,
} from '@opentelemetry/semantic-conventions'

import { counted } from '../base/format.ts'
import type { RecordedLog } from '../trace-store/recorded.ts'
import { shortMs } from '../ui/chip.tsx'

const linesShown = 100
const factsShown = 12
const factMax = 200

type LogLineProps = {
  line: RecordedLog
  /** Show stack traces: they contain file names of this server. */
  withStacks: boolean
  /** Link the line to its trace. */
  traced?: boolean
}

/** A log line with its attributes, and the stack of an error if allowed. */
export const LogLine = ({ line, withStacks, traced = false }: LogLineProps) => (
  <>
    <b class={`level ${line.level}`}>{line.level}</b>
    <div class='said'>
      <p>
        {traced && line.traceId ? (
          <a href={`/traces/${line.traceId}`}>{sentenceOf(line)}</a>
        ) : (
          sentenceOf(line)
        )}{' '}
        <small>{factsOf(line)}</small>
      </p>
      {line.facts[ATTR_EXCEPTION_MESSAGE] !== undefined && (
        <p>
          {String(line.facts[ATTR_EXCEPTION_TYPE] ?? '')}:{' '}
          {String(line.facts[ATTR_EXCEPTION_MESSAGE])}
        </p>
      )}
      {withStacks && line.facts[ATTR_EXCEPTION_STACKTRACE] !== undefined && (
        <pre>{String(line.facts[ATTR_EXCEPTION_STACKTRACE])}</pre>
      )}
    </div>
  </>
)

const sentenceOf = (line: RecordedLog) =>
  line.ms !== undefined
    ? `${String(line.facts[ATTR_HTTP_REQUEST_METHOD])} ${String(line.facts[ATTR_URL_PATH]).slice(0, factMax)}`
    : line.message

/** Status and duration of a request; all attributes of any other line. */
function factsOf(line: RecordedLog): string {
  const { facts, ms } = line
  if (ms !== undefined) return `${String(facts[ATTR_HTTP_RESPONSE_STATUS_CODE])} ${shortMs(ms)}`
  return Object.entries(facts)
    .filter(([name]) => !name.startsWith('exception.'))
    .slice(0, factsShown)
    .map(([name, value]) => `${name}=${String(value).slice(0, factMax)}`)
    .join(' ')
}

/** The lines of one span, the newest first. */
export const LogLines = ({ lines, withStacks }: { lines: RecordedLog[]; withStacks: boolean }) => (
  <>
    {lines.slice(0, linesShown).map((line) => (
      <div class='log'>
        <LogLine line={line} withStacks={withStacks} />
      </div>
    ))}
    {lines.length > linesShown && (
      <p class='note'>
        The newest {linesShown} of {counted(lines.length, 'log line')}.
      </p>
    )}
  </>
)

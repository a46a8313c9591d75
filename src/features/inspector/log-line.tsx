import { shortMs } from '../../chip.tsx'
import { counted } from '../../format.ts'
import type { RecordedLog } from '../../recorder.ts'

const linesShown = 100
const factsShown = 12
const factMax = 200

type LogLineProps = {
  line: RecordedLog
  /** Stacks name files of this server. */
  withStacks: boolean
  /** With the way to its trace. */
  traced?: boolean
}

/** A log line with its facts; the stack of an error only where it may be seen. */
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
      {line.facts['exception.message'] !== undefined && (
        <p>
          {String(line.facts['exception.type'] ?? '')}: {String(line.facts['exception.message'])}
        </p>
      )}
      {withStacks && line.facts['exception.stacktrace'] !== undefined && (
        <pre>{String(line.facts['exception.stacktrace'])}</pre>
      )}
    </div>
  </>
)

const isRequest = ({ facts }: RecordedLog) => 'http.request.method' in facts

const sentenceOf = (line: RecordedLog) =>
  isRequest(line)
    ? `${String(line.facts['http.request.method'])} ${String(line.facts['url.path']).slice(0, factMax)}`
    : line.message

/** A request's status and duration; of any other line all that it says. */
function factsOf(line: RecordedLog): string {
  const { facts } = line
  if (isRequest(line))
    return `${String(facts['http.response.status_code'])} ${shortMs(Number(facts['duration_ms']))}`
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

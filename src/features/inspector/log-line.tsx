import { counted } from '../../format.ts'
import type { RecordedLog } from '../../recorder.ts'

const linesShown = 100

/** A log line with its facts; the stack of an error only where it may be seen. */
export const LogLine = ({ line, withStacks }: { line: RecordedLog; withStacks: boolean }) => (
  <div class={`log ${line.level}`}>
    <p>
      <b>{line.level}</b> {line.message}
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
)

/** The lines of one span, the newest first. */
export const LogLines = ({ lines, withStacks }: { lines: RecordedLog[]; withStacks: boolean }) => (
  <>
    {lines.slice(0, linesShown).map((line) => (
      <LogLine line={line} withStacks={withStacks} />
    ))}
    {lines.length > linesShown && (
      <p class='note'>
        The newest {linesShown} of {counted(lines.length, 'log line')}.
      </p>
    )}
  </>
)

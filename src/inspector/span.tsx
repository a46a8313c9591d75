// The details of a span, below its line: its own time, SQL and plan, attributes, log lines.
import { ATTR_DB_QUERY_TEXT } from '@opentelemetry/semantic-conventions'

import { counted } from '../base/format.ts'
import type { RecordedLog } from '../trace-store/recorded.ts'
import { shortMs } from '../ui/chip.tsx'
import { LogLines } from './log-line.tsx'
import { PlanLink } from './plan.tsx'
import { isFailed, rowsOf } from './waterfall-bars.tsx'
import type { WaterfallRow } from './waterfall.ts'

type SpanProps = {
  traceId: string
  row: WaterfallRow
  logs: RecordedLog[]
  withStacks: boolean
  /** Was it recorded here? The statements of an uploaded trace are never run, not even explained. */
  isOurs?: boolean
}

/** The text and the details of a line in the waterfall; open at first if the span failed or has an error log line. */
export function spanUnder(props: SpanProps) {
  const { row } = props
  const mine = props.logs.filter((line) => line.spanId === row.id)
  const errors = mine.filter(({ level }) => level === 'error').length
  return {
    text: [rowsOf(row), errors > 0 && counted(errors, 'error')].filter(Boolean).join(', '),
    open: isFailed(row) || errors > 0,
    facts: <SpanFacts {...props} logs={mine} />,
  }
}

const SpanFacts = ({ traceId, row, logs, withStacks, isOurs = true }: SpanProps) => {
  const sql = row.span.attributes[ATTR_DB_QUERY_TEXT]
  const longest = row.own.reduce((most, { ms }) => Math.max(most, ms), 0)
  return (
    <>
      <LogLines lines={logs} withStacks={withStacks} />
      <p>
        Itself {shortMs(row.selfMs)} of {shortMs(row.ms)}
        {row.own.length > 1 &&
          `, in ${counted(row.own.length, 'gap')}, the longest ${shortMs(longest)}`}
        {row.orphan && '. Its parent span is missing'}
      </p>
      {typeof sql === 'string' && (
        <>
          <pre>{sql}</pre>
          {isOurs && (
            <p>
              <PlanLink traceId={traceId} spanId={row.id} />
            </p>
          )}
        </>
      )}
      <dl>
        {Object.entries(row.span.attributes)
          .filter(([name]) => name !== ATTR_DB_QUERY_TEXT)
          .map(([name, value]) => (
            <>
              <dt>{name}</dt>
              <dd>{String(value)}</dd>
            </>
          ))}
      </dl>
    </>
  )
}

import { counted } from '../base/format.ts'
import type { RecordedTrace } from '../trace-store/recorded.ts'
import { shortMs } from '../ui/chip.tsx'
import { PlanLink } from './plan.tsx'
import { kindOf, spansShown } from './waterfall-bars.tsx'
import type { Waterfall, WaterfallRow } from './waterfall.ts'

const slowQueryMs = 20
const notesShown = 5

export const isSlow = (row: WaterfallRow): boolean => kindOf(row) === 'db' && row.ms > slowQueryMs

type WarningsProps = {
  waterfall: Waterfall
  trace: RecordedTrace
  /** The path of the page with the waterfall, if it is another page. */
  at?: string
  /** Was it recorded here? The statements of an uploaded trace are never run, not even explained. */
  isOurs?: boolean
}

/** Notes about a trace: repeated queries, slow queries, wrong clocks, and spans that are not shown. */
export const Warnings = ({ waterfall, trace, at = '', isOurs = true }: WarningsProps) => (
  <>
    {waterfall.repetitions.slice(0, notesShown).map(({ summary, count, ms, text, firstSpanId }) => (
      <p class='note'>
        <b>The same query {count} times</b>, {shortMs(ms)} in all:{' '}
        <a href={`${at}#span-${firstSpanId}`}>{summary}</a>. One query could replace them all.
        <code>{text.slice(0, 200)}</code>
      </p>
    ))}
    {waterfall.rows
      .filter(isSlow)
      .slice(0, notesShown)
      .map((row) => (
        <p class='note'>
          <b>A slow query</b>, {shortMs(row.ms)}:{' '}
          <a href={`${at}#span-${row.id}`}>{row.span.name}</a>{' '}
          {isOurs && <PlanLink traceId={trace.id} spanId={row.id} />}
        </p>
      ))}
    {waterfall.astray > 0 && (
      <p class='note'>
        {counted(waterfall.astray, 'span')} outside of the time of the parent span: a clock was set,
        or the work went on after its caller had ended. Such times may be wrong.
      </p>
    )}
    {trace.cut > 0 && (
      <p class='note'>{counted(trace.cut, 'more span')} of this trace were not kept.</p>
    )}
    {waterfall.rows.length > spansShown && (
      <p class='note'>
        The first {spansShown} of {counted(waterfall.rows.length, 'span')}.
      </p>
    )}
  </>
)

import { ATTR_DB_QUERY_TEXT } from '@opentelemetry/semantic-conventions'

import { counted } from '../base/format.ts'
import { hasFailed, isServerSpan } from '../trace-store/recorded-request.ts'
import { shortMs } from '../ui/chip.tsx'
import type { Stretch, Waterfall, WaterfallRow } from './waterfall.ts'

/** The maximum number of lines: nobody reads more. */
export const spansShown = 300
/** The maximum number of pieces in one bar. */
const stretchesShown = 60

/** The kind of a span, which decides its colour. */
export const kindOf = (row: WaterfallRow) =>
  isServerSpan(row.span)
    ? 'http'
    : ATTR_DB_QUERY_TEXT in row.span.attributes
      ? 'db'
      : isWait(row)
        ? 'wait'
        : 'handler'

/** Does the request only wait there: in a queue, for a lock, for its form? */
export const isWait = ({ span }: WaterfallRow): boolean => /\.(wait|receive)$/.test(span.name)

type WaterfallBarsProps = {
  waterfall: Waterfall
  /** Gives the details of a span; without it the lines cannot be opened. */
  more?: (row: WaterfallRow) => { text: string; open: boolean; facts: unknown }
}

/** The bars of a trace: solid is a span's own time, pale the time of its children, underlined the critical path. */
export const WaterfallBars = ({ waterfall, more }: WaterfallBarsProps) => (
  <ol class='waterfall'>
    <li class='scale' aria-hidden='true'>
      <p>
        <span class='legend'>
          <span class='key'>request</span> <span class='key handler'>handler</span>{' '}
          <span class='key db'>query</span> <span class='key wait'>wait</span>
        </span>
        <span class='ticks'>
          {[0, 0.25, 0.5, 0.75, 1].map((part) => (
            <span>{part === 0 ? '0' : shortMs(waterfall.ms * part)}</span>
          ))}
        </span>
      </p>
    </li>
    {waterfall.rows.slice(0, spansShown).map((row) => {
      const under = more?.(row)
      const line = <Line row={row} whole={waterfall.ms} text={under?.text ?? rowsOf(row)} />
      return (
        <li class={`d${Math.min(row.depth, 6)} ${kindOf(row)}${isFailed(row) ? ' failed' : ''}`}>
          {under ? (
            <details id={`span-${row.id}`} open={under.open}>
              <summary>{line}</summary>
              <div class='under'>{under.facts}</div>
            </details>
          ) : (
            <p>{line}</p>
          )}
        </li>
      )
    })}
  </ol>
)

export const isFailed = ({ span }: WaterfallRow) => hasFailed(span)

/** The number of rows that a query returned; `''` for other spans. */
export const rowsOf = ({ span }: WaterfallRow): string => {
  const rows = span.attributes['db.response.returned_rows']
  return rows === undefined ? '' : counted(Number(rows), 'row')
}

const Line = ({ row, whole, text }: { row: WaterfallRow; whole: number; text: string }) => (
  <>
    <span class='name'>
      {row.span.name} <small>{isFailed(row) ? `failed ${text}` : text}</small>
    </span>
    <span class='number'>{shortMs(row.ms)}</span>
    <svg aria-hidden='true'>
      <Piece of={row} whole={whole} kind='pale' />
      {row.own.slice(0, stretchesShown).map((piece) => (
        <Piece of={piece} whole={whole} />
      ))}
      {row.waited.slice(0, stretchesShown).map((piece) => (
        <Piece of={piece} whole={whole} kind='waited' />
      ))}
    </svg>
  </>
)

const Piece = ({ of, whole, kind }: { of: Stretch; whole: number; kind?: string }) => (
  <rect
    class={kind}
    x={share(of.from, whole)}
    width={share(Math.max(of.ms, whole / 400), whole)}
    y={kind === 'waited' ? '80%' : undefined}
    height={kind === 'waited' ? '20%' : '70%'}
  />
)

const share = (part: number, whole: number) =>
  `${Math.min(100, whole > 0 ? (100 * part) / whole : 0).toFixed(2)}%`

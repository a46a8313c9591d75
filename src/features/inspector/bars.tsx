import { shortMs } from '../../chip.tsx'
import type { Waterfall, WaterfallRow } from './waterfall.ts'

/** More lines than this nobody reads. */
export const spansShown = 300

/** What a span is, for its colour. */
export const kindOf = ({ span }: WaterfallRow) =>
  span.kind === 1 ? 'http' : 'db.query.text' in span.attributes ? 'db' : 'deed'

/** The bars of a trace; `open` puts the attributes of each span under its line. */
export const Bars = ({
  waterfall,
  children,
}: {
  waterfall: Waterfall
  children?: (row: WaterfallRow) => unknown
}) => (
  <ol class='waterfall'>
    {waterfall.rows.slice(0, spansShown).map((row) => (
      <li
        class={`d${Math.min(row.depth, 6)}${row.critical ? ' critical' : ''}${row.span.status.code === 2 ? ' failed' : ''}`}
      >
        <p>
          <span class='name'>{row.span.name}</span> <span class='number'>{shortMs(row.ms)}</span>
        </p>
        <svg class={kindOf(row)} aria-hidden='true'>
          <rect class='track' width='100%' height='100%' />
          <rect
            x={share(row.from, waterfall.ms)}
            width={share(Math.max(row.ms, waterfall.ms / 300), waterfall.ms)}
            height='100%'
          />
        </svg>
        {children?.(row)}
      </li>
    ))}
  </ol>
)

const share = (part: number, whole: number) =>
  `${Math.min(100, whole > 0 ? (100 * part) / whole : 0).toFixed(2)}%`

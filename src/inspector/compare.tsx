// /traces/compare: two traces of one route side by side.
import { counted } from '../base/format.ts'
import { query } from '../http/validation.ts'
import type { RecordedRequest, RecordedTrace } from '../trace-store/recorded.ts'
import { shortMs } from '../ui/chip.tsx'
import { Column } from './column.tsx'
import {
  compareTraces,
  growth,
  mostChanged,
  type ComparedRow,
  type Comparison,
} from './comparison.ts'
import { Labelled } from './field.tsx'
import { Header } from './header.tsx'
import { Clock, Status, titleOf } from './list.tsx'
import { traceId } from './parameters.ts'

/** Validates the two ids; either may be missing. */
export const compareQuery = query({ a: traceId, b: traceId })

const changesShown = 3

const signed = (ms: number) => `${ms < 0 ? '\u2212' : '+'}${shortMs(Math.abs(ms))}`

/** `3` when both have as many, else `3 \u2192 12`. */
const counts = ([first, second]: [number, number]) =>
  first === second ? String(first) : `${first} \u2192 ${second}`

const nameOf = ({ name, nth }: ComparedRow) => (nth === undefined ? name : `${name} (${nth})`)

/** Why these two cannot be compared; undefined when they can. */
export function whyNotComparable(first: RecordedTrace, second: RecordedTrace): string | undefined {
  const [one, other] = [first.requests[0], second.requests[0]]
  if (!one || !other) return 'One of these traces has no request.'
  if (first.id === second.id) return 'These are the same trace.'
  const routes = [one, other].map(({ method, route }) => `${method} ${route}`.trim())
  return routes[0] === routes[1]
    ? undefined
    : `Only traces of one route can be compared: these are ${routes[0]} and ${routes[1]}.`
}

export const ComparePage = ({ first, second }: { first: RecordedTrace; second: RecordedTrace }) => {
  const comparison = compareTraces(first.spans, second.spans)
  const [one, other] = [first.requests[0]!, second.requests[0]!]
  return (
    <>
      <Header
        at=''
        title={titleOf(one)}
        words='Two traces of one route. Their spans are matched by name and order; what grew from A to B is above zero.'
      />
      <div class='compared'>
        <Side letter='A' request={one} spans={first.spans.length} />
        <Side letter='B' request={other} spans={second.spans.length} />
      </div>
      <Changes comparison={comparison} whole={[one.ms, other.ms]} />
      <Rows comparison={comparison} />
      {comparison.cut > 0 && (
        <p class='note'>{counted(comparison.cut, 'more row')} are not shown.</p>
      )}
      <p class='words'>
        <a href={`/traces/compare?a=${second.id}&b=${first.id}`}>Swap A and B</a>
      </p>
    </>
  )
}

type SideProps = { letter: string; request: RecordedRequest; spans: number }

const Side = ({ letter, request, spans }: SideProps) => (
  <p class='facts trace'>
    <b>{letter}</b>
    <a href={`/traces/${request.traceId}`}>{request.traceId.slice(0, 8)}</a>
    <Status of={request} />
    <b class='number'>{shortMs(request.ms)}</b>
    <span>{request.kind}</span>
    <span>{counted(request.queries, 'query', 'queries')}</span>
    <span>{counted(spans, 'span')}</span>
    <Clock at={request.at} />
  </p>
)

/** The difference in a sentence, and the rows that make most of it. */
const Changes = ({ comparison, whole }: { comparison: Comparison; whole: [number, number] }) => {
  const ms = growth(whole)
  const changed = mostChanged(comparison, changesShown)
  return (
    <div class='note'>
      <p>
        <b>
          B took {shortMs(Math.abs(ms))} {ms < 0 ? 'less' : 'longer'}
        </b>
        : {shortMs(whole[0])} {'\u2192'} {shortMs(whole[1])}.{' '}
        {changed.length === 0
          ? 'No span changed by a tenth of a millisecond.'
          : 'What changed most:'}
      </p>
      {changed.length > 0 && (
        <ul>
          {changed.map((row) => (
            <li>
              {nameOf(row)} itself: {signed(growth(row.selfMs))}
              {growth(row.count) !== 0 && `, ${counts(row.count)} times`}
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}

const Rows = ({ comparison: { rows } }: { comparison: Comparison }) => {
  const most = Math.max(0.001, ...rows.flatMap(({ ms }) => ms))
  return (
    <div class='scroll' role='region' aria-label='Spans of A and B' tabindex={0}>
      <table class='requests sums compare'>
        <thead>
          <tr>
            <Column>Span</Column>
            <Column kind='number'>A</Column>
            <Column kind='number'>B</Column>
            <Column kind='number'>Difference</Column>
            <Column kind='number'>Count</Column>
            <Column kind='bar'>A above, B below</Column>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <Row row={row} most={most} />
          ))}
        </tbody>
      </table>
    </div>
  )
}

const Row = ({ row, most }: { row: ComparedRow; most: number }) => {
  const { ms, count } = row
  return (
    <tr class={growth(ms) >= 0.1 ? 'grew' : undefined}>
      <td class={`d${Math.min(row.depth, 6)}`} title={row.sql}>
        {nameOf(row)}
      </td>
      {ms.map((one, side) => (
        <td class='number'>{count[side] === 0 ? 'none' : shortMs(one)}</td>
      ))}
      <td class='number'>{signed(growth(ms))}</td>
      <td class='number'>{counts(count)}</td>
      <td class='bar'>
        <svg aria-hidden='true'>
          {ms.map((one, side) => (
            <rect
              y={side === 0 ? '0' : '55%'}
              width={`${((100 * one) / most).toFixed(1)}%`}
              height='45%'
            />
          ))}
        </svg>
      </td>
    </tr>
  )
}

/** Without two traces: asks for their ids. */
export const CompareForm = ({ a, b }: { a: string; b: string }) => (
  <>
    <Header
      at=''
      title='Compare two traces'
      words='Two traces of one route side by side: what grew. The page of a trace offers others of its route.'
    />
    <form class='filters' action='/traces/compare'>
      {(['a', 'b'] as const).map((name) => (
        <Labelled label={`Trace ${name.toUpperCase()}`}>
          <input
            name={name}
            value={name === 'a' ? a : b}
            required
            maxlength={32}
            pattern='[0-9a-f]{32}'
            placeholder='32 hexadecimal digits'
          />
        </Labelled>
      ))}
      <button class='btn'>Compare</button>
    </form>
  </>
)

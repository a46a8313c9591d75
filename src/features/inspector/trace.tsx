// /traces/:id: one trace as a waterfall, with what it asked the database and what it logged.
import { shortMs } from '../../chip.tsx'
import { counted } from '../../format.ts'
import {
  recorderBounds,
  type RecordedLog,
  type RecordedRequest,
  type RecordedTrace,
} from '../../recorder.ts'
import { Bars, kindOf, spansShown } from './bars.tsx'
import { Head } from './head.tsx'
import { Status } from './list.tsx'
import { LogLines } from './log-line.tsx'
import { layOut, type Repetition, type Waterfall, type WaterfallRow } from './waterfall.ts'

const slowQueryMs = 20
type TraceProps = {
  trace: RecordedTrace
  logs: RecordedLog[]
  /** Requests that htmx sent from this page. */
  since: RecordedRequest[]
  /** Stack traces name files of this server: for those who may see lists. */
  withStacks: boolean
  grafana: string | undefined
}

export const TracePage = ({ trace, logs, since, withStacks, grafana }: TraceProps) => {
  const waterfall = layOut(trace)
  const root = trace.requests[0]
  return (
    <>
      <Head
        at=''
        title={root?.name ?? 'Trace'}
        words='Time runs from left to right; a line under another was called by it. Bold bars are what the whole waited for.'
      />
      <Facts trace={trace} waterfall={waterfall} root={root} grafana={grafana} />
      <Critic repetitions={waterfall.repetitions} rows={waterfall.rows} />
      {trace.cut > 0 && (
        <p class='note warn'>{counted(trace.cut, 'more span')} of this trace were not kept.</p>
      )}
      {waterfall.rows.length > spansShown && (
        <p class='note warn'>
          The first {spansShown} of {waterfall.rows.length} spans.
        </p>
      )}
      <Bars waterfall={waterfall}>
        {(row) => <SpanFacts traceId={trace.id} row={row} logs={logs} withStacks={withStacks} />}
      </Bars>
      {since.length > 0 && <Since requests={since} />}
    </>
  )
}

const Facts = ({
  trace,
  waterfall,
  root,
  grafana,
}: {
  trace: RecordedTrace
  waterfall: Waterfall
  root: RecordedRequest | undefined
  grafana: string | undefined
}) => {
  const first = waterfall.rows[0]?.span.spanContext()
  return (
    <div class='facts trace'>
      {root && <Status of={root} />}
      <b class='number'>{shortMs(root?.ms ?? waterfall.ms)}</b>
      <span>{counted(trace.spans.length, 'span')}</span>
      <span>{counted(root?.queries ?? 0, 'query', 'queries')}</span>
      {root && <span>{root.kind}</span>}
      <span>{new Date(waterfall.at).toISOString().replace('T', ' ')}</span>
      {root?.pageTraceId && <a href={`/traces/${root.pageTraceId}`}>The page that sent it</a>}
      <a href={`/traces/${trace.id}/otlp.json`}>OTLP JSON</a>
      {grafana && (
        <a
          href={`${grafana.replace(/\/$/, '')}/explore?left=${encodeURIComponent(JSON.stringify({ datasource: 'tempo', queries: [{ query: trace.id, queryType: 'traceql' }] }))}`}
        >
          Open in Grafana
        </a>
      )}
      <code>{first ? `00-${trace.id}-${first.spanId}-0${first.traceFlags & 1}` : trace.id}</code>
    </div>
  )
}

/** What a colleague would say about this trace. */
const Critic = ({ repetitions, rows }: { repetitions: Repetition[]; rows: WaterfallRow[] }) => (
  <>
    {repetitions.map(({ summary, count, ms, text, firstSpanId }) => (
      <p class='note warn'>
        <b>The same query {count} times</b>, {shortMs(ms)} in all: {summary}. One query for all of
        them would do. <a href={`#span-${firstSpanId}`}>The first of them</a>{' '}
        <code>{text.slice(0, 200)}</code>
      </p>
    ))}
    {rows
      .filter((row) => kindOf(row) === 'db' && row.ms > slowQueryMs)
      .slice(0, 5)
      .map((row) => (
        <p class='note warn'>
          <b>A slow query</b>, {shortMs(row.ms)}: <a href={`#span-${row.id}`}>{row.span.name}</a>
        </p>
      ))}
  </>
)

type SpanProps = { traceId: string; row: WaterfallRow; logs: RecordedLog[]; withStacks: boolean }

const SpanFacts = ({ traceId, row, logs, withStacks }: SpanProps) => {
  const sql = row.span.attributes['db.query.text']
  const rows = row.span.attributes['db.response.returned_rows']
  const mine = logs.filter((line) => line.spanId === row.id)
  return (
    <details id={`span-${row.id}`}>
      <summary>
        {typeof sql === 'string' ? (
          <code>{sql.replace(/\s+/g, ' ').slice(0, 120)}</code>
        ) : (
          'Attributes'
        )}
        {rows !== undefined && ` ${counted(Number(rows), 'row')}`}
        {mine.length > 0 && ` ${counted(mine.length, 'log line')}`}
      </summary>
      <p>
        Itself {shortMs(row.selfMs)} of {shortMs(row.ms)}
        {row.orphan && '. Its parent is not here'}
      </p>
      {typeof sql === 'string' && (
        <>
          <pre>{sql}</pre>
          <p>
            <a
              href={`/traces/${traceId}/plan/${row.id}`}
              hx-get={`/traces/${traceId}/plan/${row.id}`}
              hx-swap='outerHTML'
            >
              How SQLite runs it
            </a>
          </p>
        </>
      )}
      <dl>
        {Object.entries(row.span.attributes)
          .filter(([name]) => name !== 'db.query.text')
          .map(([name, value]) => (
            <>
              <dt>{name}</dt>
              <dd>{String(value)}</dd>
            </>
          ))}
      </dl>
      <LogLines lines={mine} withStacks={withStacks} />
    </details>
  )
}

const Since = ({ requests }: { requests: RecordedRequest[] }) => (
  <section class='since'>
    <h2>Since then, from this page</h2>
    <ul>
      {requests.map((request) => (
        <li>
          <a href={`/traces/${request.traceId}`}>{request.name}</a> <Status of={request} />{' '}
          <span class='number'>{shortMs(request.ms)}</span>
        </li>
      ))}
    </ul>
  </section>
)

/** What the chip of a page shows when it is opened. */
export const Panel = ({ trace, since }: { trace: RecordedTrace; since: RecordedRequest[] }) => (
  <>
    <Bars waterfall={layOut(trace)} />
    {since.length > 0 && <Since requests={since} />}
    <p>
      <a href={`/traces/${trace.id}`}>Open the whole trace</a>
    </p>
  </>
)

/** For an id that is not, or no longer, there. */
export const Gone = () => (
  <div class='empty-state'>
    <h1 class='big'>This trace is not here.</h1>
    <p>
      It was never recorded by this process, or it has made room: the newest {recorderBounds.traces}{' '}
      traces are kept, and beyond them the last {recorderBounds.errors} with an error and the{' '}
      {recorderBounds.slow} slowest. A restart forgets all.
    </p>
  </div>
)

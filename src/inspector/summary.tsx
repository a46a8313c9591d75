// The summary of a trace: status, duration, where the time was spent, and what can be copied or downloaded.
import { counted } from '../base/format.ts'
import { isServerSpan, spanTimes } from '../trace-store/recorded-request.ts'
import type { RecordedTrace } from '../trace-store/recorded.ts'
import { shortMs } from '../ui/chip.tsx'
import { curlOf } from './curl.ts'
import { Moment, Status } from './list.tsx'
import type { Waterfall } from './waterfall.ts'

type SummaryProps = {
  trace: RecordedTrace
  waterfall: Waterfall
  grafana: string | undefined
  /** The origin of this site, for a command that repeats the request. */
  origin: string
}

export const Summary = ({ trace, waterfall, grafana, origin }: SummaryProps) => {
  const request = trace.requests[0]
  const first = waterfall.rows[0]?.span
  const root = trace.spans.find((span) => span.spanContext().spanId === request?.spanId)
  const isSampled = ((first?.spanContext().traceFlags ?? 0) & 1) === 1
  return (
    <>
      <div class='facts trace'>
        {request && <Status of={request} />}
        {request?.code !== undefined && <code>{request.code}</code>}
        <b class='number'>{shortMs(request?.ms ?? waterfall.ms)}</b>
        {request && <span>{request.kind}</span>}
        <span>{counted(request?.queries ?? 0, 'query', 'queries')}</span>
        <span>{counted(trace.spans.length, 'span')}</span>
        {trace.requests.length > 1 && <span>{counted(trace.requests.length, 'request')}</span>}
        <Moment at={waterfall.at} />
      </div>
      <Spent trace={trace} waterfall={waterfall} />
      <div class='facts trace'>
        <Causes trace={trace} />
        <a href={`/logs?q=${trace.id}`}>Logs</a>
        <a href={`/traces/${trace.id}/otlp.json`} download={`${trace.id}.json`}>
          OTLP JSON
        </a>
        {grafana && isSampled && <a href={inGrafana(grafana, trace.id)}>Open in Grafana</a>}
        {!isSampled && <span>Not sampled: it stays in this process</span>}
      </div>
      <p class='facts trace'>
        <code id='traceparent'>
          {first ? `00-${trace.id}-${first.spanContext().spanId}-0${isSampled ? 1 : 0}` : trace.id}
        </code>
        <button class='quiet' type='button' data-copy='#traceparent' hidden>
          Copy traceparent
        </button>
      </p>
      <Curl command={root && curlOf(root, origin)} />
    </>
  )
}

const Curl = ({ command }: { command: string | undefined }) =>
  command === undefined ? null : (
    <details class='curl'>
      <summary>As a curl command</summary>
      <p>Without the cookie, and without the values of a form: put in what it needs.</p>
      <pre id='curl'>{command}</pre>
      <button class='quiet' type='button' data-copy='#curl' hidden>
        Copy as curl
      </button>
    </details>
  )

/** The parts of a request's time, by attribute of its server span. Those of no time are not shown, but the first two. */
const parts = [
  ['queries', 'app.db.duration_ms'],
  ['rendering', 'app.render.duration_ms'],
  ['waiting', 'app.wait.duration_ms'],
  ['hashing', 'app.password.duration_ms'],
  ['middleware', 'app.middleware.duration_ms'],
  ['handler', 'app.handler.duration_ms'],
] as const

/** Where the time of a request went. A query that waited for the write lock counts without that wait. */
const Spent = ({ trace, waterfall }: { trace: RecordedTrace; waterfall: Waterfall }) => {
  const [root, ...others] = trace.spans.filter(isServerSpan)
  if (!root || others.length > 0 || !('app.client.kind' in root.attributes)) return null
  const waitedInQueries = waterfall.rows
    .filter(({ span }) => /^(write|read)_.*wait$/.test(span.name))
    .reduce((sum, { ms }) => sum + ms, 0)
  const spent = parts.map(([word, attribute], index) => {
    const ms = Number(root.attributes[attribute] ?? 0)
    return { word, ms: index === 0 ? Math.max(0, ms - waitedInQueries) : ms }
  })
  const named = spent.reduce((sum, { ms }) => sum + ms, 0)
  const rest = Math.max(0, spanTimes(root).ms - named)
  return (
    <p class='facts trace'>
      {spent
        .filter(({ ms }, index) => index < 2 || ms > 0)
        .map(({ word, ms }) => (
          <span>
            {word} {shortMs(ms)}
          </span>
        ))}
      <span>the rest {shortMs(rest)}</span>
    </p>
  )
}

/** Links to the cause of a request or a background job: the page that sent it, or the request that started it. */
const Causes = ({ trace }: { trace: RecordedTrace }) => {
  const pages = new Set(trace.requests.flatMap(({ pageTraceId }) => pageTraceId ?? []))
  const linked = new Set(
    trace.spans.flatMap(({ links }) => links.map(({ context }) => context.traceId)),
  )
  return (
    <>
      {[...pages].slice(0, 5).map((id) => (
        <a href={`/traces/${id}`}>The page that sent it</a>
      ))}
      {[...linked]
        .filter((id) => !pages.has(id))
        .slice(0, 5)
        .map((id) => (
          <a href={`/traces/${id}`}>What caused it</a>
        ))}
    </>
  )
}

/** The URL of this trace in Grafana Explore, in the format used since Grafana 10. */
function inGrafana(url: string, traceId: string): string {
  const datasource = { type: 'tempo', uid: 'tempo' }
  const queries = [{ refId: 'A', datasource, queryType: 'traceql', query: traceId }]
  const panes = { trace: { datasource: 'tempo', queries, range: { from: 'now-1h', to: 'now' } } }
  return `${url.replace(/\/$/, '')}/explore?schemaVersion=1&panes=${encodeURIComponent(JSON.stringify(panes))}`
}

// The summary of a trace: status, duration, where the time was spent, and what can be copied or downloaded.
import { SpanKind } from '@opentelemetry/api'

import { counted } from '../base/format.ts'
import { isServerSpan } from '../trace-store/recorded-request.ts'
import type { RecordedTrace } from '../trace-store/recorded.ts'
import { shortMs } from '../ui/chip.tsx'
import { Status } from './list.tsx'
import { isWait } from './waterfall-bars.tsx'
import type { Waterfall, WaterfallRow } from './waterfall.ts'

type SummaryProps = { trace: RecordedTrace; waterfall: Waterfall; grafana: string | undefined }

export const Summary = ({ trace, waterfall, grafana }: SummaryProps) => {
  const request = trace.requests[0]
  const first = waterfall.rows[0]?.span
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
        <time datetime={new Date(waterfall.at).toISOString()}>
          {new Date(waterfall.at).toISOString().replace('T', ' ').replace('Z', ' UTC')}
        </time>
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
    </>
  )
}

/** Whose own time a line is, in the words of the summary. */
function shareOf(row: WaterfallRow): string {
  const { name, kind } = row.span
  if (isServerSpan(row.span)) return 'the rest'
  if (kind === SpanKind.CLIENT) return 'queries'
  return shares[name] ?? (isWait(row) ? 'waiting' : 'handler')
}

const shares: Record<string, string> = {
  render: 'rendering',
  middleware: 'middleware',
  'password.hash': 'hashing',
  'query.prepare': 'preparing queries',
}

/** Where the time of a request went: the own time of its lines, summed up. */
const Spent = ({ trace, waterfall }: { trace: RecordedTrace; waterfall: Waterfall }) => {
  const roots = trace.spans.filter(isServerSpan)
  if (roots.length !== 1 || !('app.client.kind' in roots[0]!.attributes)) return null
  const spent = new Map([['queries', 0]])
  for (const row of waterfall.rows) {
    const share = shareOf(row)
    spent.set(share, (spent.get(share) ?? 0) + row.selfMs)
  }
  const rest = spent.get('the rest') ?? 0
  spent.delete('the rest')
  return (
    <p class='facts trace'>
      {[...spent, ['the rest', rest] as const].map(([share, ms]) => (
        <span>
          {share} {shortMs(ms)}
        </span>
      ))}
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

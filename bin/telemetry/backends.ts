// Sends the queries of the dashboards to Mimir or Prometheus, to Loki and to Tempo, as Grafana would send them. Where Loki
// does not run, the queries of logs are read with the grammar of LogQL and evaluated on the file of the Collector.
import type { Query } from './dashboards.ts'
import { readLogFile, type LogLine } from './log-file.ts'
import { readLogQL } from './logql.ts'

export type Backends = {
  /** The API of Mimir or Prometheus, directly or through Grafana. */
  metrics: string
  loki: string | undefined
  /** All log records, when Loki does not run. */
  logFile: string
  tempo: string | undefined
}

const stepSeconds = 15
const lookBackSeconds = 300

/** The values that Grafana would put in place of its variables. */
const values: Record<string, string> = {
  __rate_interval: '1m',
  __interval: '15s',
  __auto: '15s',
  __range: `${lookBackSeconds}s`,
  app: 'twitter-app',
  route: '.*',
  many: '1',
  search: '',
}

/** A query with its variables replaced, as Grafana sends it. Throws for an unknown variable. */
export const filled = (expr: string): string =>
  expr.replaceAll(/\$(\w+)|\$\{(\w+)\}/g, (_, plain?: string, braced?: string) => {
    const name = plain ?? braced ?? ''
    const value = values[name]
    if (value === undefined) throw new Error(`Unknown variable $${name} in ${expr}`)
    return value
  })

async function get(url: string, parameters: Record<string, string>): Promise<unknown> {
  const answer = await fetch(`${url}?${new URLSearchParams(parameters)}`, {
    signal: AbortSignal.timeout(20_000),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${answer.status} ${text.slice(0, 300)}`)
  return JSON.parse(text)
}

type Sample = [number, string]
type Result = { data: { result: { value?: Sample; values?: Sample[] }[] } }

/** Counts the series, lines or traces that a query finds. Values that are NaN or Inf do not count. */
export async function countOf(query: Query, backends: Backends): Promise<number> {
  const now = Math.floor(Date.now() / 1000)
  const range = { start: String(now - lookBackSeconds), end: String(now), step: `${stepSeconds}` }
  if (query.kind === 'values') return (await labelValues(query.expr, backends, range)).length
  if (query.kind === 'traceql' || query.kind === 'serviceMap') return tracesOf(query, backends)
  const expr = filled(query.expr)
  if (query.uid === 'loki' && backends.loki === undefined) return countInFile(expr, backends)
  const base = query.uid === 'loki' ? `${backends.loki}/loki/api/v1` : `${backends.metrics}/api/v1`
  const found = (await (query.kind === 'instant'
    ? get(`${base}/query`, { query: expr, time: String(now) })
    : get(`${base}/query_range`, {
        query: expr,
        ...range,
        ...(query.uid === 'loki' && { limit: '100' }),
      }))) as Result
  return found.data.result.filter(({ value, values: many = [] }) =>
    [...(value ? [value] : []), ...many].some(([, text]) => hasValue(text, query)),
  ).length
}

const hasValue = (text: string, { uid }: Query) => uid === 'loki' || Number.isFinite(Number(text))

async function labelValues(
  expr: string,
  { metrics }: Backends,
  range: { start: string; end: string },
) {
  const [, selector = '', label = ''] = /^label_values\((.*), (\w+)\)$/.exec(filled(expr)) ?? []
  const found = await get(`${metrics}/api/v1/label/${label}/values`, {
    'match[]': selector,
    start: range.start,
    end: range.end,
  })
  return (found as { data: string[] }).data
}

async function tracesOf({ kind, expr }: Query, { tempo, metrics }: Backends): Promise<number> {
  if (kind === 'traceql') {
    if (tempo === undefined) return 0
    const found = await get(`${tempo}/api/search`, { q: filled(expr), limit: '20' })
    return (found as { traces?: unknown[] }).traces?.length ?? 0
  }
  // Grafana draws the service graph from this metric.
  const found = await get(`${metrics}/api/v1/query`, {
    query: 'traces_service_graph_request_total',
  })
  return (found as Result).data.result.length
}

type Exemplars = { data: { seriesLabels: Record<string, string>; exemplars: Exemplar[] }[] }
export type Exemplar = { labels: Record<string, string>; value: string; timestamp: number }

/** The exemplars that a panel with this query would show. */
export async function exemplarsOf(expr: string, { metrics }: Backends) {
  const now = Date.now() / 1000
  const found = await get(`${metrics}/api/v1/query_exemplars`, {
    query: filled(expr),
    start: String(now - lookBackSeconds),
    end: String(now),
  })
  return (found as Exemplars).data
}

/** The names of all metrics. */
export const metricNames = async ({ metrics }: Backends): Promise<string[]> => {
  const found = await get(`${metrics}/api/v1/label/__name__/values`, {})
  return (found as { data: string[] }).data
}

type Streams = { data: { result: { stream: Record<string, string>; values: Sample[] }[] } }

/** The log lines that Loki returns for a query, or that the query selects in the file. */
export async function linesOf(expr: string, backends: Backends) {
  if (backends.loki === undefined)
    return selected(expr, backends).map(({ line, labels, fields }) => ({
      line,
      labels: { ...labels, ...fields },
    }))
  const now = Date.now()
  const found = await get(`${backends.loki}/loki/api/v1/query_range`, {
    query: expr,
    start: `${now - lookBackSeconds * 1000}000000`,
    end: `${now}000000`,
    limit: '100',
  })
  return (found as Streams).data.result.flatMap(({ stream, values: lines }) =>
    lines.map(([, line]) => ({ line, labels: stream })),
  )
}

const recent = ({ logFile }: Backends): LogLine[] =>
  readLogFile(logFile).filter(({ at }) => at > Date.now() - lookBackSeconds * 1000)

function selected(expr: string, backends: Backends): LogLine[] {
  const lines = recent(backends)
  return readLogQL(expr).selections.flatMap(({ selects, stages }) =>
    lines.filter((line) => selects(line) && stages.every((test) => test(line))),
  )
}

const countInFile = (expr: string, backends: Backends): number => {
  const { hasDefault, notEvaluated } = readLogQL(expr)
  return hasDefault || notEvaluated !== undefined ? 1 : selected(expr, backends).length
}

/** The labels and fields that a query names and that no line of its streams has. */
export function absentFields(expr: string, backends: Backends): string[] {
  const { selections, notEvaluated } = readLogQL(filled(expr))
  // Behind a stage such as `| json`, a field need not be one that was sent.
  if (notEvaluated !== undefined) return []
  const lines = recent(backends)
  return selections.flatMap(({ selects, fields }) => {
    const sent = new Set(
      lines.filter(selects).flatMap((line) => Object.keys({ ...line.labels, ...line.fields })),
    )
    return fields.filter((field) => !sent.has(field))
  })
}

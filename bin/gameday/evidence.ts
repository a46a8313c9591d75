// The evidence of the answer page: links to the very traces, the chart of the metric and the log line.
import type { Truth } from './score.ts'
import { look, type Seen, type SeenTrace } from './seen.ts'
import { signs, usualOf } from './signs.ts'

export type Link = { label: string; href: string }
export type Evidence = { traces: Link[]; chart: Link; log: Link; grafana: Link[] }

const tracesShown = 3

/** The same trace in Grafana, with the data sources of observability/grafana. */
function inGrafana(grafana: string, { id }: SeenTrace): string {
  const datasource = { type: 'tempo', uid: 'tempo' }
  const queries = [{ refId: 'A', datasource, queryType: 'traceql', query: id }]
  const panes = { trace: { datasource: 'tempo', queries, range: { from: 'now-1h', to: 'now' } } }
  return `${grafana.replace(/\/$/, '')}/explore?schemaVersion=1&panes=${encodeURIComponent(JSON.stringify(panes))}`
}

/** Looks for what shows this fault, while it is still active or just after. */
export async function evidenceOf(url: string, truth: Truth, grafana?: string): Promise<Evidence> {
  const seen = await look(url)
  const traces = showing(seen, truth).slice(0, tracesShown)
  const [path, name] = signs[truth.fault]!.chart
  return {
    traces: traces.map((trace) => ({
      label: `${trace.route || trace.spans[0]!.name}, ${clock(trace.at)}`,
      href: `${url}/traces/${trace.id}`,
    })),
    chart: { label: `${name}, on ${path}`, href: url + path },
    log: logLink(url, seen, truth, traces),
    grafana:
      grafana === undefined
        ? []
        : traces.map((trace) => ({
            label: `${trace.route} in Grafana`,
            href: inGrafana(grafana, trace),
          })),
  }
}

/** The traces that show it, of its time; where no trace does, the slowest ones of that time. */
function showing({ traces, samples }: Seen, truth: Truth): SeenTrace[] {
  const usual = usualOf(traces, samples, truth.since)
  const { trace: shows } = signs[truth.fault]!
  const during = traces.filter(({ at }) => at >= truth.since)
  const ofRoute = during.filter(({ route }) => truth.route === '' || route === truth.route)
  const found = shows ? ofRoute.filter((trace) => shows(trace, usual)) : []
  const isSlower = (one: SeenTrace, other: SeenTrace) =>
    (other.server?.ms ?? 0) - (one.server?.ms ?? 0)
  return found.length > 0 ? found.toSorted(isSlower) : ofRoute.toSorted(isSlower)
}

/** The line that shows it; else the one of the first trace; else the one that tells when the fault was. */
function logLink(url: string, { lines }: Seen, truth: Truth, traces: SeenTrace[]): Link {
  const { line: shows } = signs[truth.fault]!
  const line = shows && lines.find((one) => one.at >= truth.since && shows(one))
  const trace = traces[0]
  if (line?.traceId !== undefined) return lineOf(url, line.traceId, 'The line of the first one')
  if (line)
    return {
      label: `The line of ${clock(line.at)}`,
      href: `${url}/logs?q=${encodeURIComponent(wordsOf(line.text))}`,
    }
  if (trace && lines.some(({ traceId }) => traceId === trace.id))
    return lineOf(url, trace.id, 'The line of the first trace')
  return lineOf(url, 'fault ended', 'The line that tells when it was')
}

const lineOf = (url: string, words: string, label: string): Link => ({
  label,
  href: `${url}/logs?q=${encodeURIComponent(words)}`,
})

/** What a search of the log finds again: the path of a request, or the message. */
const wordsOf = (text: string): string =>
  /(?:GET|POST) (\/\S*)/.exec(text)?.[1] ?? (text.includes('not delivered') ? 'not delivered' : '')

export const clock = (at: number): string => `${new Date(at).toISOString().slice(11, 19)} UTC`

// The signs of each fault in what anybody may see: they find the evidence for the answer page, and a script can play with them.
import { numberOf, type Sample, type SeenLine, type SeenSpan, type SeenTrace } from './seen.ts'

/** What was usual before the fault. */
export type Usual = {
  /** The smallest page of each route, bytes. */
  bytes: Map<string, number>
  heapBytes: number
  walBytes: number
  missShare: number
}

export type Sign = {
  /** Does this trace show it? */
  trace?: (trace: SeenTrace, usual: Usual) => boolean
  /** Does the runtime of these ten seconds show it? */
  sample?: (sample: Sample, usual: Usual) => boolean
  /** Does this log line show it? */
  line?: (line: SeenLine) => boolean
  /** The page with the chart of the metric, and its name there. */
  chart: [path: string, name: string]
}

const runtime = '/traces/runtime'
const has = (trace: SeenTrace, test: (span: SeenSpan) => boolean) => trace.spans.some(test)
const waits = (trace: SeenTrace, name: string, ms: number) =>
  has(trace, (span) => span.name === name && span.ms > ms)
const sql = ({ attributes }: SeenSpan) => String(attributes['db.query.text'] ?? '')
const isWrite = (span: SeenSpan) => /^\s*(insert|update|delete)\b/i.test(sql(span))
const value = (sample: Sample, name: string) => Number(sample[name] ?? 0)

/** How often the statement that is asked most often is asked in this trace. */
function repeated({ spans }: SeenTrace): number {
  const counts = new Map<string, number>()
  for (const span of spans) {
    const text = sql(span)
    if (text !== '') counts.set(text, (counts.get(text) ?? 0) + 1)
  }
  return Math.max(0, ...counts.values())
}

const isPage = ({ server }: SeenTrace) =>
  server?.attributes['app.client.kind'] === 'page' &&
  numberOf(server, 'http.response.status_code') === 200

const pageBytes = ({ server }: SeenTrace) => numberOf(server, 'http.response.body.size')

/** The share of the cards that were not in the cache. */
const missShare = (sample: Sample) => {
  const all = value(sample, 'card_hits') + value(sample, 'card_misses')
  return all < 20 ? 0 : value(sample, 'card_misses') / all
}

/** In the order in which a script should look: a sign further up can be the cause of one further down. */
export const signs: Record<string, Sign> = {
  errors: {
    trace: ({ server }) =>
      numberOf(server, 'http.response.status_code') === 500 &&
      server?.attributes['app.error.slug'] === 'unexpected',
    line: ({ text }) => text.includes('request failed') && text.includes('slug=unexpected'),
    chart: ['/routes', 'Errors'],
  },
  'skewed-clock': {
    // A finished span cannot begin in the future; read soon, it still does.
    trace: ({ at }) => at > Date.now() + 20_000,
    chart: ['/traces', 'Time of the newest requests'],
  },
  'lost-parents': {
    trace: ({ server, spans }) => server === undefined && spans.every((span) => sql(span) !== ''),
    chart: ['/traces?kind=background', 'Traces of a single query'],
  },
  'many-routes': {
    trace: ({ route }) => /[^/]\/\d+$|^\w+ \/\/?\d+$/.test(route),
    chart: ['/routes', 'Rows'],
  },
  'broken-propagation': {
    trace: ({ server }) =>
      server?.parent === '' &&
      !/^\w+ \/(traces|logs|routes|faults|static|readyz|livez)/.test(nameOf(server)),
    chart: ['/traces', 'Requests'],
  },
  'n-plus-one': { trace: (trace) => repeated(trace) >= 5, chart: ['/routes', 'Queries'] },
  'full-scan': {
    trace: (trace) => has(trace, (span) => span.ms > 10 && /\brecursive\b/i.test(sql(span))),
    chart: ['/routes?by=query', 'p50'],
  },
  'held-lock': {
    trace: (trace) => waits(trace, 'write_lock.wait', 1000),
    chart: [runtime, 'Waiting in queues'],
  },
  'slow-commit': {
    trace: (trace) =>
      has(trace, (span) => isWrite(span) && span.ms > 400) &&
      !waits(trace, 'write_lock.wait', 100) &&
      !waits(trace, 'write_queue.wait', 100),
    chart: ['/routes?by=query', 'p50'],
  },
  'password-queue': {
    trace: (trace) => waits(trace, 'password_queue.wait', 1500),
    sample: (sample) =>
      typeof sample['waiting'] === 'object' && (sample['waiting']?.['password'] ?? 0) > 50,
    chart: [runtime, 'Waiting in queues'],
  },
  'exporter-unreachable': {
    line: ({ text }) => text.includes('telemetry is not delivered'),
    chart: ['/traces', 'Export'],
  },
  sampling: { trace: ({ sampled }) => !sampled, chart: ['/traces?sampled=no', 'Requests'] },
  'slow-render': {
    trace: ({ server }) => numberOf(server, 'app.render.duration_ms') > 100,
    chart: ['/routes', 'p50'],
  },
  'cut-answers': {
    trace: (trace, { bytes }) =>
      isPage(trace) && pageBytes(trace) < 0.6 * (bytes.get(trace.route) ?? 0),
    chart: ['/routes', 'KB'],
  },
  latency: {
    trace: ({ server }) => numberOf(server, 'app.handler.duration_ms') > 400,
    chart: ['/routes', 'p99'],
  },
  'lost-log-ids': {
    line: ({ text, traceId }) => traceId === undefined && / (GET|POST) \//.test(text),
    chart: ['/logs', 'Lines without a link'],
  },
  'wal-growth': {
    sample: (sample, { walBytes }) => value(sample, 'wal_bytes') > 2 * walBytes + 4_000_000,
    chart: [runtime, 'Write-ahead log'],
  },
  'memory-leak': {
    sample: (sample, { heapBytes }) => value(sample, 'heap_used_bytes') > heapBytes + 60_000_000,
    chart: [runtime, 'Memory'],
  },
  'cache-off': {
    sample: (sample, usual) => missShare(sample) > Math.max(0.55, usual.missShare + 0.25),
    chart: [runtime, 'Cards from the cache'],
  },
  'blocked-loop': {
    trace: ({ server }) => (server?.ms ?? 0) > 300,
    // A busy machine makes the worst moment long, but not every hundredth one.
    sample: (sample) => value(sample, 'loop_max_ms') > 350 && value(sample, 'loop_p99_ms') > 300,
    chart: [runtime, 'Event loop delay'],
  },
}

/** Of fewer pages nobody knows what is usual. */
const pagesMin = 4

const nameOf = (span: SeenSpan) => String(span.attributes['url.path'] ?? '').replace(/^/, 'GET ')

/** What was usual until `before`, ms UTC. */
export function usualOf(traces: SeenTrace[], samples: Sample[], before: number): Usual {
  const sizes = new Map<string, number[]>()
  for (const trace of traces)
    if (trace.at < before && isPage(trace))
      sizes.set(trace.route, [...(sizes.get(trace.route) ?? []), pageBytes(trace)])
  const bytes = new Map(
    [...sizes]
      .filter(([, all]) => all.length >= pagesMin)
      .map(([route, all]) => [route, Math.min(...all)] as const),
  )
  const early = samples.filter(({ at }) => at <= before)
  // The first sample has the start in it, where the cache was empty.
  const settled = early.length > 1 ? early.slice(1) : []
  return {
    bytes,
    heapBytes: Math.max(60_000_000, ...early.map((one) => value(one, 'heap_used_bytes'))),
    walBytes: Math.max(5_000_000, ...early.map((one) => value(one, 'wal_bytes'))),
    missShare: Math.max(0, ...settled.map(missShare)),
  }
}

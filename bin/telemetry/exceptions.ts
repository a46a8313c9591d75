// The queries that may return nothing, each with its reason. All others must return something. Files and panels are not
// listed one by one where the query itself says what it needs, so that new dashboards need no change here.
import { metricsIn, type Query } from './dashboards.ts'

/** What does not run in this test. */
export type Missing = {
  /** Mimir: the metrics are in Prometheus. */
  mimir: boolean
  loki: boolean
  tempo: boolean
  k6: boolean
  locust: boolean
  /** The connector for the service graph. */
  serviceGraph: boolean
}

type Exception = { isOf: (query: Query, metrics: string[]) => boolean; why: string }

/** A query that names only metrics of one origin. */
const only =
  (pattern: RegExp): Exception['isOf'] =>
  (_, metrics) =>
    metrics.length > 0 && metrics.every((name) => pattern.test(name))

const reasons: Record<keyof Missing, Exception> = {
  mimir: { isOf: only(/^cortex_/), why: 'Mimir counts this itself, and Mimir does not run' },
  loki: { isOf: only(/^loki_/), why: 'Loki counts this itself, and Loki does not run' },
  tempo: {
    isOf: (query, metrics) => query.kind === 'traceql' || only(/^tempo_/)(query, metrics),
    why: 'Tempo answers or counts this, and Tempo does not run',
  },
  k6: { isOf: only(/^k6_/), why: 'k6 does not run' },
  locust: { isOf: only(/^locust_/), why: 'Locust does not run' },
  serviceGraph: {
    isOf: ({ kind }) => kind === 'serviceMap',
    why: 'this build of the Collector has no service_graph',
  },
}

/**
 * Why a query may return nothing; undefined when it must return something. A panel itself may say what it shows instead of
 * data (`noValue`): then an empty panel is a message, not a gap.
 */
export function whyNothing(missing: Missing, query: Query): string | undefined {
  const metrics = query.uid === 'mimir' ? metricsIn(query.expr) : []
  const known = (Object.keys(reasons) as (keyof Missing)[])
    .filter((name) => missing[name])
    .find((name) => reasons[name].isOf(query, metrics))
  if (known) return reasons[known].why
  if (/^ALERTS\b/.test(query.expr)) return 'no alert has a reason to fire'
  return query.noValue && `the panel says "${query.noValue}"`
}

/** Metrics that exist only after a failure; the panels add `or vector(0)` to them. */
export const onlyAfterTrouble = [
  /^otelcol_exporter_(?:send|enqueue)_failed_(?:spans|metric_points|log_records)_total$/,
  /^(?:tempo|loki|cortex)_discarded_/,
  /^ALERTS/,
]

/** The metrics of what does not run: the app of this test has a file, which has no replica. */
export const metricsOfMissing = (missing: Missing): RegExp[] => [
  /^tracewren_replica_/,
  ...(['mimir', 'loki', 'tempo', 'k6', 'locust'] as const)
    .filter((name) => missing[name])
    .map((name) => new RegExp(`^${name === 'mimir' ? 'cortex' : name}_`)),
  ...(missing.serviceGraph ? [/^traces_service_graph_/] : []),
]

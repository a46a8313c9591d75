// The queries that may return nothing, each with its reason. All others must return something.
import type { Query } from './dashboards.ts'

export type Missing = { tempo: boolean; k6: boolean; locust: boolean; contrib: boolean }

type Exception = { file: string; panel: string; refId?: string; why: string }

const inHealth: Exception[] = [
  { file: 'service-levels.json', panel: 'Alerts now', why: 'no alert has a reason to fire' },
]
const withoutTempo: Exception[] = [
  {
    file: 'home.json',
    panel: 'Slowest requests',
    why: 'it searches in Tempo, and Tempo does not run',
  },
  {
    file: 'pipeline.json',
    panel: 'Received by the backends',
    refId: 'A',
    why: 'Tempo counts this itself, and Tempo does not run',
  },
]
const withoutContrib: Exception[] = [
  {
    file: 'home.json',
    panel: 'Service graph',
    why: 'only the contrib distribution of the Collector has service_graph',
  },
]
/** Their query A is of k6, B of Locust. */
const loadPanels = ['Users', 'Duration at each hop, p95', 'Requests, sent and answered']
const withoutK6: Exception[] = loadPanels.map((panel) => ({
  file: 'home.json',
  panel,
  refId: 'A',
  why: 'k6 does not run',
}))
const withoutLocust: Exception[] = loadPanels.map((panel) => ({
  file: 'home.json',
  panel,
  refId: 'B',
  why: 'Locust does not run',
}))

/** The exceptions of a run without some of the components. */
export const exceptionsOf = (missing: Missing): Exception[] => [
  ...inHealth,
  ...(missing.tempo ? withoutTempo : []),
  ...(missing.contrib ? withoutContrib : []),
  ...(missing.k6 ? withoutK6 : []),
  ...(missing.locust ? withoutLocust : []),
]

/** Why a query may return nothing; undefined when it must return something. */
export const whyNothing = (exceptions: Exception[], { file, panel, refId }: Query) =>
  exceptions.find(
    (one) =>
      one.file === file && one.panel === panel && (one.refId === undefined || one.refId === refId),
  )?.why

/** Metrics that exist only after a failure; the panels add `or vector(0)` to them. */
export const onlyAfterTrouble = [
  /^otelcol_exporter_(?:send|enqueue)_failed_(?:spans|metric_points|log_records)_total$/,
  /^traces_service_graph_/,
  /^(?:tempo|loki|cortex)_discarded_/,
  /^tempo_/,
]

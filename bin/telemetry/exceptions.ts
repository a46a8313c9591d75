// Queries that may find nothing, each with its reason. Everything else must find something.
import type { Query } from './dashboards.ts'

export type Missing = { tempo: boolean; k6: boolean; locust: boolean; contrib: boolean }

type Exception = { file: string; panel: string; refId?: string; why: string }

const withoutTempo: Exception[] = [
  { file: 'home.json', panel: 'Slowest requests', why: 'a search in Tempo, which is not on PATH' },
  {
    file: 'pipeline.json',
    panel: 'Received by the backends',
    refId: 'A',
    why: 'what Tempo counts itself, and it is not on PATH',
  },
]
const withoutContrib: Exception[] = [
  {
    file: 'home.json',
    panel: 'Who calls whom',
    why: 'service_graph is in the contrib distribution of the Collector alone',
  },
]
const withoutK6: Exception[] = ['Users', measuredAtEachPlace(), 'Requests, sent and answered'].map(
  (panel) => ({ file: 'home.json', panel, refId: 'A', why: 'k6 is not on PATH' }),
)
const withoutLocust: Exception[] = [
  'Users',
  measuredAtEachPlace(),
  'Requests, sent and answered',
].map((panel) => ({ file: 'home.json', panel, refId: 'B', why: 'Locust is not on PATH' }))

function measuredAtEachPlace() {
  return '95 % are faster than, measured at each place'
}

/** The exceptions of a run in which some parts were missing. */
export const exceptionsOf = (missing: Missing): Exception[] => [
  ...(missing.tempo ? withoutTempo : []),
  ...(missing.contrib ? withoutContrib : []),
  ...(missing.k6 ? withoutK6 : []),
  ...(missing.locust ? withoutLocust : []),
]

/** Why a query may find nothing; undefined when it must not. */
export const whyNothing = (exceptions: Exception[], { file, panel, refId }: Query) =>
  exceptions.find(
    (one) =>
      one.file === file && one.panel === panel && (one.refId === undefined || one.refId === refId),
  )?.why

/** Metrics that appear only after something went wrong; the panels add `or vector(0)` to them. */
export const onlyAfterTrouble = [
  /^otelcol_exporter_(?:send|enqueue)_failed_(?:spans|metric_points|log_records)_total$/,
  /^traces_service_graph_/,
  /^(?:tempo|loki|cortex)_discarded_/,
  /^tempo_/,
]

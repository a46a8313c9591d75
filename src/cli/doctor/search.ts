// Searches the probe in Tempo, Loki and Mimir, and finds Grafana.
import { setTimeout as pause } from 'node:timers/promises'

import type { Signal } from '../../config/telemetry-settings.ts'
import { ask, below, explainFailure, shown, type Answer, type Failed } from './ask.ts'
import { probeMetric, probeService } from './probe.ts'
import { shortly, type Trouble } from './report.ts'

export type Backend = {
  name: 'Tempo' | 'Loki' | 'Mimir'
  /** Of its data source in Grafana; also what its option and its container are called. */
  uid: string
  signal: Signal
  /** Its address in the network of compose.yaml. */
  inStack: string
  /** The path of a query that finds the probe with this id. */
  query: (id: string, sentAt: number) => string
  finds: (text: string) => boolean
}

const hasResult = (text: string) =>
  (JSON.parse(text) as { data: { result: unknown[] } }).data.result.length > 0

/** In the order of the report. */
export const backends: Backend[] = [
  {
    name: 'Tempo',
    uid: 'tempo',
    signal: 'traces',
    inStack: 'http://tempo:3200',
    query: (id) => `/api/v2/traces/${id}`,
    finds: (text) => text.includes(probeService),
  },
  {
    name: 'Loki',
    uid: 'loki',
    signal: 'logs',
    inStack: 'http://loki:3100',
    query: (id, sentAt) =>
      `/loki/api/v1/query_range?${new URLSearchParams({
        query: `{service_name="${probeService}"} | probe="${id}"`,
        start: `${sentAt - 60_000}000000`,
        end: `${sentAt + 600_000}000000`,
        limit: '1',
      })}`,
    finds: hasResult,
  },
  {
    name: 'Mimir',
    uid: 'mimir',
    signal: 'metrics',
    inStack: 'http://mimir:8080/prometheus',
    // A dot in the pattern fits both the dots of the name and the underscores that Mimir makes of them.
    query: (id) =>
      `/api/v1/query?${new URLSearchParams({ query: `{__name__=~"${probeMetric}",probe="${id}"}` })}`,
    finds: hasResult,
  },
]

export type Search = {
  id: string
  sentAt: number
  /** How long the probe may take to arrive. */
  waitMs: number
  /** X-Scope-OrgID of the queries; undefined for none. */
  tenant: string | undefined
}

const againMs = 500
/** So many failures in a row end the wait: a backend that restarts answers 503 for a moment. */
const failuresMax = 3

/** What came of asking for the probe: it is there; it is not there after the wait; there was no proper answer. */
export type Found =
  | { state: 'found'; afterMs: number }
  | { state: 'absent' }
  | { state: 'failed'; last: Answer | Failed }

/** Asks until the probe is there. */
export async function find(backend: Backend, base: URL, search: Search): Promise<Found> {
  const [path = '', query = ''] = backend.query(search.id, search.sentAt).split('?')
  const url = below(base, path)
  url.search = query
  const headers = search.tenant === undefined ? {} : { 'X-Scope-OrgID': search.tenant }
  const began = performance.now()
  for (let failures = 0; ; await pause(againMs)) {
    const answer = await ask(url, headers).catch((error: unknown) => error as Failed)
    if (isFinding(backend, answer))
      return { state: 'found', afterMs: Math.round(performance.now() - began) }
    failures = isProper(backend, answer) ? 0 : failures + 1
    const isHanging = answer instanceof Error && answer.name === 'TimeoutError'
    if (failures >= failuresMax || isHanging) return { state: 'failed', last: answer }
    if (failures === 0 && performance.now() - began > search.waitMs) return { state: 'absent' }
  }
}

/** Did the backend answer, and does it only not have the probe yet? Tempo then answers 404, as others do for a wrong path. */
const isProper = ({ name }: Backend, answer: Answer | Failed): boolean =>
  'status' in answer &&
  (answer.status === 200
    ? answer.type.includes('json')
    : answer.status === 404 &&
      name === 'Tempo' &&
      !/page not found|data ?source/i.test(answer.text))

function isFinding({ finds }: Backend, answer: Answer | Failed): boolean {
  if (!('status' in answer) || answer.status !== 200) return false
  try {
    return finds(answer.text)
  } catch {
    return false
  }
}

/** The first Grafana that answers, with its clock; what was wrong with the last one otherwise. */
export async function findGrafana(
  candidates: URL[],
): Promise<{ url: URL; date: string | undefined } | { trouble: Trouble } | undefined> {
  const tried = await Promise.all(
    candidates.map(async (base) => {
      const url = below(base, '/api/health')
      url.search = url.hash = ''
      try {
        const { status, text, date } = await ask(url)
        if (status < 500 && /"database"/.test(text)) return { url: base, date }
        const said = `${shown(url)} answered ${status}: this is not a Grafana that is ready.`
        return {
          trouble: { said, answered: shortly(text), cure: 'Correct the address, or read its log.' },
        }
      } catch (error) {
        return { trouble: explainFailure(error as Failed, url) }
      }
    }),
  )
  return tried.find((one) => 'url' in one) ?? tried[0]
}

import { subscribe } from 'node:diagnostics_channel'
import type { ClientRequest, IncomingMessage } from 'node:http'

import { setGlobalErrorHandler, ExportResultCode, type ExportResult } from '@opentelemetry/core'

import type { Signal, TelemetrySettings } from '../config/telemetry-settings.ts'
import type { ExportState } from '../trace-store/export-state.ts'
import { localLog } from './log.ts'

const repeatedMs = 60_000

type Exporter = { export: (items: never, done: (result: ExportResult) => void) => void }
type Counts = ExportState['counts']

/** The exports of one signal: its state, its address, the pause between two exports, and the status of the last answer. */
type Watched = { state: ExportState; address: URL; everyMs: number; status?: number | undefined }

const units = { traces: 'span', metrics: 'export', logs: 'log record' } as const

/**
 * An outage of the collector: it begins when the export of a signal fails, and ends when all signals are delivered again. Each
 * is one line in the log, whatever the number of failed exports and signals; another host, or an answer where there was
 * none, is another line. Short ones are logged once a minute.
 */
export class Outage {
  /** For the inspector; empty while nothing is exported by OTLP. */
  readonly states: ExportState[] = []
  readonly #settings: TelemetrySettings
  readonly #watched = new Map<Signal, Watched>()
  readonly #lastWhy = new Map<Signal, string>()
  /** When each kind of failure was logged. */
  readonly #loggedAt = new Map<string, number>()
  #isLogged = false

  constructor(settings: TelemetrySettings) {
    this.#settings = settings
    // Otherwise the SDK would log the stack of each failed export. What is no failed export is logged without a stack.
    setGlobalErrorHandler((error) => {
      if (!this.isOn) localLog.error(`telemetry: ${reasonOf(error)}`)
    })
    // The exporter does not say which status it got when it gives up trying again.
    subscribe('http.client.response.finish', (message) => this.#answered(message as Answered))
  }

  /** Is the export of a signal failing? */
  get isOn(): boolean {
    return this.states.some(({ failing }) => failing !== undefined)
  }

  /** Why exports of these signals failed last; undefined when none did. */
  whyOf(signals: Signal[]): string | undefined {
    const all = new Set(signals.flatMap((signal) => this.#lastWhy.get(signal) ?? []))
    return all.size > 0 ? [...all].join('; ') : undefined
  }

  /** Makes the exporter report its results; `counts` are kept by others, or counted here when they are not given. */
  watch<E extends Exporter>(signal: Signal, exporter: E, counts?: Counts): E {
    const own = counts ? undefined : { delivered: 0, dropped: 0 }
    const { address, everyMs } = this.#settings.targets[signal]
    const state: ExportState = {
      signal,
      unit: units[signal],
      counts: counts ?? own!,
      since: Date.now(),
      failing: undefined,
      nextAt: undefined,
    }
    const watched: Watched = { state, address, everyMs }
    this.states.push(state)
    this.#watched.set(signal, watched)
    const send: Exporter['export'] = exporter.export.bind(exporter)
    const reporting: Exporter['export'] = (items, done) => {
      watched.status = undefined
      const begunAt = Date.now()
      send(items, (result) => {
        // Metrics begin at their interval, the others so long after the last one has ended.
        state.nextAt = (signal === 'metrics' ? begunAt : Date.now()) + everyMs
        const isDelivered = result.code === ExportResultCode.SUCCESS
        if (own) own[isDelivered ? 'delivered' : 'dropped'] += 1
        if (isDelivered) this.#delivered(state)
        else this.#failed(watched, result.error)
        done(result)
      })
    }
    return Object.assign(exporter, { export: reporting })
  }

  #answered({ request, response }: Answered): void {
    for (const watched of this.#watched.values())
      if (request.path === watched.address.pathname + watched.address.search)
        watched.status = response.statusCode
  }

  #failed({ state, address, status }: Watched, error: unknown): void {
    const why = explained(status, error)
    this.#lastWhy.set(state.signal, why)
    state.failing = { since: state.failing?.since ?? Date.now(), why }
    const kind = `${address.host} ${status === undefined || status < 300 ? 'network' : status}`
    const now = performance.now()
    if (now - (this.#loggedAt.get(kind) ?? -repeatedMs) < repeatedMs) {
      // An outage that lasts was logged when it began.
      if (this.#isLogged) this.#loggedAt.set(kind, now)
      return
    }
    this.#loggedAt.set(kind, now)
    this.#isLogged = true
    const others = this.#sharing(address, state.signal)
    localLog.warn('telemetry is not delivered', {
      signal: state.signal,
      address: this.#settings.targets[state.signal].shown,
      why,
      // Their exports come later, and their failures are no line of their own.
      ...(others.length > 0 && { same_collector: others.join(', ') }),
    })
  }

  /** The other signals that go to the host of this address. */
  #sharing({ host }: URL, except: Signal): Signal[] {
    return [...this.#watched]
      .filter(([signal, { address }]) => signal !== except && address.host === host)
      .map(([signal]) => signal)
  }

  #delivered(state: ExportState): void {
    if (!state.failing) return
    state.failing = undefined
    if (this.isOn || !this.#isLogged) return
    this.#isLogged = false
    localLog.info('telemetry is delivered again')
  }
}

type Answered = { request: ClientRequest; response: IncomingMessage }

const meanings: Record<number, string> = {
  401: 'it wants other credentials in OTEL_EXPORTER_OTLP_HEADERS',
  403: 'it wants other credentials in OTEL_EXPORTER_OTLP_HEADERS',
  404: 'nothing takes this signal at this address',
  405: 'nothing takes this signal at this address',
  413: 'the export is too large for it',
  429: 'it takes nothing more now',
  502: 'it takes nothing more now',
  503: 'it takes nothing more now',
  504: 'it takes nothing more now',
}

/** `404 Not Found: nothing takes this signal at this address`, `connect ECONNREFUSED 127.0.0.1:4318`. */
function explained(status: number | undefined, error: unknown): string {
  const reason = reasonOf(error)
  if (status === undefined || status < 300)
    return /timed out|longer than/.test(reason) ? 'no answer in time' : reason
  const said = reason.startsWith(String(status)) ? reason : String(status)
  return meanings[status] === undefined ? said : `${said}: ${meanings[status]}`
}

/** `getaddrinfo ENOTFOUND collector`, `503 Service Unavailable`. An error of several addresses has only a code. */
function reasonOf(error: unknown): string {
  const { message = '', code = '', name = 'Error' } = Object(error) as Record<string, unknown>
  if (typeof code === 'number') return `${code} ${String(message)}`.trim()
  return String(message || code || name)
}

import { setGlobalErrorHandler, ExportResultCode, type ExportResult } from '@opentelemetry/core'

import { localLog } from './log.ts'

const repeatedMs = 60_000

type Exporter = { export: (items: never, done: (result: ExportResult) => void) => void }

/**
 * An outage of the collector: it begins when the export of a signal fails, and ends when all signals are delivered again. Each
 * is one line in the log, whatever the number of failed exports. Short ones are logged once a minute.
 */
export class Outage {
  readonly #failing = new Set<Exporter>()
  #loggedAt = -repeatedMs
  #isLogged = false

  constructor() {
    // Otherwise the SDK would log the stack of each failed export. What is no failed export is logged without a stack.
    setGlobalErrorHandler((error) => {
      if (!this.isOn) localLog.error(`telemetry: ${reasonOf(error)}`)
    })
  }

  /** Is the export of a signal failing? */
  get isOn(): boolean {
    return this.#failing.size > 0
  }

  /** Makes the exporter report its results. */
  watch<E extends Exporter>(exporter: E): E {
    const send: Exporter['export'] = exporter.export.bind(exporter)
    const watched: Exporter['export'] = (items, done) =>
      send(items, (result) => {
        if (result.code === ExportResultCode.SUCCESS) this.#delivered(exporter)
        else this.#failed(exporter, result.error)
        done(result)
      })
    return Object.assign(exporter, { export: watched })
  }

  #failed(exporter: Exporter, error: unknown): void {
    const isNew = !this.isOn
    this.#failing.add(exporter)
    if (!isNew || performance.now() - this.#loggedAt < repeatedMs) return
    this.#loggedAt = performance.now()
    this.#isLogged = true
    localLog.warn('telemetry is not delivered', { why: reasonOf(error) })
  }

  #delivered(exporter: Exporter): void {
    if (!this.#failing.delete(exporter) || this.isOn || !this.#isLogged) return
    this.#isLogged = false
    localLog.info('telemetry is delivered again')
  }
}

/** `getaddrinfo ENOTFOUND collector`, `503 Service Unavailable`. An error of several addresses has only a code. */
function reasonOf(error: unknown): string {
  const { message = '', code = '', name = 'Error' } = Object(error) as Record<string, unknown>
  if (typeof code === 'number') return `${code} ${String(message)}`.trim()
  return String(message || code || name)
}

import { TraceFlags, type MeterProvider } from '@opentelemetry/api'
import { ExportResultCode, type ExportResult } from '@opentelemetry/core'
import type { LogRecordProcessor } from '@opentelemetry/sdk-logs'
import type { SpanProcessor } from '@opentelemetry/sdk-trace-node'

import { localLog } from './log.ts'

const reportMs = 60_000

type Exporter<Item> = {
  export: (items: Item[], done: (result: ExportResult) => void) => void
  forceFlush?: () => Promise<void>
  shutdown: () => Promise<void>
}

/**
 * Counts the spans or log records that never reach the collector: the SDK itself drops them in silence. It mirrors
 * the queue of the batch processor: `add` for each item that the processor is given, `around` its exporter.
 */
export class Loss {
  readonly #queueSize: number
  #queued = 0
  #sending = 0
  #lost = 0
  #told = 0

  constructor(queueSize: number) {
    this.#queueSize = queueSize
  }

  add(): void {
    if (this.#queued >= this.#queueSize) this.#lost += 1
    else this.#queued += 1
  }

  around<Item>(real: Exporter<Item>): Required<Exporter<Item>> {
    return {
      export: (items, done) => {
        this.#queued -= items.length
        this.#sending += items.length
        real.export(items, (result) => {
          this.#sending -= items.length
          if (result.code !== ExportResultCode.SUCCESS) this.#lost += items.length
          done(result)
        })
      },
      forceFlush: () => real.forceFlush?.() ?? Promise.resolve(),
      shutdown: () => real.shutdown(),
    }
  }

  /** How many were lost since the start. */
  get total(): number {
    return this.#lost
  }

  /** How many were lost since the last time somebody asked here. */
  take(): number {
    const lost = this.#lost - this.#told
    this.#told = this.#lost
    return lost
  }

  /** Like `take`, when nothing is sent any more: what still waits is lost, too. */
  takeAll(): number {
    this.#lost += this.#queued + this.#sending
    this.#queued = this.#sending = 0
    return this.take()
  }
}

/** The same numbers as a metric, from 0 on: what first appears with the loss itself would show no increase. */
export function observeLoss(provider: MeterProvider, lost: { spans: Loss; logs: Loss }): void {
  provider
    .getMeter('tracewren')
    .createObservableCounter('tracewren.telemetry.lost', {
      unit: '{record}',
      description: 'Spans and log records that did not reach the collector, by signal',
    })
    .addCallback((result) => {
      result.observe(lost.spans.total, { signal: 'traces' })
      result.observe(lost.logs.total, { signal: 'logs' })
    })
}

const nothing = () => Promise.resolve()

/** Stands before the batch processor, which takes only what is sampled. */
export const countSpans = (loss: Loss): SpanProcessor => ({
  onStart() {},
  onEnd(span) {
    if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0) loss.add()
  },
  forceFlush: nothing,
  shutdown: nothing,
})

export const countLogs = (loss: Loss): LogRecordProcessor => ({
  onEmit: () => loss.add(),
  forceFlush: nothing,
  shutdown: nothing,
})

/** Says once a minute how much was lost; `stop` says it for the last time. */
export function reportLoss(spans: Loss, logs: Loss): { stop: () => void } {
  const say = (lost: { spans: number; log_records: number }) => {
    if (lost.spans + lost.log_records === 0) return
    localLog.warn('telemetry: lost', { ...lost, why: 'the collector is away or too slow' })
  }
  const timer = setInterval(
    () => say({ spans: spans.take(), log_records: logs.take() }),
    reportMs,
  ).unref()
  return {
    stop() {
      clearInterval(timer)
      say({ spans: spans.takeAll(), log_records: logs.takeAll() })
    },
  }
}

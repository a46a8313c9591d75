// Spans and log records that do not reach the collector: the SDK counts them in metrics of its own
// (`otel.sdk.processor.*.processed` with `error.type`). They are read here as they pass, for a line in the log.
import { TraceFlags, type Meter, type MeterProvider } from '@opentelemetry/api'
import type { LogRecordProcessor } from '@opentelemetry/sdk-logs'
import type { SpanProcessor } from '@opentelemetry/sdk-trace-node'
import { ATTR_ERROR_TYPE } from '@opentelemetry/semantic-conventions'

import { localLog } from './log.ts'

const reportMs = 60_000

/** The records of one signal: how many the batch processor was given, and what became of them. */
type Tally = { given: number; delivered: number; dropped: number; reported: number }

const newTally = (): Tally => ({ given: 0, delivered: 0, dropped: 0, reported: 0 })

/** What is exported of spans and log records, as far as it gets lost. */
export type Dropped = { spans: Tally; logs: Tally }

export const newDropped = (): Dropped => ({ spans: newTally(), logs: newTally() })

/** The SDK's own `error.type`: the queue was full, the collector could not be reached, or did not want it. */
const errorTypes = ['queue_full', 'Error', 'OTLPExporterError']

/** Where the batch processors keep metrics of themselves: in the given meters, and in the tallies. */
export function tallying(meters: MeterProvider, { spans, logs }: Dropped): MeterProvider {
  const tallies: Record<string, Tally> = {
    'otel.sdk.processor.span.processed': spans,
    'otel.sdk.processor.log.processed': logs,
  }
  return {
    getMeter(...named) {
      const meter = meters.getMeter(...named)
      const createCounter: Meter['createCounter'] = (name, options) => {
        const counter = meter.createCounter(name, options)
        const tally = tallies[name]
        if (!tally) return counter
        return {
          add(count, attributes, context) {
            // From 0 on: a series that first appears with the loss itself would show no increase.
            if (tally.delivered + tally.dropped === 0)
              for (const type of errorTypes)
                counter.add(0, { ...attributes, [ATTR_ERROR_TYPE]: type })
            tally[attributes?.[ATTR_ERROR_TYPE] === undefined ? 'delivered' : 'dropped'] += count
            counter.add(count, attributes, context)
          },
        }
      }
      return Object.assign(Object.create(meter) as Meter, { createCounter })
    },
  }
}

const nothing = () => Promise.resolve()

/** Stands before the batch processor, which takes only what is sampled. */
export const countSpans = (tally: Tally): SpanProcessor => ({
  onStart() {},
  onEnd(span) {
    if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0) tally.given += 1
  },
  forceFlush: nothing,
  shutdown: nothing,
})

export const countLogs = (tally: Tally): LogRecordProcessor => ({
  onEmit() {
    tally.given += 1
  },
  forceFlush: nothing,
  shutdown: nothing,
})

/** Logs once a minute how much was dropped. `stop` logs the rest: what is not delivered by then never will be. */
export function reportDropped({ spans, logs }: Dropped): { stop: () => void } {
  const report = (dropped: (tally: Tally) => number) => {
    const fresh = (tally: Tally) => dropped(tally) - tally.reported
    const counts = { spans: fresh(spans), log_records: fresh(logs) }
    if (counts.spans + counts.log_records === 0) return
    for (const tally of [spans, logs]) tally.reported = dropped(tally)
    localLog.warn('telemetry dropped', { ...counts, why: 'the collector is away or too slow' })
  }
  const timer = setInterval(() => report(({ dropped }) => dropped), reportMs).unref()
  return {
    stop() {
      clearInterval(timer)
      report(({ given, delivered }) => given - delivered)
    },
  }
}

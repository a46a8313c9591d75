// Reports spans and log records that do not reach the collector. The SDK counts them in its own metrics
// (`otel.sdk.processor.*.processed` with `error.type`). We intercept these counters to write a log line as well.
import { TraceFlags, type Meter, type MeterProvider } from '@opentelemetry/api'
import type { LogRecordProcessor } from '@opentelemetry/sdk-logs'
import type { SpanProcessor } from '@opentelemetry/sdk-trace-node'
import { ATTR_ERROR_TYPE } from '@opentelemetry/semantic-conventions'

import type { Signal } from '../config/telemetry-settings.ts'
import { localLog } from './log.ts'
import type { Outage } from './outage.ts'

const reportMs = 60_000

/** The records of one signal: given to the batch processor, delivered, dropped, and dropped records already logged. */
type Tally = { given: number; delivered: number; dropped: number; reported: number }

const newTally = (): Tally => ({ given: 0, delivered: 0, dropped: 0, reported: 0 })

/** The tallies of spans and of log records. */
export type Dropped = { spans: Tally; logs: Tally }

/** Tallies that start at 0. */
export const newDropped = (): Dropped => ({ spans: newTally(), logs: newTally() })

/** The values of the SDK's `error.type`: queue full, collector unreachable, export rejected by the collector. */
const errorTypes = ['queue_full', 'Error', 'OTLPExporterError']

/** A MeterProvider for the batch processors' own metrics. It passes them on to `meters` and also counts them. */
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
            // Start each series at 0. A series whose first value is already a loss would show no increase in a graph.
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

const done = () => Promise.resolve()
/** What a processor does that keeps nothing back. */
export const unbuffered = { onStart() {}, forceFlush: done, shutdown: done }

/** A span processor that counts what the batch processor is given: it exports only sampled spans. */
export const countSpans = (tally: Tally): SpanProcessor => ({
  ...unbuffered,
  onEnd(span) {
    if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0) tally.given += 1
  },
})

/** A log processor that counts what the batch processor is given. */
export const countLogs = (tally: Tally): LogRecordProcessor => ({
  ...unbuffered,
  onEmit() {
    tally.given += 1
  },
})

/** Logs once a minute how much was dropped, in an outage at its end. `stop`, at exit, counts everything undelivered as dropped and logs it. */
export function reportDropped({ spans, logs }: Dropped, outage: Outage): { stop: () => void } {
  const report = (dropped: (tally: Tally) => number) => {
    const unreported = (tally: Tally) => dropped(tally) - tally.reported
    const counts = { spans: unreported(spans), log_records: unreported(logs) }
    if (counts.spans + counts.log_records === 0) return
    for (const tally of [spans, logs]) tally.reported = dropped(tally)
    const signals = [...(counts.spans ? ['traces'] : []), ...(counts.log_records ? ['logs'] : [])]
    localLog.warn('telemetry dropped', {
      ...counts,
      why: outage.whyOf(signals as Signal[]) ?? 'more came than the export queue holds',
    })
  }
  const timer = setInterval(() => {
    if (!outage.isOn) report(({ dropped }) => dropped)
  }, reportMs).unref()
  return {
    stop() {
      clearInterval(timer)
      report(({ given, delivered }) => given - delivered)
    },
  }
}

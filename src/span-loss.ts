import { ExportResultCode } from '@opentelemetry/core'
import type { ReadableSpan, SpanExporter, SpanProcessor } from '@opentelemetry/sdk-trace-node'

import { localLog } from './log.ts'

const reportMs = 60_000

/**
 * Counts the spans that never reach the collector and says so once a minute: the SDK itself drops them in silence.
 * The processor stands before the batch processor and mirrors its queue, the exporter around the real one.
 */
export function lossWatch(
  real: SpanExporter,
  queueSize: number,
): { processor: SpanProcessor; exporter: SpanExporter } {
  let queued = 0
  let lost = 0
  const report = () => {
    if (lost > 0)
      localLog.warn('telemetry: spans lost', {
        spans: lost,
        why: 'the collector is away or too slow',
      })
    lost = 0
  }
  const timer = setInterval(report, reportMs).unref()
  return {
    processor: {
      onStart() {},
      onEnd(span: ReadableSpan) {
        if ((span.spanContext().traceFlags & 1) === 0) return
        if (queued >= queueSize) lost += 1
        else queued += 1
      },
      forceFlush: () => Promise.resolve(),
      shutdown() {
        clearInterval(timer)
        return Promise.resolve()
      },
    },
    exporter: {
      export(spans, done) {
        queued -= spans.length
        real.export(spans, (result) => {
          if (result.code !== ExportResultCode.SUCCESS) lost += spans.length
          done(result)
        })
      },
      forceFlush: () => real.forceFlush?.() ?? Promise.resolve(),
      async shutdown() {
        await real.shutdown()
        report()
      },
    },
  }
}

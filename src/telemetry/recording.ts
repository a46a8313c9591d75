// Feeds the recorder from the SDK: with the spans and log records that OTLP exports, and with those that the sampler
// excludes from the export.
import type { LogRecordProcessor } from '@opentelemetry/sdk-logs'
import { SamplingDecision, type Sampler, type SpanProcessor } from '@opentelemetry/sdk-trace-node'

import type { Recorder } from '../trace-store/recorder.ts'
import { unbuffered } from './dropped.ts'
import { keepLocalLog } from './log.ts'

/**
 * A sampler that decides as `real` does, but records also the spans that `real` drops. They are recorded and not
 * sampled: the batch processor does not export them, and the flags in their traceparent stay `00`.
 */
export const recordingAll = (real: Sampler): Sampler => ({
  shouldSample(...given) {
    const result = real.shouldSample(...given)
    return result.decision === SamplingDecision.NOT_RECORD
      ? { ...result, decision: SamplingDecision.RECORD }
      : result
  },
  toString: () => `RecordingAll{${real.toString()}}`,
})

/** A span processor that gives finished spans to the recorder. */
export const spanRecorder = (recorder: Recorder): SpanProcessor => ({
  ...unbuffered,
  onEnd: (span) => recorder.takeSpan(span),
})

/** A log processor that gives log records to the recorder. */
export const logRecorder = (recorder: Recorder): LogRecordProcessor => ({
  ...unbuffered,
  onEmit(record) {
    const [seconds, nanos] = record.hrTime
    recorder.takeLog({
      at: seconds * 1000 + nanos / 1e6,
      level: (record.severityText ?? '').toLowerCase(),
      message: String(record.body ?? ''),
      facts: record.attributes,
      traceId: record.spanContext?.traceId,
      spanId: record.spanContext?.spanId,
    })
  },
})

/** Gives the recorder the lines about telemetry itself, which are not exported. */
export const recordLocalLog = (recorder: Recorder): void =>
  keepLocalLog(({ level, message, facts }) => {
    const line = { at: Date.now(), level, message, facts }
    recorder.takeLog({ ...line, traceId: undefined, spanId: undefined })
  })

// Feeds the recorder from the SDK: the same spans and log records that go out by OTLP, and those that the sampler
// keeps from going out.
import type { LogRecordProcessor } from '@opentelemetry/sdk-logs'
import { SamplingDecision, type Sampler, type SpanProcessor } from '@opentelemetry/sdk-trace-node'

import type { Recorder } from '../trace-store/recorder.ts'

/**
 * The same decisions, but what would not be recorded at all is recorded without being sampled: the batch processor
 * skips such spans, and the traceparent that goes out says `00` as before.
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

const nothing = () => Promise.resolve()

export const spanRecorder = (recorder: Recorder): SpanProcessor => ({
  onStart() {},
  onEnd: (span) => recorder.takeSpan(span),
  forceFlush: nothing,
  shutdown: nothing,
})

export const logRecorder = (recorder: Recorder): LogRecordProcessor => ({
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
  forceFlush: nothing,
  shutdown: nothing,
})

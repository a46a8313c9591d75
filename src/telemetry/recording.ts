// Feeds the recorder: with the spans that OTLP exports and those that the sampler excludes from the export, and with log
// lines.
import { SamplingDecision, type Sampler, type SpanProcessor } from '@opentelemetry/sdk-trace-node'

import type { Recorder } from '../trace-store/recorder.ts'
import { unbuffered } from './dropped.ts'
import { keepLog } from './log.ts'

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

/** Gives log lines to the recorder: those that are exported, and those about telemetry itself, which are not. */
export const recordLog = (recorder: Recorder): void =>
  keepLog(({ level, message, facts, ms }, ids) =>
    recorder.takeLog({
      at: Date.now(),
      level,
      message,
      facts,
      ms,
      traceId: ids?.traceId,
      spanId: ids?.spanId,
    }),
  )

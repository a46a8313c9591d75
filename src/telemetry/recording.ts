// Feeds the recorder: with the spans that OTLP exports and those that the sampler excludes from the export, and with log
// lines.
import { setFlagsFromString } from 'node:v8'

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

/**
 * Lets V8's old generation double before it is collected. What the recorder keeps is garbage some thousand requests later;
 * without this, Node 26 collects all of it each time it has grown by a fifth: 0.03 ms a page.
 */
export function collectSeldom(): void {
  try {
    setFlagsFromString('--heap-growing-percent=100')
  } catch {
    // Bun, which has another engine.
  }
}

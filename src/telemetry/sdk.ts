// Constructs the OpenTelemetry SDK. server.ts imports this file only when telemetry is wanted, and this file what exports
// only when something is exported: loading each costs time and memory.
import { diag, DiagLogLevel, type TextMapPropagator } from '@opentelemetry/api'
import {
  CompositePropagator,
  W3CBaggagePropagator,
  W3CTraceContextPropagator,
} from '@opentelemetry/core'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  NodeTracerProvider,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  type Sampler,
} from '@opentelemetry/sdk-trace-node'

import {
  isExporting,
  type SamplerSettings,
  type TelemetrySettings,
} from '../config/telemetry-settings.ts'
import { Recorder } from '../trace-store/recorder.ts'
import { breakableSampler } from './breakable-sampler.ts'
import { quietDiag } from './diag-logger.ts'
import { PlainTracerProvider, type ProviderConfig } from './plain-tracer.ts'
import { notToStrangers } from './propagation.ts'
import { collectSeldom, recordingAll, recordLog, spanRecorder } from './recording.ts'
import { describeProcess, instanceOf } from './resource.ts'

export type Telemetry = {
  /** The data of the inspector; undefined when the inspector is off. */
  recorder: Recorder | undefined
  /** Spans and log records that did not reach the collector, since the start. */
  dropped: () => { spans: number; logs: number }
  /** Exports what is queued and stops; gives up after 3 s. Never rejects. */
  stop: () => Promise<void>
}

const stopMs = 3000

/** Starts traces, metrics and logs as the settings say. Exports run in the background: no request waits for them. */
export async function startTelemetry(settings: TelemetrySettings): Promise<Telemetry> {
  diag.setLogger(quietDiag(), {
    logLevel: DiagLogLevel[settings.diagLevel],
    suppressOverrideMessage: true,
  })
  const resource = describeProcess(settings.detectors)
  const exporting = isExporting(settings)
    ? (await import('./exporting.ts')).startExports(settings, resource)
    : undefined
  const recorder = settings.inspect
    ? new Recorder({ instance: instanceOf(resource), exports: exporting?.states ?? [] })
    : undefined
  if (recorder) {
    recordLog(recorder)
    collectSeldom()
  }
  const sampler = breakableSampler(samplerOf(settings.sampler))
  const tracerProvider = startTraces(settings, {
    resource,
    sampler: recorder ? recordingAll(sampler) : sampler,
    spanProcessors: [
      ...(exporting?.spanProcessors ?? []),
      ...(recorder ? [spanRecorder(recorder)] : []),
    ],
  })

  return {
    recorder,
    dropped: () => exporting?.dropped() ?? { spans: 0, logs: 0 },
    async stop() {
      const stopped = Promise.allSettled([tracerProvider.shutdown(), exporting?.shutdown()])
      await Promise.race([stopped, new Promise((done) => setTimeout(done, stopMs))])
      exporting?.report()
    },
  }
}

function startTraces(
  { propagators: names, spansAreLimited }: TelemetrySettings,
  config: ProviderConfig,
): NodeTracerProvider {
  const provider = spansAreLimited
    ? new NodeTracerProvider(config)
    : new PlainTracerProvider(config)
  const propagators: Record<string, TextMapPropagator> = {
    tracecontext: new W3CTraceContextPropagator(),
    baggage: new W3CBaggagePropagator(),
  }
  provider.register({
    propagator: notToStrangers(
      new CompositePropagator({ propagators: names.flatMap((name) => propagators[name] ?? []) }),
    ),
  })
  return provider
}

function samplerOf({ ratio, parentBased }: SamplerSettings): Sampler {
  const root =
    ratio === 1
      ? new AlwaysOnSampler()
      : ratio === 0
        ? new AlwaysOffSampler()
        : new TraceIdRatioBasedSampler(ratio)
  return parentBased ? new ParentBasedSampler({ root }) : root
}

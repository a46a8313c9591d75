// Constructs the OpenTelemetry SDK. server.ts imports this file only when telemetry is wanted, because loading the SDK
// costs time and memory.
import { diag, DiagLogLevel, metrics, type TextMapPropagator } from '@opentelemetry/api'
import { logs } from '@opentelemetry/api-logs'
import {
  CompositePropagator,
  W3CBaggagePropagator,
  W3CTraceContextPropagator,
} from '@opentelemetry/core'
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-proto'
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { registerInstrumentations } from '@opentelemetry/instrumentation'
import { RuntimeNodeInstrumentation } from '@opentelemetry/instrumentation-runtime-node'
import type { Resource } from '@opentelemetry/resources'
import {
  BatchLogRecordProcessor,
  ConsoleLogRecordExporter,
  LoggerProvider,
  type LogRecordProcessor,
} from '@opentelemetry/sdk-logs'
import {
  ConsoleMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  ConsoleSpanExporter,
  NodeTracerProvider,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  type Sampler,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-node'

import type { SamplerSettings, TelemetrySettings } from '../config/telemetry-settings.ts'
import { Recorder } from '../trace-store/recorder.ts'
import { breakableSampler } from './breakable-sampler.ts'
import { quietDiag } from './diag-logger.ts'
import {
  countLogs,
  countSpans,
  newDropped,
  reportDropped,
  tallying,
  type Dropped,
} from './dropped.ts'
import { breakable } from './fault-points.ts'
import { Outage } from './outage.ts'
import { onClockOfRequest, outgoingRequests, outgoingViews } from './outgoing.ts'
import { notToStrangers } from './propagation.ts'
import { recordingAll, recordLog, spanRecorder } from './recording.ts'
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
export function startTelemetry(settings: TelemetrySettings): Telemetry {
  diag.setLogger(quietDiag(), {
    logLevel: DiagLogLevel[settings.diagLevel],
    suppressOverrideMessage: true,
  })
  const resource = describeProcess(settings.detectors)
  const outage = new Outage(settings)
  const meterProvider = startMetrics({ settings, resource, outage })
  const recorder = settings.inspect
    ? new Recorder({ instance: instanceOf(resource), exports: outage.states })
    : undefined
  if (recorder) recordLog(recorder)
  const dropped = newDropped()
  const report = reportDropped(dropped, outage)
  const ownMetrics = tallying(meterProvider, dropped)
  const common = { settings, resource, ownMetrics, recorder, dropped, outage }
  const tracerProvider = startTraces(common)
  const loggerProvider = startLogs(common)
  registerInstrumentations({
    instrumentations: [outgoingRequests(), new RuntimeNodeInstrumentation()],
    meterProvider,
    tracerProvider: onClockOfRequest(tracerProvider),
  })

  return {
    recorder,
    dropped: () => ({ spans: dropped.spans.dropped, logs: dropped.logs.dropped }),
    async stop() {
      const stopped = Promise.allSettled([
        tracerProvider.shutdown(),
        loggerProvider.shutdown(),
        meterProvider.shutdown(),
      ])
      await Promise.race([stopped, new Promise((done) => setTimeout(done, stopMs))])
      report.stop()
    },
  }
}

type Given = { settings: TelemetrySettings; resource: Resource; outage: Outage }

function startMetrics({ settings, resource, outage }: Given): MeterProvider {
  const kind = settings.exporters.metrics
  if (kind === 'none') return new MeterProvider({ resource })
  const options = { timeoutMillis: settings.exportTimeouts.metrics }
  const exporter =
    kind === 'otlp'
      ? outage.watch('metrics', breakable(new OTLPMetricExporter(options)))
      : new ConsoleMetricExporter()
  const reader = new PeriodicExportingMetricReader({ exporter, ...settings.metrics })
  const provider = new MeterProvider({ resource, readers: [reader], views: outgoingViews })
  metrics.setGlobalMeterProvider(provider)
  return provider
}

type Common = Given & {
  /** For the SDK's metrics about itself. */
  ownMetrics: ReturnType<typeof tallying>
  recorder: Recorder | undefined
  dropped: Dropped
}

function startTraces(common: Common): NodeTracerProvider {
  const { settings, resource, recorder } = common
  const sampler = breakableSampler(samplerOf(settings.sampler))
  const provider = new NodeTracerProvider({
    resource,
    sampler: recorder ? recordingAll(sampler) : sampler,
    spanProcessors: [...exportingSpans(common), ...(recorder ? [spanRecorder(recorder)] : [])],
  })
  const propagators: Record<string, TextMapPropagator> = {
    tracecontext: new W3CTraceContextPropagator(),
    baggage: new W3CBaggagePropagator(),
  }
  provider.register({
    propagator: notToStrangers(
      new CompositePropagator({
        propagators: settings.propagators.flatMap((name) => propagators[name] ?? []),
      }),
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

function exportingSpans({ settings, ownMetrics, dropped, outage }: Common): SpanProcessor[] {
  const kind = settings.exporters.traces
  if (kind === 'none') return []
  const timeout = { timeoutMillis: settings.exportTimeouts.traces }
  const exporter =
    kind === 'otlp'
      ? outage.watch('traces', breakable(new OTLPTraceExporter(timeout)), dropped.spans)
      : new ConsoleSpanExporter()
  // The cast: the option exists since version 2.9 but is missing in this package's types.
  const options = { selfObsMeterProvider: ownMetrics } as Record<string, unknown>
  return [countSpans(dropped.spans), new BatchSpanProcessor(exporter, options)]
}

function startLogs(common: Common): LoggerProvider {
  const { settings, resource, ownMetrics, dropped, outage } = common
  const processors: LogRecordProcessor[] = []
  const kind = settings.exporters.logs
  if (kind !== 'none') {
    const timeout = { timeoutMillis: settings.exportTimeouts.logs }
    const exporter =
      kind === 'otlp'
        ? outage.watch('logs', breakable(new OTLPLogExporter(timeout)), dropped.logs)
        : new ConsoleLogRecordExporter()
    const options = { exporter, ...settings.logs, selfObsMeterProvider: ownMetrics }
    processors.push(countLogs(dropped.logs), new BatchLogRecordProcessor(options))
  }
  const provider = new LoggerProvider({ resource, processors, logRecordLimits: settings.logLimits })
  if (processors.length > 0) logs.setGlobalLoggerProvider(provider)
  return provider
}

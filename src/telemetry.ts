// Constructs the OpenTelemetry SDK: the only file that does. server.ts imports it when telemetry is wanted, so that
// nobody else pays for loading it.
import { randomUUID } from 'node:crypto'

import {
  diag,
  DiagLogLevel,
  metrics,
  type DiagLogger,
  type TextMapPropagator,
} from '@opentelemetry/api'
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
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici'
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
  type Resource,
} from '@opentelemetry/resources'
import {
  BatchLogRecordProcessor,
  ConsoleLogRecordExporter,
  LoggerProvider,
} from '@opentelemetry/sdk-logs'
import {
  ConsoleMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import {
  BatchSpanProcessor,
  ConsoleSpanExporter,
  NodeTracerProvider,
} from '@opentelemetry/sdk-trace-node'

import { localLog } from './log.ts'
import { lossWatch } from './span-loss.ts'
import type { TelemetrySettings } from './telemetry-settings.ts'
import { version } from './version.ts'

export type Telemetry = {
  /** Sends what is queued and stops; gives up after three seconds. Never rejects. */
  stop: () => Promise<void>
}

const stopMs = 3000

/** Starts traces, metrics and logs as the settings say. Nothing it does later can fail or delay a request. */
export function startTelemetry(settings: TelemetrySettings): Telemetry {
  diag.setLogger(quietDiag(), {
    logLevel: DiagLogLevel[settings.diagLevel],
    suppressOverrideMessage: true,
  })
  for (const warning of settings.warnings) localLog.warn(warning)

  const resource = describeProcess()
  const meterProvider = startMetrics(settings, resource)
  const tracerProvider = startTraces(settings, resource, meterProvider)
  const loggerProvider = startLogs(settings, resource, meterProvider)
  registerInstrumentations({
    instrumentations: [undici(), new RuntimeNodeInstrumentation()],
    meterProvider,
    tracerProvider,
  })

  return {
    async stop() {
      const stopped = Promise.allSettled([
        tracerProvider.shutdown(),
        loggerProvider.shutdown(),
        meterProvider.shutdown(),
      ])
      await Promise.race([stopped, new Promise((done) => setTimeout(done, stopMs).unref())])
    },
  }
}

/** What this process is; OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME win over what we say. */
function describeProcess(): Resource {
  return defaultResource()
    .merge(
      resourceFromAttributes({
        'service.name': 'tracewren',
        'service.version': version,
        'service.instance.id': randomUUID(),
      }),
    )
    .merge(detectResources({ detectors: [envDetector] }))
}

function startMetrics(settings: TelemetrySettings, resource: Resource): MeterProvider {
  const kind = settings.exporters.metrics
  const exporter =
    kind === 'otlp'
      ? new OTLPMetricExporter({ timeoutMillis: settings.exportTimeoutMs })
      : new ConsoleMetricExporter()
  const reader = new PeriodicExportingMetricReader({
    exporter,
    exportIntervalMillis: settings.metricIntervalMs,
    exportTimeoutMillis: settings.metricTimeoutMs,
  })
  const provider = new MeterProvider({ resource, readers: kind === 'none' ? [] : [reader] })
  if (kind !== 'none') metrics.setGlobalMeterProvider(provider)
  return provider
}

function startTraces(
  settings: TelemetrySettings,
  resource: Resource,
  meterProvider: MeterProvider,
) {
  const kind = settings.exporters.traces
  const exporter =
    kind === 'otlp'
      ? new OTLPTraceExporter({ timeoutMillis: settings.exportTimeoutMs })
      : new ConsoleSpanExporter()
  const watch = lossWatch(exporter, settings.spanQueueSize)
  // The option exists since 2.9 and is only missing in this package's types.
  const options = { selfObsMeterProvider: meterProvider } as Record<string, unknown>
  const batches = new BatchSpanProcessor(watch.exporter, options)
  const provider = new NodeTracerProvider({
    resource,
    spanProcessors: kind === 'none' ? [] : [watch.processor, batches],
  })
  const propagators: Record<string, TextMapPropagator> = {
    tracecontext: new W3CTraceContextPropagator(),
    baggage: new W3CBaggagePropagator(),
  }
  provider.register({
    propagator: new CompositePropagator({
      propagators: settings.propagators.flatMap((name) => propagators[name] ?? []),
    }),
  })
  return provider
}

function startLogs(
  settings: TelemetrySettings,
  resource: Resource,
  meterProvider: MeterProvider,
): LoggerProvider {
  const kind = settings.exporters.logs
  const exporter =
    kind === 'otlp'
      ? new OTLPLogExporter({ timeoutMillis: settings.exportTimeoutMs })
      : new ConsoleLogRecordExporter()
  const batches = new BatchLogRecordProcessor({
    exporter,
    ...settings.logs,
    selfObsMeterProvider: meterProvider,
  })
  const provider = new LoggerProvider({ resource, processors: kind === 'none' ? [] : [batches] })
  if (kind !== 'none') logs.setGlobalLoggerProvider(provider)
  return provider
}

/** Outgoing HTTP (a libSQL server), only under a span of ours, and without query strings: they may hold secrets. */
function undici(): UndiciInstrumentation {
  return new UndiciInstrumentation({
    requireParentforSpans: true,
    startSpanHook: (request) => {
      const path = request.path.split('?')[0]!
      return { 'url.full': `${request.origin}${path}`, 'url.query': '' }
    },
  })
}

const repeatedMs = 60_000
const messagesMax = 20

/** The SDK's own messages as log lines: the same one once a minute, twenty a minute in all. */
function quietDiag(): DiagLogger {
  const seen = new Map<string, number>()
  const say =
    (level: 'error' | 'warn' | 'info' | 'debug') =>
    (message: string, ...rest: unknown[]) => {
      const text = [
        message,
        ...rest.map((one) => (one instanceof Error ? one.message : String(one))),
      ].join(' ')
      const now = Date.now()
      for (const [old, at] of seen) if (now - at > repeatedMs) seen.delete(old)
      if (seen.has(text) || seen.size >= messagesMax) return
      seen.set(text, now)
      localLog[level](`telemetry: ${text}`)
    }
  return {
    error: say('error'),
    warn: say('warn'),
    info: say('info'),
    debug: say('debug'),
    verbose: say('debug'),
  }
}

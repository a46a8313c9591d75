// The exporters of traces, metrics and logs, with what the SDK needs for them. sdk.ts imports this file only when something
// is exported.
import { metrics } from '@opentelemetry/api'
import { logs } from '@opentelemetry/api-logs'
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-proto'
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { registerInstrumentations } from '@opentelemetry/instrumentation'
import { RuntimeNodeInstrumentation } from '@opentelemetry/instrumentation-runtime-node'
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import type { Resource } from '@opentelemetry/resources'
import {
  BatchLogRecordProcessor,
  ConsoleLogRecordExporter,
  LoggerProvider,
  type LogRecordProcessor,
} from '@opentelemetry/sdk-logs'
import {
  ConsoleMetricExporter,
  createDenyListAttributesProcessor,
  MeterProvider,
  PeriodicExportingMetricReader,
  type ViewOptions,
} from '@opentelemetry/sdk-metrics'
import {
  BatchSpanProcessor,
  ConsoleSpanExporter,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-node'
import {
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  METRIC_HTTP_CLIENT_REQUEST_DURATION,
} from '@opentelemetry/semantic-conventions'

import type { TelemetrySettings } from '../config/telemetry-settings.ts'
import type { ExportState } from '../trace-store/export-state.ts'
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
import { serializePlainSpans } from './span-bytes.ts'

// The exporter of traces takes no other serializer.
const ofLibrary = { ...ProtobufTraceSerializer }
ProtobufTraceSerializer.serializeRequest = serializePlainSpans((spans) =>
  ofLibrary.serializeRequest(spans),
)

type Exports = {
  /** To be given to the tracer provider. */
  spanProcessors: SpanProcessor[]
  /** What became of the exports, for the inspector. */
  states: readonly ExportState[]
  /** Spans and log records that did not reach the collector, since the start. */
  dropped: () => { spans: number; logs: number }
  /** Exports the metrics and log records that are queued, and stops. */
  shutdown: () => Promise<unknown>
  /** At exit: logs what was not delivered. */
  report: () => void
}

/** Starts the exports of all signals that have an exporter. */
export function startExports(settings: TelemetrySettings, resource: Resource): Exports {
  const outage = new Outage(settings)
  const meterProvider = startMetrics({ settings, resource, outage })
  const dropped = newDropped()
  const report = reportDropped(dropped, outage)
  const common = {
    settings,
    resource,
    ownMetrics: tallying(meterProvider, dropped),
    dropped,
    outage,
  }
  const loggerProvider = startLogs(common)
  return {
    spanProcessors: spanProcessorsOf(common),
    states: outage.states,
    dropped: () => ({ spans: dropped.spans.dropped, logs: dropped.logs.dropped }),
    shutdown: () => Promise.allSettled([loggerProvider.shutdown(), meterProvider.shutdown()]),
    report: () => report.stop(),
  }
}

type Given = { settings: TelemetrySettings; resource: Resource; outage: Outage }

/** People choose the hosts of links: a metric has no series for each. */
const outgoingViews: ViewOptions[] = [
  {
    instrumentName: METRIC_HTTP_CLIENT_REQUEST_DURATION,
    attributesProcessors: [
      createDenyListAttributesProcessor([ATTR_SERVER_ADDRESS, ATTR_SERVER_PORT]),
    ],
  },
]

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
  registerInstrumentations({
    instrumentations: [new RuntimeNodeInstrumentation()],
    meterProvider: provider,
  })
  return provider
}

type Common = Given & {
  /** For the SDK's metrics about itself. */
  ownMetrics: ReturnType<typeof tallying>
  dropped: Dropped
}

function spanProcessorsOf({ settings, ownMetrics, dropped, outage }: Common): SpanProcessor[] {
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

// The probe of `npm run doctor`: one span, one metric and one log record with the same id, sent by the same exporters with
// the same settings as those of the app.
import { randomBytes } from 'node:crypto'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { IncomingMessage } from 'node:http'

import { context, diag, DiagLogLevel, trace, type DiagLogger } from '@opentelemetry/api'
import { SeverityNumber } from '@opentelemetry/api-logs'
import { ExportResultCode, type ExportResult } from '@opentelemetry/core'
import { OTLPLogExporter } from '@opentelemetry/exporter-logs-otlp-proto'
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-proto'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { LoggerProvider, type ReadableLogRecord } from '@opentelemetry/sdk-logs'
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import {
  AlwaysOnSampler,
  NodeTracerProvider,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-node'

import type { Signal } from '../../config/telemetry-settings.ts'
import type { Failed } from './ask.ts'

/** The service name of the probe. With no other attribute, Mimir makes no series of it that a dashboard would list. */
export const probeService = 'tracewren-doctor'
export const probeMetric = 'tracewren.doctor.probe'
/** The probe's span takes longer than the 500 ms from which the Collector's tail sampling keeps every trace. */
const spanMs = 1000
const exportMaxMs = 10_000
const bodyMax = 4000

/** What became of one export. */
export type Sent = {
  ok: boolean
  error?: Failed
  /** The last answer, if there was one. */
  status?: number
  headers: IncomingMessage['headers']
  body: string
  /** What the SDK said meanwhile, such as that a part was rejected. */
  warnings: string[]
}
type Done = (result: ExportResult) => void

/** A fresh probe; its id is the id of its trace. */
export function newProbe(now = Date.now()) {
  const id = randomBytes(16).toString('hex')
  const resource = resourceFromAttributes({ 'service.name': probeService })
  const span = makeSpan()
  const inTrace = trace.setSpanContext(context.active(), span.spanContext())

  return {
    id,
    /** Sends it by the exporter of a signal. Never rejects. */
    send: (signal: Signal, timeoutMs: number): Promise<Sent> => {
      const timeoutMillis = Math.min(timeoutMs, exportMaxMs)
      const senders: Record<Signal, (done: Done) => void | Promise<void>> = {
        traces: (done) => new OTLPTraceExporter({ timeoutMillis }).export([span], done),
        logs: (done) => new OTLPLogExporter({ timeoutMillis }).export([makeRecord()], done),
        metrics: async (done) =>
          new OTLPMetricExporter({ timeoutMillis }).export(await makeMetrics(), done),
      }
      return watched(senders[signal])
    },
  }

  function makeSpan(): ReadableSpan {
    let made: ReadableSpan | undefined
    const provider = new NodeTracerProvider({
      resource,
      sampler: new AlwaysOnSampler(),
      idGenerator: {
        generateTraceId: () => id,
        generateSpanId: () => randomBytes(8).toString('hex'),
      },
      spanProcessors: [{ ...nothing, onStart() {}, onEnd: (ended) => void (made = ended) }],
    })
    provider
      .getTracer(probeService)
      .startSpan('npm run doctor', { startTime: now - spanMs, attributes: { probe: id } })
      .end(now)
    return made!
  }

  function makeRecord(): ReadableLogRecord {
    let made: ReadableLogRecord | undefined
    const processor = { ...nothing, onEmit: (record: ReadableLogRecord) => void (made = record) }
    new LoggerProvider({ resource, processors: [processor] }).getLogger(probeService).emit({
      body: 'npm run doctor',
      severityNumber: SeverityNumber.INFO,
      severityText: 'INFO',
      timestamp: now,
      attributes: { probe: id },
      context: inTrace,
    })
    return made!
  }

  async function makeMetrics() {
    const reader = new ProbeReader()
    const meters = new MeterProvider({ resource, readers: [reader] })
    meters.getMeter(probeService).createGauge(probeMetric).record(1, { probe: id })
    return (await reader.collect()).resourceMetrics
  }
}

const done = () => Promise.resolve()
const nothing = { forceFlush: done, shutdown: done }

class ProbeReader extends MetricReader {
  protected override onForceFlush = done
  protected override onShutdown = done
}

/** Runs one export, and keeps the answer, of which the exporter itself tells only a part. One at a time. */
async function watched(send: (done: Done) => void | Promise<void>): Promise<Sent> {
  const sent: Sent = { ok: false, headers: {}, body: '', warnings: [] }
  const seen = (message: unknown) => {
    const { response } = message as { response: IncomingMessage }
    sent.status = response.statusCode ?? 0
    sent.headers = response.headers
    sent.body = ''
    response.on('data', (piece: Buffer) => {
      if (sent.body.length < bodyMax) sent.body += piece.toString('utf8')
    })
  }
  diag.setLogger(keeping(sent.warnings), {
    logLevel: DiagLogLevel.WARN,
    suppressOverrideMessage: true,
  })
  subscribe('http.client.response.finish', seen)
  try {
    const { code, error } = await new Promise<ExportResult>((resolve, reject) => {
      void Promise.resolve(send(resolve)).catch(reject)
    })
    return { ...sent, ok: code === ExportResultCode.SUCCESS, ...(error && { error }) }
  } catch (error) {
    return { ...sent, error: error as Failed }
  } finally {
    unsubscribe('http.client.response.finish', seen)
    diag.disable()
  }
}

const keeping = (kept: string[]): DiagLogger => {
  const keep = (...said: unknown[]) =>
    void kept.push(said.map((one) => (one instanceof Error ? one.message : String(one))).join(' '))
  const ignore = () => undefined
  return { error: keep, warn: keep, info: ignore, debug: ignore, verbose: ignore }
}

// A collector in the process of the test: it receives OTLP over HTTP as protobuf, plain or gzip, and decodes it.
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'

import protobuf from 'protobufjs'

export type Attributes = Record<string, unknown>
export type Signal = 'traces' | 'metrics' | 'logs'

export type SinkSpan = {
  name: string
  /** 1 internal, 2 server, 3 client: the numbers of the API plus one. */
  kind: number
  traceId: string
  spanId: string
  parentSpanId: string
  flags: number
  /** Nanoseconds. */
  start: bigint
  end: bigint
  /** 0 unset, 1 ok, 2 error. */
  status: number
  statusMessage: string
  attributes: Attributes
  events: { name: string; attributes: Attributes }[]
  links: { traceId: string; spanId: string; attributes: Attributes }[]
  scope: string
}

export type SinkPoint = {
  attributes: Attributes
  value: number
  count: number
  sum: number
  bounds: number[]
}

export type SinkMetric = {
  name: string
  unit: string
  description: string
  kind: 'gauge' | 'sum' | 'histogram'
  /** Delta temporality: sums and histograms since the last export, not since the start. */
  isDelta: boolean
  points: SinkPoint[]
}

export type SinkLog = {
  body: unknown
  severity: number
  severityText: string
  event: string
  traceId: string
  spanId: string
  attributes: Attributes
}

/** One export as received. */
export type Delivery = {
  signal: Signal
  path: string
  headers: IncomingHttpHeaders
  body: Buffer
  /** Its message; decoded once, because waiting tests read it often. */
  message: () => Request
}

/** Answers instead of the sink; calls `done` if the export is to be kept all the same. */
export type Answers = (response: ServerResponse, done: () => void) => void

export type Sink = {
  url: string
  port: number
  deliveries: Delivery[]
  resource: () => Attributes
  spans: () => SinkSpan[]
  /** The newest state of each metric. */
  metrics: () => SinkMetric[]
  logs: () => SinkLog[]
  /** All received bytes as one text (Latin-1), to search for ASCII words. */
  bytes: () => string
  /** Waits until the condition is true; checks it after each delivery. Rejects after half a minute. */
  until: (condition: () => boolean) => Promise<void>
  close: () => Promise<void>
  [Symbol.asyncDispose]: () => Promise<void>
}

const accept: Answers = (response, done) => {
  done()
  response.writeHead(200, { 'Content-Type': 'application/x-protobuf' }).end()
}

/** Starts a sink on loopback; `answers` can answer wrongly in its place. */
export async function startSink(answers: Answers = accept, onPort = 0): Promise<Sink> {
  const deliveries: Delivery[] = []
  const waiting = new Set<() => void>()
  const server = createServer((request, response) => {
    const pieces: Buffer[] = []
    request.on('data', (piece: Buffer) => pieces.push(piece))
    request.on('end', () => {
      const raw = Buffer.concat(pieces)
      answers(response, () => {
        const signal = /v1\/(\w+)$/.exec(request.url ?? '')?.[1] as Signal
        const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw
        let message: Request | undefined
        deliveries.push({
          signal,
          path: request.url ?? '',
          headers: request.headers,
          body,
          message: () => (message ??= decode(signal, body)),
        })
        for (const look of waiting) look()
      })
    })
  })
  await new Promise<void>((listening) => server.listen(onPort, '127.0.0.1', listening))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const of = (signal: Signal) => deliveries.filter((one) => one.signal === signal)
  const close = () =>
    new Promise<void>((closed) => {
      server.close(() => closed())
      server.closeAllConnections()
    })
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    deliveries,
    resource: () =>
      toAttributes(of('traces')[0]?.message().resourceSpans?.[0]?.resource.attributes),
    spans: () => of('traces').flatMap(({ message }) => spansOf(message())),
    metrics: () => [
      ...new Map(
        of('metrics')
          .flatMap(({ message }) => metricsOf(message()))
          .map((metric) => [metric.name, metric]),
      ).values(),
    ],
    logs: () => of('logs').flatMap(({ message }) => logsOf(message())),
    bytes: () => deliveries.map(({ body }) => body.toString('latin1')).join('\n'),
    until: (condition) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (!condition()) return
          clearTimeout(timer)
          waiting.delete(look)
          resolve()
        }
        const timer = setTimeout(() => {
          waiting.delete(look)
          reject(new Error('The sink waited half a minute for something that did not come.'))
        }, 30_000)
        waiting.add(look)
        look()
      }),
    close,
    [Symbol.asyncDispose]: close,
  }
}

// The messages of opentelemetry-proto as protobufjs decodes them.
type AnyValue = {
  arrayValue?: { values?: AnyValue[] }
  kvlistValue?: { values?: KeyValue[] }
} & Record<string, unknown>
type KeyValue = { key: string; value?: AnyValue }
type Scoped<Name extends string, Item> = ({ scope?: { name?: string } } & Record<Name, Item[]>)[]
type RawSpan = {
  name: string
  kind: number
  traceId: Buffer
  spanId: Buffer
  parentSpanId?: Buffer
  flags?: number
  startTimeUnixNano: string
  endTimeUnixNano: string
  status?: { code?: number; message?: string }
  attributes?: KeyValue[]
  events?: { name: string; attributes?: KeyValue[] }[]
  links?: { traceId: Buffer; spanId: Buffer; attributes?: KeyValue[] }[]
}
type RawPoint = {
  attributes?: KeyValue[]
  asInt?: string
  asDouble?: number
  count?: string
  sum?: number
  explicitBounds?: number[]
}
type RawMetric = { name: string; unit?: string; description?: string } & Partial<
  Record<SinkMetric['kind'], { dataPoints?: RawPoint[]; aggregationTemporality?: number }>
>
type RawLog = {
  body?: AnyValue
  severityNumber?: number
  severityText?: string
  eventName?: string
  traceId?: Buffer
  spanId?: Buffer
  attributes?: KeyValue[]
}
type Request = {
  resourceSpans?: { resource: { attributes: KeyValue[] }; scopeSpans: Scoped<'spans', RawSpan> }[]
  resourceMetrics?: { scopeMetrics: Scoped<'metrics', RawMetric> }[]
  resourceLogs?: { scopeLogs: Scoped<'logRecords', RawLog> }[]
}

const schema = protobuf.loadSync(fileURLToPath(new URL('otlp.proto', import.meta.url)))
const messages: Record<Signal, protobuf.Type> = {
  traces: schema.lookupType('ExportTraceServiceRequest'),
  metrics: schema.lookupType('ExportMetricsServiceRequest'),
  logs: schema.lookupType('ExportLogsServiceRequest'),
}

const decode = (signal: Signal, bytes: Buffer): Request =>
  messages[signal].toObject(messages[signal].decode(bytes), { longs: String })

const hex = (bytes: Buffer | undefined) => (bytes ? Buffer.from(bytes).toString('hex') : '')

function valueOf(value: AnyValue | undefined): unknown {
  if (!value) return undefined
  if (value.arrayValue) return (value.arrayValue.values ?? []).map(valueOf)
  if (value.kvlistValue) return toAttributes(value.kvlistValue.values)
  if (value['intValue'] !== undefined) return Number(value['intValue'])
  return Object.values(value)[0]
}

const toAttributes = (pairs: KeyValue[] = []): Attributes =>
  Object.fromEntries(pairs.map(({ key, value }) => [key, valueOf(value)]))

const spansOf = ({ resourceSpans = [] }: Request): SinkSpan[] =>
  resourceSpans
    .flatMap(({ scopeSpans }) => scopeSpans)
    .flatMap(({ scope, spans }) =>
      spans.map((span) => ({
        name: span.name,
        kind: span.kind,
        traceId: hex(span.traceId),
        spanId: hex(span.spanId),
        parentSpanId: hex(span.parentSpanId),
        flags: span.flags ?? 0,
        start: BigInt(span.startTimeUnixNano),
        end: BigInt(span.endTimeUnixNano),
        status: span.status?.code ?? 0,
        statusMessage: span.status?.message ?? '',
        attributes: toAttributes(span.attributes),
        events: (span.events ?? []).map(({ name, attributes }) => ({
          name,
          attributes: toAttributes(attributes),
        })),
        links: (span.links ?? []).map((link) => ({
          traceId: hex(link.traceId),
          spanId: hex(link.spanId),
          attributes: toAttributes(link.attributes),
        })),
        scope: scope?.name ?? '',
      })),
    )

const metricsOf = ({ resourceMetrics = [] }: Request): SinkMetric[] =>
  resourceMetrics
    .flatMap(({ scopeMetrics }) => scopeMetrics)
    .flatMap(({ metrics }) => metrics)
    .map((metric) => {
      const kind = metric.histogram ? 'histogram' : metric.sum ? 'sum' : 'gauge'
      return {
        name: metric.name,
        unit: metric.unit ?? '',
        description: metric.description ?? '',
        kind,
        isDelta: metric[kind]?.aggregationTemporality === 1,
        points: (metric[kind]?.dataPoints ?? []).map((point) => ({
          attributes: toAttributes(point.attributes),
          value: Number(point.asInt ?? point.asDouble ?? 0),
          count: Number(point.count ?? 0),
          sum: point.sum ?? 0,
          bounds: point.explicitBounds ?? [],
        })),
      }
    })

const logsOf = ({ resourceLogs = [] }: Request): SinkLog[] =>
  resourceLogs
    .flatMap(({ scopeLogs }) => scopeLogs)
    .flatMap(({ logRecords }) => logRecords)
    .map((record) => ({
      body: valueOf(record.body),
      severity: record.severityNumber ?? 0,
      severityText: record.severityText ?? '',
      event: record.eventName ?? '',
      traceId: hex(record.traceId),
      spanId: hex(record.spanId),
      attributes: toAttributes(record.attributes),
    }))

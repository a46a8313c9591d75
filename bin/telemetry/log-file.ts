// The log records that the Collector's file exporter wrote, with the labels and fields that Loki would give them.
import { existsSync, readFileSync } from 'node:fs'

export type LogLine = {
  /** Milliseconds since 1970. */
  at: number
  line: string
  /** What a stream selector sees. */
  labels: Record<string, string>
  /** Structured metadata: attributes, trace and span id, severity. */
  fields: Record<string, string>
}

type Value = Record<string, unknown>
type Pair = { key: string; value: Value }
type Record_ = {
  timeUnixNano?: string
  observedTimeUnixNano?: string
  severityNumber?: number
  severityText?: string
  body?: Value
  attributes?: Pair[]
  traceId?: string
  spanId?: string
}
type Export = {
  resourceLogs?: {
    resource?: { attributes?: Pair[] }
    scopeLogs?: { scope?: { name?: string }; logRecords?: Record_[] }[]
  }[]
}

/** Loki makes labels of these attributes of a resource, and structured metadata of all others. */
const labelsOfLoki = new Set([
  'service.name',
  'service.namespace',
  'service.instance.id',
  'deployment.environment',
  'deployment.environment.name',
])

const nameOf = (key: string) => key.replaceAll(/\W/g, '_')
const textOf = (value: Value = {}) => {
  const [one] = Object.values(value)
  return typeof one === 'object' ? JSON.stringify(one) : String(one ?? '')
}
const named = (pairs: Pair[]) =>
  Object.fromEntries(pairs.map(({ key, value }) => [nameOf(key), textOf(value)]))

/** Loki's names of the levels, from OpenTelemetry's severity numbers. */
const levels = ['trace', 'debug', 'info', 'warn', 'error', 'fatal']
const levelOf = (severity = 0) =>
  severity > 0 ? levels[Math.floor((severity - 1) / 4)]! : 'unknown'

/** Reads all lines of the file. The exporter may be writing the last one: what is not complete is left out. */
export function readLogFile(path: string): LogLine[] {
  if (!existsSync(path)) return []
  const text = readFileSync(path, 'utf8')
  return text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter(Boolean)
    .flatMap((line) => linesOf(JSON.parse(line) as Export))
}

const linesOf = ({ resourceLogs = [] }: Export): LogLine[] =>
  resourceLogs.flatMap(({ resource, scopeLogs = [] }) => {
    const ofResource = resource?.attributes ?? []
    const labels = named(ofResource.filter(({ key }) => labelsOfLoki.has(key)))
    const others = named(ofResource.filter(({ key }) => !labelsOfLoki.has(key)))
    return scopeLogs.flatMap(({ scope, logRecords = [] }) =>
      logRecords.map((record) => ({
        at: Number(record.timeUnixNano || record.observedTimeUnixNano) / 1e6,
        line: textOf(record.body),
        labels,
        fields: {
          ...others,
          ...(scope?.name && { scope_name: scope.name }),
          ...named(record.attributes ?? []),
          ...(record.traceId && { trace_id: record.traceId }),
          ...(record.spanId && { span_id: record.spanId }),
          severity_number: String(record.severityNumber ?? 0),
          severity_text: record.severityText ?? '',
          detected_level: levelOf(record.severityNumber),
        },
      })),
    )
  })

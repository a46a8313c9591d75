// Reads the traces of an OTLP JSON file, as programs and the Collector's file exporter write it.
import { SpanStatusCode, TraceFlags } from '@opentelemetry/api'

import { checkTree } from './otlp-tree.ts'
import {
  attributesIn,
  excerpt,
  idIn,
  listIn,
  numberIn,
  objectIn,
  own,
  textIn,
  timeIn,
  UnreadableTraces,
  valueBounds,
  type Value,
} from './otlp-values.ts'
import { isServerSpan, requestOf } from './recorded-request.ts'
import type { RecordedLog, RecordedSpan, RecordedTrace } from './recorded.ts'

/** A trace of a file, and the events of its spans as log lines. */
export type ReadTrace = { trace: RecordedTrace; logs: RecordedLog[] }

export const readBounds = { spans: 5000, depth: 100 }

const kinds = 'UNSPECIFIED INTERNAL SERVER CLIENT PRODUCER CONSUMER'
  .split(' ')
  .map((name) => `SPAN_KIND_${name}`)
const statuses = ['UNSET', 'OK', 'ERROR'].map((name) => `STATUS_CODE_${name}`)

type Fields = Record<string, unknown>

/**
 * The traces in the text, the one that began first at the front. Throws UnreadableTraces, which says what is wrong and
 * where. The text is one JSON document, or one in each line.
 */
export function readOtlp(text: string): ReadTrace[] {
  const spans: RecordedSpan[] = []
  for (const document of documentsOf(text)) readDocument(objectIn(document, 'The file'), spans)
  if (spans.length === 0) throw new UnreadableTraces('There is no span in this file.')
  const traces = new Map<string, RecordedSpan[]>()
  for (const span of spans) {
    const { traceId } = span.spanContext()
    const known = traces.get(traceId) ?? []
    traces.set(traceId, known)
    known.push(span)
  }
  for (const known of traces.values()) checkTree(known, readBounds.depth)
  return [...traces].map(([id, known]) => traceOf(id, known))
}

function documentsOf(text: string): unknown[] {
  const trimmed = text.replace(/^\ufeff/, '').trim()
  try {
    return [JSON.parse(trimmed)]
  } catch {
    const lines = trimmed.split('\n').filter((line) => line.trim() !== '')
    if (lines.length < 2) throw new UnreadableTraces('This file is not JSON.')
    return lines.map((line, index) => {
      try {
        return JSON.parse(line) as unknown
      } catch {
        throw new UnreadableTraces(`This file is not JSON: line ${index + 1} cannot be read.`)
      }
    })
  }
}

function readDocument(document: Fields, spans: RecordedSpan[]): void {
  if (!Array.isArray(own(document, 'resourceSpans')))
    throw new UnreadableTraces('This is JSON, but no OTLP traces: it has no list resourceSpans.')
  for (const group of listIn(document, 'resourceSpans', 'The file')) {
    const resource = own(group, 'resource') ?? {}
    const about = attributesIn(objectIn(resource, 'A resource'), 'A resource')
    for (const scope of listIn(group, 'scopeSpans', 'An entry of resourceSpans')) {
      for (const given of listIn(scope, 'spans', 'An entry of scopeSpans')) {
        if (spans.length >= readBounds.spans)
          throw new UnreadableTraces(
            `This file has more than ${readBounds.spans.toLocaleString('en')} spans.`,
          )
        spans.push(spanOf(given, spans.length + 1, about))
      }
    }
  }
}

/** The span as the SDK would have exported it, as far as the inspector reads it. */
function spanOf(given: Fields, number: number, about: Record<string, Value>): RecordedSpan {
  const name = textIn(given, 'name', `Span ${number}`)
  const where = name === '' ? `Span ${number}` : `Span ${number} ("${excerpt(name)}")`
  const traceId = idIn(given, 'traceId', 32, where)
  const spanId = idIn(given, 'spanId', 16, where)
  if (!traceId || !spanId)
    throw new UnreadableTraces(`${where} has no ${traceId ? 'spanId' : 'traceId'}.`)
  const parentId = idIn(given, 'parentSpanId', 16, where)
  const startTime = timeIn(given, 'startTimeUnixNano', where)
  const endTime = timeIn(given, 'endTimeUnixNano', where)
  const attributes = attributesIn(given, where)
  const service = about['service.name']
  const span = {
    name: name === '' ? '(no name)' : name,
    // The API counts from INTERNAL = 0, OTLP from UNSPECIFIED = 0.
    kind: Math.max(0, numberIn(given, 'kind', kinds) - 1),
    spanContext: () => ({ traceId, spanId, traceFlags: TraceFlags.SAMPLED }),
    parentSpanContext: parentId && { traceId, spanId: parentId, traceFlags: TraceFlags.SAMPLED },
    startTime,
    endTime,
    duration: durationOf(startTime, endTime, where),
    status: { code: statusOf(given, where) },
    attributes: { ...(service !== undefined && { 'service.name': service }), ...attributes },
    events: eventsOf(given, where),
    links: [],
    ended: true,
  }
  // The cast: the inspector reads neither the resource nor the scope of a span.
  return span as unknown as RecordedSpan
}

function durationOf(
  [startSeconds, startNanos]: [number, number],
  [endSeconds, endNanos]: [number, number],
  where: string,
): [number, number] {
  const seconds = endSeconds - startSeconds
  const nanos = endNanos - startNanos
  if (seconds < 0 || (seconds === 0 && nanos < 0))
    throw new UnreadableTraces(`${where} ends before it starts.`)
  return nanos < 0 ? [seconds - 1, nanos + 1e9] : [seconds, nanos]
}

function statusOf(given: Fields, where: string): SpanStatusCode {
  const status = own(given, 'status')
  if (status === undefined || status === null) return SpanStatusCode.UNSET
  const codes = [SpanStatusCode.UNSET, SpanStatusCode.OK, SpanStatusCode.ERROR]
  return codes[numberIn(objectIn(status, `${where}: status`), 'code', statuses)]!
}

function eventsOf(given: Fields, where: string) {
  const events = listIn(given, 'events', where)
  if (events.length > valueBounds.each)
    throw new UnreadableTraces(`${where} has more than ${valueBounds.each} events.`)
  return events.map((event) => ({
    name: textIn(event, 'name', `${where}: an event`),
    time: timeIn(event, 'timeUnixNano', `${where}: an event`),
    attributes: attributesIn(event, `${where}: an event`),
  }))
}

function traceOf(id: string, spans: RecordedSpan[]): ReadTrace {
  const ids = new Set(spans.map((span) => span.spanContext().spanId))
  const isFirst = ({ parentSpanContext: parent }: RecordedSpan) =>
    !parent || !ids.has(parent.spanId)
  const root = spans.find((span) => isFirst(span) && isServerSpan(span)) ?? spans.find(isFirst)
  const requests = root ? [requestOf(root, 1)] : []
  const logs = spans.flatMap((span) => span.events.map((event) => logOf(span, event)))
  return { trace: { id, spans, cut: 0, bytes: 0, requests }, logs }
}

function logOf(span: RecordedSpan, { name, time, attributes }: RecordedSpan['events'][number]) {
  const { traceId, spanId } = span.spanContext()
  const [seconds, nanos] = time
  return {
    at: seconds * 1000 + nanos / 1e6,
    level: name === 'exception' ? 'error' : 'info',
    message: name,
    facts: { ...attributes },
    traceId,
    spanId,
  }
}

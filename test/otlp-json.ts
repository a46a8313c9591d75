// Spans of an OTLP JSON file and spans that a collector received, in the same shape for comparison.
import type { SinkSpan } from './otlp-sink.ts'

type Pair = { key: string; value: Record<string, unknown> }
type Otlp = {
  resourceSpans: {
    resource: { attributes: Pair[] }
    scopeSpans: {
      scope: { name: string }
      spans: {
        name: string
        kind: number
        flags: number
        traceId: string
        spanId: string
        parentSpanId?: string
        startTimeUnixNano: string
        endTimeUnixNano: string
        attributes: Pair[]
        events: { name: string }[]
        links: { traceId: string; spanId: string }[]
        status: { code: number; message?: string }
      }[]
    }[]
  }[]
}

/** A span that a collector received, in the same shape. */
export const ofSink = (span: SinkSpan) => ({
  name: span.name,
  kind: span.kind,
  flags: span.flags,
  id: span.spanId,
  trace: span.traceId,
  parent: span.parentSpanId,
  start: String(span.start),
  end: String(span.end),
  status: span.status,
  scope: span.scope,
  events: span.events.map(({ name }) => name),
  links: span.links.map(({ traceId, spanId }) => `${traceId} ${spanId}`),
  attributes: Object.fromEntries(
    Object.entries(span.attributes).map(([key, value]) => [key, String(value)]),
  ),
})
/** The spans of a trace's download. */
export const ofDownload = (text: string) =>
  (JSON.parse(text) as Otlp).resourceSpans[0]!.scopeSpans.flatMap(({ scope, spans }) =>
    spans.map((span) => ({
      name: span.name,
      kind: span.kind,
      flags: span.flags,
      id: span.spanId,
      trace: span.traceId,
      parent: span.parentSpanId ?? '',
      start: span.startTimeUnixNano,
      end: span.endTimeUnixNano,
      status: span.status.code,
      scope: scope.name,
      events: span.events.map(({ name }) => name),
      links: span.links.map(({ traceId, spanId }) => `${traceId} ${spanId}`),
      attributes: Object.fromEntries(
        span.attributes.map(({ key, value }) => [key, String(Object.values(value)[0])]),
      ),
    })),
  )
export const byId = <T extends { id: string }>(spans: T[]) =>
  spans.toSorted((one, other) => one.id.localeCompare(other.id))

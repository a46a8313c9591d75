import type { RecordedSpan, RecordedTrace } from '../../recorder.ts'

const nanos = ([seconds, rest]: readonly [number, number]) =>
  String(BigInt(seconds) * 1_000_000_000n + BigInt(Math.round(rest)))

type Value = Record<string, unknown>

const valueOf = (value: unknown): Value => {
  if (Array.isArray(value)) return { arrayValue: { values: value.map(valueOf) } }
  if (typeof value === 'boolean') return { boolValue: value }
  if (typeof value === 'number')
    return Number.isInteger(value) ? { intValue: String(value) } : { doubleValue: value }
  return { stringValue: String(value) }
}

const attributesOf = (attributes: Record<string, unknown>) =>
  Object.entries(attributes).map(([key, value]) => ({ key, value: valueOf(value) }))

function spanOf(span: RecordedSpan) {
  const { traceId, spanId, traceFlags } = span.spanContext()
  const [seconds, rest] = [
    span.startTime[0] + span.duration[0],
    span.startTime[1] + span.duration[1],
  ]
  return {
    traceId,
    spanId,
    parentSpanId: span.parentSpanContext?.spanId ?? '',
    flags: traceFlags,
    name: span.name,
    kind: span.kind + 1,
    startTimeUnixNano: nanos(span.startTime),
    endTimeUnixNano: nanos([seconds, rest]),
    attributes: attributesOf(span.attributes),
    links: span.links.map(({ context }) => ({ traceId: context.traceId, spanId: context.spanId })),
    status: span.status.code === 0 ? {} : { code: span.status.code },
  }
}

/** The spans by what recorded them: our own code, or an instrumentation. */
function scopesOf(spans: RecordedSpan[]): Map<string, RecordedSpan[]> {
  const scopes = new Map<string, RecordedSpan[]>()
  for (const span of spans) {
    const name = span.instrumentationScope?.name ?? 'tracewren'
    scopes.set(name, [...(scopes.get(name) ?? []), span])
  }
  return scopes
}

/** A trace in OTLP's JSON encoding: other tools can read it. */
export const otlpOf = (trace: RecordedTrace) => ({
  resourceSpans: [
    {
      resource: { attributes: attributesOf(trace.spans[0]?.resource?.attributes ?? {}) },
      scopeSpans: [...scopesOf(trace.spans)].map(([name, spans]) => ({
        scope: { name },
        spans: spans.map(spanOf),
      })),
    },
  ],
})

import type { RecordedTrace } from './recorded.ts'

/**
 * A trace in OTLP's JSON encoding, which other tools can read. `withEvents: false` leaves out span events: they hold
 * exceptions with stack traces, which not every visitor may see.
 */
export async function otlpJson(
  { spans }: RecordedTrace,
  { withEvents }: { withEvents: boolean },
): Promise<Uint8Array<ArrayBuffer>> {
  // Loaded on first use, so that it does not slow down the start.
  const { JsonTraceSerializer } = await import('@opentelemetry/otlp-transformer')
  const exported = withEvents
    ? spans
    : spans.map((span) => Object.create(span, { events: { value: [] } }) as typeof span)
  return new Uint8Array(JsonTraceSerializer.serializeRequest(exported)!)
}

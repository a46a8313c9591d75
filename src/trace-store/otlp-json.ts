import type { RecordedTrace } from './recorded.ts'

/**
 * A trace in OTLP's JSON encoding, as an exporter would send it: other tools can read it. Span events are exceptions
 * with their stacks, which not everybody may see.
 */
export async function otlpJson(
  { spans }: RecordedTrace,
  { withEvents }: { withEvents: boolean },
): Promise<Uint8Array<ArrayBuffer>> {
  // Loaded when it is first asked for, so that the start does not wait for it.
  const { JsonTraceSerializer } = await import('@opentelemetry/otlp-transformer')
  const shown = withEvents
    ? spans
    : spans.map((span) => Object.create(span, { events: { value: [] } }) as typeof span)
  return new Uint8Array(JsonTraceSerializer.serializeRequest(shown)!)
}

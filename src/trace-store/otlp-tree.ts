import { excerpt, UnreadableTraces } from './otlp-values.ts'
import type { RecordedSpan } from './recorded.ts'

const said = (span: RecordedSpan) => `"${excerpt(span.name)}" (${span.spanContext().spanId})`

/**
 * Refuses spans with the same id, spans that are each other's parents, and more than `depthMax` spans below each other.
 * A parent that is not in the file is no mistake: a part of a trace is a trace, too.
 */
export function checkTree(spans: RecordedSpan[], depthMax: number): void {
  const byId = new Map<string, RecordedSpan>()
  for (const span of spans) {
    const { spanId } = span.spanContext()
    if (byId.has(spanId))
      throw new UnreadableTraces(`Two spans of a trace have the same id: ${said(span)}.`)
    byId.set(spanId, span)
  }
  const depths = new Map<string, number>()
  for (const span of spans) {
    // From here up to a span whose depth is known, or to the root.
    const path: string[] = []
    const onPath = new Set<string>()
    let one: RecordedSpan | undefined = span
    while (one && !depths.has(one.spanContext().spanId)) {
      const { spanId } = one.spanContext()
      if (onPath.has(spanId))
        throw new UnreadableTraces(`Spans are each other's parents: ${said(one)} is above itself.`)
      onPath.add(spanId)
      path.push(spanId)
      one = byId.get(one.parentSpanContext?.spanId ?? '')
    }
    let depth = one ? depths.get(one.spanContext().spanId)! : 0
    for (const id of path.toReversed()) depths.set(id, (depth += 1))
    if (depth > depthMax)
      throw new UnreadableTraces(
        `More than ${depthMax} spans are below each other at ${said(span)}.`,
      )
  }
}

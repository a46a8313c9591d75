// Writes our spans as OTLP protobuf (opentelemetry-proto 1.x): the same bytes as the SDK's serializer, in a third of its time.
// That reads each character of each text three times, and most texts are those of the request before.
import type { Attributes, AttributeValue, Link, SpanContext } from '@opentelemetry/api'
import type { ReadableSpan, TimedEvent } from '@opentelemetry/sdk-trace-node'

import { PlainSpan } from './plain-span.ts'
import { Message } from './protobuf.ts'

type Serialize = (spans: ReadableSpan[]) => Uint8Array | undefined

/** Bits of a span's flags: OTLP knows whether the parent is in another process, and it is. */
const [knowsRemote, isRemote] = [0x100, 0x200]

function writeValue(out: Message, value: AttributeValue | null | undefined): void {
  if (typeof value === 'string') out.text(1, value)
  else if (typeof value === 'boolean') out.number(2, Number(value))
  else if (Array.isArray(value)) {
    const before = out.length
    for (const one of value.toReversed()) {
      const inside = out.length
      writeValue(out, one)
      out.end(1, out.length - inside)
    }
    out.end(5, out.length - before)
  } else if (typeof value === 'number') writeNumber(out, value)
}

function writeNumber(out: Message, value: number): void {
  // 2^63: what does not fit into 64 bits is a double, as in the SDK.
  if (!Number.isInteger(value) || value < -(2 ** 63) || value >= 2 ** 63) out.double(4, value)
  else out.number(3, value)
}

function writeAttributes(out: Message, field: number, attributes: Attributes = {}): void {
  const names = Object.keys(attributes)
  for (let index = names.length - 1; index >= 0; index--) {
    const name = names[index]!
    const before = out.length
    writeValue(out, attributes[name])
    out.end(2, out.length - before)
    out.text(1, name)
    out.end(field, out.length - before)
  }
}

const flagsOf = (flags: number, ofParent: SpanContext | undefined): number =>
  (flags & 0xff) | knowsRemote | (ofParent?.isRemote === true ? isRemote : 0)

function writeEvent(
  out: Message,
  { name, time, attributes, droppedAttributesCount }: TimedEvent,
): void {
  const before = out.length
  out.number(4, droppedAttributesCount ?? 0)
  writeAttributes(out, 3, attributes)
  out.text(2, name)
  out.time(1, ...time)
  out.end(11, out.length - before)
}

function writeLink(out: Message, { context, attributes, droppedAttributesCount }: Link): void {
  const before = out.length
  out.flags(6, flagsOf(context.traceFlags, context))
  out.number(5, droppedAttributesCount ?? 0)
  writeAttributes(out, 4, attributes)
  const state = context.traceState?.serialize()
  if (state) out.text(3, state)
  out.id(2, context.spanId)
  out.id(1, context.traceId)
  out.end(13, out.length - before)
}

// Fields from the last to the first.
function writeSpan(out: Message, span: PlainSpan): void {
  const before = out.length
  const { parentSpanContext: parent, status } = span
  out.flags(16, flagsOf(span.traceFlags, parent))
  const inside = out.length
  out.number(3, status.code)
  if (status.message) out.text(2, status.message)
  out.end(15, out.length - inside)
  out.number(14, span.droppedLinksCount)
  for (const link of span.links.toReversed()) writeLink(out, link)
  out.number(12, span.droppedEventsCount)
  for (const event of span.events.toReversed()) writeEvent(out, event)
  out.number(10, span.droppedAttributesCount)
  writeAttributes(out, 9, span.attributes)
  out.time(8, ...span.endTime)
  out.time(7, ...span.startTime)
  out.number(6, span.kind + 1) // OTLP's 0 is "unspecified"
  out.text(5, span.name)
  if (parent instanceof PlainSpan) out.bits(4, parent.idHigh, parent.idLow)
  else if (parent) out.id(4, parent.spanId)
  const state = span.traceState?.serialize()
  if (state) out.text(3, state)
  out.bits(2, span.idHigh, span.idLow)
  out.id(1, span.traceId)
  out.end(2, out.length - before)
}

let lastLength = 65_536

/** Wraps the SDK's serializer of spans: it gets those that are not all ours, of one resource and scope. */
export const serializePlainSpans =
  (serialize: Serialize): Serialize =>
  (spans) => {
    const [first] = spans
    const isOurs = (one: ReadableSpan): one is PlainSpan =>
      one instanceof PlainSpan &&
      one.resource === first!.resource &&
      one.instrumentationScope === first!.instrumentationScope
    if (!first || !spans.every(isOurs)) return serialize(spans)
    const out = new Message(Math.ceil(lastLength * 1.2))
    if (first.resource.schemaUrl) out.text(3, first.resource.schemaUrl)
    const inside = out.length
    for (let index = spans.length - 1; index >= 0; index--) writeSpan(out, spans[index]!)
    const before = out.length
    out.text(1, first.instrumentationScope.name)
    out.end(1, out.length - before)
    out.end(2, out.length - inside)
    const ofResource = out.length
    out.number(2, 0) // dropped attributes
    writeAttributes(out, 1, first.resource.attributes)
    out.end(1, out.length - ofResource)
    out.end(1, out.length)
    lastLength = out.length
    return out.finish()
  }

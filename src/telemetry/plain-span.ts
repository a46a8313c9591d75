// A span: one small object while it runs, when it is exported, and as long as the inspector keeps it.
//
// Its attributes are copied by Object.assign. V8 turns an object to which more than twelve properties are added by names in
// variables into a hash table, which takes ten times as long to make, to copy and to read; and on Node 20 a spread
// (`{ ...attributes }`) of many kinds of objects at one place makes a hidden class for each copy.
import {
  SpanKind,
  SpanStatusCode,
  type Attributes,
  type AttributeValue,
  type HrTime,
  type Link,
  type Span,
  type SpanContext,
  type SpanOptions,
  type SpanStatus,
  type TimeInput,
  type TraceState,
} from '@opentelemetry/api'
import {
  addHrTimes,
  hrTime,
  timeInputToHrTime,
  type InstrumentationScope,
} from '@opentelemetry/core'
import type { Resource } from '@opentelemetry/resources'
import type { ReadableSpan, TimedEvent } from '@opentelemetry/sdk-trace-node'

import { errorFacts } from './log.ts'
import { digitsOf, randomBits } from './random-ids.ts'

/** What the spans of one tracer share. */
export type SpanOrigin = {
  resource: Resource
  scope: InstrumentationScope
  /** Takes each span when it ends. */
  ended: (span: PlainSpan) => void
}

/** What a span is told of itself by its tracer. */
type Place = {
  traceId: string
  traceFlags: number
  traceState: TraceState | undefined
  parent: SpanContext | undefined
  origin: SpanOrigin
}

// Shared by all spans that have none.
const noAttributes: Attributes = Object.freeze({})
const noLinks: Link[] = []
const noEvents: TimedEvent[] = []
const unset: SpanStatus = { code: SpanStatusCode.UNSET }

function withoutUndefined(attributes: Attributes): Attributes {
  for (const name in attributes)
    if (attributes[name] === undefined)
      return Object.fromEntries(
        Object.entries(attributes).filter(([, value]) => value !== undefined),
      )
  return attributes
}

const hrTimeOf = (time: TimeInput | undefined): HrTime =>
  time === undefined ? hrTime() : timeInputToHrTime(time)

/** A span, which is its own context, too: an object less to keep. */
export class PlainSpan implements Span, SpanContext, ReadableSpan {
  readonly traceId: string
  // The id as two integers and, when somebody has read them, as sixteen digits. They are read of two spans of a page.
  readonly idHigh = randomBits()
  readonly idLow = randomBits() || 1
  private digits: string | undefined = undefined
  readonly traceFlags: number
  readonly traceState?: TraceState
  name: string
  readonly kind: SpanKind
  readonly parentSpanContext?: SpanContext
  attributes = noAttributes
  status = unset
  links = noLinks
  events = noEvents
  ended = false
  private readonly origin: SpanOrigin
  // Numbers: a pair of arrays for each span would be four more objects to keep. Times that were computed as
  // fractions are made integers: V8 keeps those in the span itself, and fractions in an object beside it.
  private readonly startSeconds: number
  private readonly startNanos: number
  private seconds = 0
  private nanos = 0

  constructor(name: string, options: SpanOptions, place: Place) {
    const { traceState, parent } = place
    this.traceId = place.traceId
    this.traceFlags = place.traceFlags
    if (traceState) this.traceState = traceState
    this.name = name
    this.kind = options.kind ?? SpanKind.INTERNAL
    if (parent) this.parentSpanContext = parent
    const [seconds, nanos] = hrTimeOf(options.startTime)
    this.startSeconds = Math.trunc(seconds)
    this.startNanos = Math.trunc(nanos)
    if (options.attributes) this.setAttributes(Object.assign({}, options.attributes))
    if (options.links && options.links.length > 0) this.links = options.links
    this.origin = place.origin
  }

  get spanId(): string {
    return (this.digits ??= digitsOf(this.idHigh, this.idLow))
  }

  spanContext(): SpanContext {
    return this
  }

  isRecording(): boolean {
    return !this.ended
  }

  setAttribute(name: string, value: AttributeValue): this {
    if (this.attributes === noAttributes) return this.setAttributes({ [name]: value })
    if (!this.ended) this.attributes[name] = value
    return this
  }

  /** The first ones are kept as they are, not copied: do not change the object afterwards. */
  setAttributes(attributes: Attributes): this {
    if (this.ended) return this
    const given = withoutUndefined(attributes)
    if (this.attributes === noAttributes) this.attributes = given
    else Object.assign(this.attributes, given)
    return this
  }

  addEvent(name: string, second?: Attributes | TimeInput, third?: TimeInput): this {
    if (this.ended) return this
    const isTime = typeof second !== 'object' || Array.isArray(second) || second instanceof Date
    const [attributes, time] = isTime ? [{}, second ?? third] : [{ ...second }, third]
    const event = { name, attributes, time: hrTimeOf(time), droppedAttributesCount: 0 }
    this.events = [...this.events, event]
    return this
  }

  recordException(exception: unknown, time?: TimeInput): void {
    this.addEvent('exception', errorFacts(exception) as Attributes, time)
  }

  addLink(link: Link): this {
    return this.addLinks([link])
  }

  addLinks(links: Link[]): this {
    if (!this.ended) this.links = [...this.links, ...links]
    return this
  }

  setStatus(status: SpanStatus): this {
    const isFinal = this.ended || this.status.code === SpanStatusCode.OK
    if (!isFinal && status.code !== SpanStatusCode.UNSET) this.status = status
    return this
  }

  updateName(name: string): this {
    if (!this.ended) this.name = name
    return this
  }

  end(time?: TimeInput): void {
    if (this.ended) return
    const [seconds, nanos] = hrTimeOf(time)
    const borrowed = nanos < this.startNanos ? 1 : 0
    const whole = seconds - this.startSeconds - borrowed
    // Else the clock was set back.
    if (whole >= 0) {
      this.seconds = Math.trunc(whole)
      this.nanos = Math.trunc(nanos - this.startNanos + borrowed * 1e9)
    }
    this.ended = true
    this.origin.ended(this)
  }

  get startTime(): HrTime {
    return [this.startSeconds, this.startNanos]
  }

  get duration(): HrTime {
    return [this.seconds, this.nanos]
  }

  get endTime(): HrTime {
    return addHrTimes(this.startTime, this.duration)
  }

  get resource(): Resource {
    return this.origin.resource
  }

  get instrumentationScope(): InstrumentationScope {
    return this.origin.scope
  }

  // The limits of OTEL_SPAN_* are kept by the SDK's spans, which sdk.ts then uses in the place of these.
  get droppedAttributesCount(): number {
    return 0
  }

  get droppedEventsCount(): number {
    return 0
  }

  get droppedLinksCount(): number {
    return 0
  }
}

// A finished span as the recorder keeps it. The SDK's own object has everything that a running span needs, too: some twenty
// objects, which the garbage collector would copy for every span of every request.
import {
  SpanStatusCode,
  type Attributes,
  type HrTime,
  type Link,
  type SpanContext,
  type SpanKind,
  type SpanStatus,
} from '@opentelemetry/api'
import { addHrTimes, type InstrumentationScope } from '@opentelemetry/core'
import type { Resource } from '@opentelemetry/resources'
import type { ReadableSpan, TimedEvent } from '@opentelemetry/sdk-trace-node'

const none: never[] = []
const unset: SpanStatus = { code: SpanStatusCode.UNSET }

export class KeptSpan implements ReadableSpan {
  readonly name: string
  readonly kind: SpanKind
  readonly context: SpanContext
  readonly parentSpanContext?: SpanContext
  readonly startTime: HrTime
  readonly duration: HrTime
  readonly status: SpanStatus
  readonly attributes: Attributes
  readonly links: Link[]
  readonly events: TimedEvent[]
  readonly resource: Resource
  readonly instrumentationScope: InstrumentationScope
  readonly droppedAttributesCount: number
  readonly droppedEventsCount: number
  readonly droppedLinksCount: number

  constructor(span: ReadableSpan) {
    this.name = span.name
    this.kind = span.kind
    this.context = span.spanContext()
    if (span.parentSpanContext) this.parentSpanContext = span.parentSpanContext
    this.startTime = span.startTime
    this.duration = span.duration
    this.status = span.status.code === SpanStatusCode.UNSET ? unset : span.status
    this.attributes = span.attributes
    this.links = span.links.length > 0 ? span.links : none
    this.events = span.events.length > 0 ? span.events : none
    this.resource = span.resource
    this.instrumentationScope = span.instrumentationScope
    this.droppedAttributesCount = span.droppedAttributesCount
    this.droppedEventsCount = span.droppedEventsCount
    this.droppedLinksCount = span.droppedLinksCount
  }

  spanContext(): SpanContext {
    return this.context
  }

  get endTime(): HrTime {
    return addHrTimes(this.startTime, this.duration)
  }

  get ended(): boolean {
    return true
  }
}

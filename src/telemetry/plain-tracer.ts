// Makes the spans of this program (PlainSpan), for less than the SDK's own tracer takes: decision 0062.
import {
  context,
  INVALID_SPAN_CONTEXT,
  isSpanContextValid,
  SpanKind,
  trace,
  TraceFlags,
  type Context,
  type Span,
  type SpanContext,
  type SpanOptions,
  type Tracer,
} from '@opentelemetry/api'
import { isTracingSuppressed } from '@opentelemetry/core'
import type { Resource } from '@opentelemetry/resources'
import {
  NodeTracerProvider,
  SamplingDecision,
  type Sampler,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-node'

import { PlainSpan, type SpanOrigin } from './plain-span.ts'
import { newSpanId, newTraceId } from './random-ids.ts'
import { tracerName } from './tracer.ts'

export type ProviderConfig = {
  resource: Resource
  sampler: Sampler
  spanProcessors: SpanProcessor[]
}

/** Makes our spans by a PlainTracer, and those of instrumentations by the SDK's tracer. */
export class PlainTracerProvider extends NodeTracerProvider {
  readonly #tracer: PlainTracer

  constructor(config: ProviderConfig) {
    super(config)
    this.#tracer = new PlainTracer(config)
  }

  override getTracer(...named: Parameters<NodeTracerProvider['getTracer']>) {
    return named[0] === tracerName ? this.#tracer : super.getTracer(...named)
  }
}

class PlainTracer implements Tracer {
  readonly #sampler: Sampler
  readonly #origin: SpanOrigin

  constructor({ resource, sampler, spanProcessors }: ProviderConfig) {
    this.#sampler = sampler
    const ended = (span: PlainSpan) => {
      for (const processor of spanProcessors) processor.onEnd(span)
    }
    this.#origin = { resource, scope: { name: tracerName }, ended }
  }

  startSpan(name: string, options: SpanOptions = {}, within: Context = context.active()): Span {
    if (isTracingSuppressed(within)) return trace.wrapSpanContext(INVALID_SPAN_CONTEXT)
    const at = options.root === true ? trace.deleteSpan(within) : within
    const parent = trace.getSpan(at)
    // The samplers decide by the trace: what was decided for a span of ours holds for those inside it.
    if (!(parent instanceof PlainSpan)) return this.#sample(name, options, at)
    const { traceId, traceFlags, traceState } = parent
    const origin = this.#origin
    return new PlainSpan(name, options, { traceId, traceFlags, traceState, parent, origin })
  }

  /** Starts a span that has no parent in this program: recorded or not, as the sampler decides. */
  #sample(name: string, options: SpanOptions, at: Context): Span {
    const remote = trace.getSpanContext(at)
    const parent = remote && isSpanContextValid(remote) ? remote : undefined
    const { kind = SpanKind.INTERNAL, attributes = {}, links = [] } = options
    const traceId = parent?.traceId ?? newTraceId()
    const sampled = this.#sampler.shouldSample(at, traceId, name, kind, attributes, links)
    const isExported = sampled.decision === SamplingDecision.RECORD_AND_SAMPLED
    const traceState = sampled.traceState ?? parent?.traceState
    const traceFlags = isExported ? TraceFlags.SAMPLED : TraceFlags.NONE
    if (sampled.decision === SamplingDecision.NOT_RECORD) {
      const own: SpanContext = { traceId, spanId: newSpanId(), traceFlags }
      return trace.wrapSpanContext(traceState ? { ...own, traceState } : own)
    }
    const origin = this.#origin
    const span = new PlainSpan(name, options, { traceId, traceFlags, traceState, parent, origin })
    return sampled.attributes ? span.setAttributes(sampled.attributes) : span
  }

  startActiveSpan<F extends (span: Span) => unknown>(
    name: string,
    ...given: [F] | [SpanOptions, F] | [SpanOptions, Context, F]
  ): ReturnType<F> {
    const work = given.at(-1) as F
    const [options = {}, at = context.active()] = given.slice(0, -1) as [SpanOptions?, Context?]
    const span = this.startSpan(name, options, at)
    return context.with(trace.setSpan(at, span), () => work(span) as ReturnType<F>)
  }
}

import assert from 'node:assert/strict'
import { test } from 'node:test'

import {
  INVALID_SPAN_CONTEXT,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Context,
  type SpanContext,
  type Tracer,
} from '@opentelemetry/api'
import { suppressTracing } from '@opentelemetry/core'
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  AlwaysOnSampler,
  NodeTracerProvider,
  ParentBasedSampler,
  SamplingDecision,
  type ReadableSpan,
  type Sampler,
} from '@opentelemetry/sdk-trace-node'

import { unbuffered } from './dropped.ts'
import { PlainSpan } from './plain-span.ts'
import { PlainTracerProvider } from './plain-tracer.ts'
import { tracerName } from './tracer.ts'

const remote: SpanContext = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags: 1,
  isRemote: true,
}
const fromRemote = trace.setSpanContext(ROOT_CONTEXT, remote)
const always = new ParentBasedSampler({ root: new AlwaysOnSampler() })

/** A tracer of ours and one of the SDK that decide alike, with what each gives to its processors. */
function bothTracers(sampler: Sampler = always) {
  const resource = resourceFromAttributes({ 'service.name': 'test' })
  return (['plain', 'sdk'] as const).map((kind) => {
    const ended: ReadableSpan[] = []
    const spanProcessors = [{ ...unbuffered, onEnd: (span: ReadableSpan) => void ended.push(span) }]
    const Provider = kind === 'plain' ? PlainTracerProvider : NodeTracerProvider
    const provider = new Provider({ resource, sampler, spanProcessors })
    return { kind, tracer: provider.getTracer(tracerName), ended }
  })
}

/** What an exporter sends, with the ids that each tracer chose at random replaced. */
function exported(spans: ReadableSpan[]): string {
  let text = new TextDecoder().decode(JsonTraceSerializer.serializeRequest(spans))
  const ids = spans.flatMap((span) => [span.spanContext().spanId, span.spanContext().traceId])
  for (const [index, id] of [...new Set(ids)].entries()) text = text.replaceAll(id, `id-${index}`)
  return text
}

/** Everything that can be done to a span, with given times. */
function use(tracer: Tracer, at: Context): void {
  const link = { context: remote }
  const server = tracer.startSpan(
    'GET',
    {
      kind: SpanKind.SERVER,
      startTime: [100, 999_999_999],
      attributes: { first: 1, none: undefined },
      links: [link],
    },
    at,
  )
  const inside = trace.setSpan(at, server)
  const query = tracer.startSpan('SELECT', { startTime: [101, 5] }, inside)
  query.setAttribute('rows', 3).setAttributes({ 'db.hash': 'x', 'db.none': undefined })
  query.addEvent('slow', { rows: 3 }, [101, 6]).addEvent('late', [101, 7])
  query.recordException(new TypeError('no column'), [101, 8])
  query.setStatus({ code: SpanStatusCode.ERROR, message: 'failed' })
  query.end([101, 9])
  query.setAttribute('after', true).updateName('after').setStatus({ code: SpanStatusCode.OK })
  tracer.startSpan('back', { startTime: [102, 1] }, inside).end([101, 2])
  tracer.startSpan('own trace', { root: true, startTime: new Date(5000) }, inside).end([6, 0])
  server.setAttributes({ first: 2, list: ['a', 'b'], none: undefined }).addLink(link)
  server.updateName('GET /').setStatus({ code: SpanStatusCode.OK })
  server.setStatus({ code: SpanStatusCode.ERROR })
  server.end([102, 0])
}

test('a span is exported as the one that the SDK makes of the same calls', () => {
  for (const at of [ROOT_CONTEXT, fromRemote]) {
    const [ours, theirs] = bothTracers().map(({ tracer, ended }) => {
      use(tracer, at)
      return ended
    })
    assert.equal(ours!.length, 4)
    assert.ok(ours!.every((span) => span instanceof PlainSpan))
    // The stack of an exception says where it was made: here, for both.
    assert.equal(exported(ours), exported(theirs!))
    // The inspector's download without events derives its spans from those that are kept.
    const derived = (spans: ReadableSpan[]) =>
      spans.map((span) => Object.create(span, { events: { value: [] } }) as ReadableSpan)
    assert.equal(exported(derived(ours)), exported(derived(theirs!)))
    for (const [index, span] of ours.entries())
      assert.deepEqual([span.endTime, span.ended], [theirs![index]!.endTime, true])
  }
})

test('the sampler decides for a trace, and its attributes are recorded', () => {
  const asked: string[] = []
  const recording: Sampler = {
    shouldSample(_at, _id, name) {
      asked.push(name)
      const decision = name === 'drop' ? SamplingDecision.NOT_RECORD : SamplingDecision.RECORD
      return { decision, attributes: { by: 'sampler' } }
    },
    toString: () => 'recording',
  }
  for (const { kind, tracer, ended } of bothTracers(recording)) {
    const root = tracer.startSpan('keep', { attributes: { mine: true } }, ROOT_CONTEXT)
    const inner = tracer.startSpan('inner', {}, trace.setSpan(ROOT_CONTEXT, root))
    for (const span of [inner, root]) span.end()
    assert.deepEqual(ended[1]!.attributes, { mine: true, by: 'sampler' })
    assert.equal(root.spanContext().traceFlags, 0, kind)
    assert.deepEqual([ended[0]!.parentSpanContext], [root.spanContext()])
    const dropped = tracer.startSpan('drop', {}, ROOT_CONTEXT)
    assert.equal(dropped.isRecording(), false)
    assert.ok(trace.isSpanContextValid(dropped.spanContext()))
    dropped.end()
    assert.equal(ended.length, 2)
  }
  assert.deepEqual(asked, ['keep', 'drop', 'keep', 'inner', 'drop'])
})

test('no span while tracing is suppressed; an invalid parent is none', () => {
  for (const { tracer } of bothTracers()) {
    const silent = tracer.startSpan('export', {}, suppressTracing(fromRemote))
    assert.deepEqual(silent.spanContext(), INVALID_SPAN_CONTEXT)
    const nowhere = trace.setSpanContext(ROOT_CONTEXT, INVALID_SPAN_CONTEXT)
    const { traceId } = tracer.startSpan('root', {}, nowhere).spanContext()
    assert.match(traceId, /^(?!0{32})[0-9a-f]{32}$/)
  }
})

test('without a given time a span begins and ends now', async () => {
  for (const { tracer, ended } of bothTracers()) {
    const before = Date.now()
    const result = tracer.startActiveSpan('work', {}, ROOT_CONTEXT, (span) => {
      span.end()
      return 'done'
    })
    assert.equal(result, 'done')
    assert.equal(
      tracer.startActiveSpan('short', (span) => span.isRecording()),
      true,
    )
    const [span] = ended
    const startMs = span!.startTime[0] * 1000 + span!.startTime[1] / 1e6
    assert.ok(Math.abs(startMs - before) < 1000, `${startMs} is not about ${before}`)
    assert.ok(span!.duration[0] === 0)
  }
})

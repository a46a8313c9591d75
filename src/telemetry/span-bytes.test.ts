// Our bytes are those of the SDK's serializer, whatever is in the spans.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import {
  createTraceState,
  ROOT_CONTEXT,
  SpanStatusCode,
  trace,
  type AttributeValue,
  type SpanContext,
  type SpanStatus,
} from '@opentelemetry/api'
import { ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  AlwaysOnSampler,
  NodeTracerProvider,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-node'
import fc from 'fast-check'

import { unbuffered } from './dropped.ts'
import { PlainTracerProvider } from './plain-tracer.ts'
import { serializePlainSpans } from './span-bytes.ts'
import { tracerName } from './tracer.ts'

const ofLibrary = (spans: ReadableSpan[]) => ProtobufTraceSerializer.serializeRequest(spans)
const refused = () => assert.fail('they are all ours')
const ours = serializePlainSpans(refused)

const isSame = (spans: ReadableSpan[]) =>
  assert.deepEqual(Buffer.from(ours(spans)!), Buffer.from(ofLibrary(spans)!))

const attributes = {
  'service.name': 'test',
  'process.command_args': ['node', 'ä'],
  'process.pid': 77,
}

function tracing(Provider: typeof NodeTracerProvider = PlainTracerProvider) {
  const ended: ReadableSpan[] = []
  const spanProcessors = [{ ...unbuffered, onEnd: (span: ReadableSpan) => void ended.push(span) }]
  const resource = resourceFromAttributes(attributes, { schemaUrl: 'https://example.com/1' })
  const provider = new Provider({ resource, sampler: new AlwaysOnSampler(), spanProcessors })
  return { tracer: provider.getTracer(tracerName), ended }
}

const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '',
    'x'.repeat(127),
    'x'.repeat(128),
    'ü'.repeat(9000),
    'x'.repeat(70_000),
    '\ud800',
  ),
)
const anyNumber = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.maxSafeInteger(),
  fc
    .constantFrom(0, 6, 7, 13, 14, 21, 27, 28, 31, 32, 34, 35, 42, 48, 49, 52, 53, 62, 63, 64, 100)
    .chain((bits) => fc.constantFrom(-1, 0, 1).map((more) => 2 ** bits + more)),
)
const value: fc.Arbitrary<AttributeValue> = fc.oneof(
  text,
  anyNumber,
  anyNumber.map((one) => -one),
  fc.boolean(),
  fc.array(fc.option(text)),
  fc.array(anyNumber),
  fc.array(fc.boolean()),
)
const facts = fc.dictionary(text, value, { maxKeys: 20 })
const id = (bytes: number) =>
  fc
    .uint8Array({ minLength: bytes, maxLength: bytes })
    .map((all) => Buffer.from(all.fill(1, 0, 1)).toString('hex'))
const place: fc.Arbitrary<SpanContext> = fc.record({
  traceId: id(16),
  spanId: id(8),
  traceFlags: fc.constantFrom(0, 1, 3),
  isRemote: fc.boolean(),
  traceState: fc.constantFrom(createTraceState('a=1,b=2'), createTraceState('')),
})
const time = fc.tuple(
  fc.integer({ min: 0, max: 2 ** 34 - 1 }),
  fc.integer({ min: 0, max: 1e9 - 1 }),
)
const span = fc.record({
  name: text,
  kind: fc.integer({ min: 0, max: 4 }),
  attributes: facts,
  parent: fc.option(place),
  links: fc.array(fc.record({ context: place, attributes: facts }), { maxLength: 2 }),
  events: fc.array(fc.record({ name: text, attributes: facts, at: time }), { maxLength: 2 }),
  status: fc.constantFrom<SpanStatus>(
    { code: SpanStatusCode.UNSET },
    { code: SpanStatusCode.OK },
    { code: SpanStatusCode.ERROR },
    { code: SpanStatusCode.ERROR, message: 'kaputt' },
  ),
  times: fc.tuple(time, time),
})

test('the same bytes as the SDK writes, for any spans', () => {
  fc.assert(
    fc.property(fc.array(span, { minLength: 1, maxLength: 3 }), (all) => {
      const { tracer, ended } = tracing()
      for (const { name, kind, parent, links, events, status, times, ...rest } of all) {
        const within = parent ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT
        const options = { kind, links, attributes: rest.attributes, startTime: times[0] }
        const one = tracer.startSpan(name, options, within)
        for (const event of events) one.addEvent(event.name, event.attributes, event.at)
        one.setStatus(status)
        tracer.startSpan('inside', {}, trace.setSpan(within, one)).end()
        one.end(times[1])
      }
      isSame(ended)
    }),
  )
})

test('a batch larger than the one before; a small one again; more texts than are kept', () => {
  const { tracer, ended } = tracing()
  for (let number = 0; number < 6000; number++)
    tracer.startSpan(`span ${number}`, { attributes: { text: `text ${number}`.repeat(20) } }).end()
  for (const some of [ended.slice(0, 1), ended, ended.slice(-1), ended]) isSame(some)
})

test('a batch with spans of others, or with none, is left to the SDK', () => {
  const { tracer, ended } = tracing()
  const other = tracing(NodeTracerProvider)
  tracer.startSpan('ours').end()
  other.tracer.startSpan('other').end()
  const marked = new Uint8Array([1])
  const either = serializePlainSpans(() => marked)
  assert.equal(either([...ended, ...other.ended]), marked)
  assert.equal(either([...ended, ...tracingOnce()]), marked, 'another resource')
  assert.equal(either([]), marked)
  assert.notEqual(either(ended), marked)
})

function tracingOnce(): ReadableSpan[] {
  const { tracer, ended } = tracing()
  tracer.startSpan('ours').end()
  return ended
}

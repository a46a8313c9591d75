import assert from 'node:assert/strict'
import { test } from 'node:test'

import { ROOT_CONTEXT, SpanKind, SpanStatusCode, trace, type SpanContext } from '@opentelemetry/api'
import { JsonTraceSerializer } from '@opentelemetry/otlp-transformer'
import { NodeTracerProvider, type ReadableSpan } from '@opentelemetry/sdk-trace-node'

import { unbuffered } from './dropped.ts'
import { KeptSpan } from './kept-span.ts'

test('a kept span is exported like the one of the SDK, with all that a span can have', () => {
  const ended: ReadableSpan[] = []
  const provider = new NodeTracerProvider({
    spanLimits: { attributeCountLimit: 2, eventCountLimit: 1, linkCountLimit: 1 },
    spanProcessors: [{ ...unbuffered, onEnd: (span) => void ended.push(span) }],
  })
  const tracer = provider.getTracer('test', '1.2.3')
  const remote: SpanContext = {
    traceId: '0af7651916cd43dd8448eb211c80319c',
    spanId: 'b7ad6b7169203331',
    traceFlags: 1,
    isRemote: true,
  }
  const parent = trace.setSpanContext(ROOT_CONTEXT, remote)
  const span = tracer.startSpan(
    'GET /',
    { kind: SpanKind.SERVER, links: [{ context: remote }, { context: remote }] },
    parent,
  )
  span.setAttributes({ one: 'text', two: [1, 2], three: true })
  span.addEvent('first').addEvent('second', { why: 'limit' })
  span.setStatus({ code: SpanStatusCode.ERROR, message: 'failed' })
  tracer.startSpan('plain', { startTime: [1, 999_999_999] }, ROOT_CONTEXT).end([2, 1])
  span.end()

  assert.equal(ended.length, 2)
  for (const one of ended) {
    const kept = new KeptSpan(one)
    const [text, expected] = [[kept], [one]].map((spans) =>
      new TextDecoder().decode(JsonTraceSerializer.serializeRequest(spans)),
    )
    assert.equal(text, expected)
    assert.deepEqual([kept.endTime, kept.ended], [one.endTime, true])
  }
})

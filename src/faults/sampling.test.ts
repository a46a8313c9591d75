import assert from 'node:assert/strict'
import test from 'node:test'

import {
  AlwaysOnSampler,
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node'

import { startTown, struck } from '../../test/fault-rig.ts'
import { breakableSampler } from '../telemetry/breakable-sampler.ts'
import { breakable } from '../telemetry/fault-points.ts'

test('sampling: a small part of the traces is exported', async () => {
  await using town = await startTown()
  const refused = await town.mara.post('/faults/sampling')
  assert.equal(refused.status, 422)
  assert.match(refused.text, /exports nothing/)
  const exporter = breakable(new InMemorySpanExporter())
  const { tracer } = tracerOf(exporter)
  const exported = async () => {
    exporter.reset()
    for (let count = 0; count < 500; count++) tracer.startSpan('a request').end()
    return Promise.resolve(exporter.getFinishedSpans().length)
  }
  const measured = await struck(town.mara, ['sampling', { strength: '10' }], exported)
  assert.ok(measured.during > 5 && measured.during < 150, `${measured.during} of 500`)
  assert.deepEqual([measured.before, measured.byHand, measured.byTime], [500, 500, 500])
})

function tracerOf(exporter: InMemorySpanExporter) {
  const provider = new NodeTracerProvider({
    sampler: breakableSampler(new AlwaysOnSampler()),
    spanProcessors: [new SimpleSpanProcessor(exporter)],
  })
  return { tracer: provider.getTracer('test') }
}

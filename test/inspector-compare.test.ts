// Two traces of one route side by side: spans matched by name and order, what grew, and what cannot be compared.
import assert from 'node:assert/strict'
import test from 'node:test'

import { SpanKind } from '@opentelemetry/api'

import { compareTraces, growth, mostChanged } from '../src/inspector/comparison.ts'
import type { RecordedSpan } from '../src/trace-store/recorded.ts'
import { inspector, span, spanId } from './inspected.ts'

const [slow, fast] = ['b'.repeat(32), 'a'.repeat(32)]

type Sketch = [name: string, ms: number, more?: Partial<RecordedSpan>]

/** A request whose handler has these children, one after the other. */
function traceOf(trace: string, children: Sketch[]): RecordedSpan[] {
  const whole = children.reduce((sum, [, ms]) => sum + ms, 0) + 2
  let at = 1e6 + 1
  const spans = children.map(([name, ms, more], index) => {
    const one = { ...span({ id: index + 10, trace, parent: 2, at, ms }), name, ...more }
    at += ms
    return one
  })
  return [
    ...spans,
    { ...span({ id: 2, trace, parent: 1, at: 1e6 + 0.5, ms: whole - 1 }), name: 'handler' },
    span({ id: 1, trace, ms: whole }),
  ]
}

const sql = (text: string) => ({ attributes: { 'db.query.text': text } })

const shown = (first: Sketch[], second: Sketch[]) =>
  compareTraces(traceOf(fast, first), traceOf(slow, second)).rows.map(
    ({ name, nth, depth, count, ms }) =>
      `${depth} ${name}${nth ?? ''} ${count.join('>')} ${growth(ms).toFixed(1)}`,
  )

test('spans are matched by name and order, with the difference in ms and count', () => {
  assert.deepEqual(
    shown(
      [
        ['session', 1],
        ['tweets', 2],
        ['tweets', 3],
      ],
      [
        ['session', 1],
        ['likes', 4],
        ['tweets', 2.5],
        ['tweets', 3],
        ['tweets', 1],
      ],
    ),
    [
      '0 GET /x 1>1 5.5',
      '1 handler 1>1 5.5',
      '2 session 1>1 0.0',
      '2 likes 0>1 4.0',
      '2 tweets1 1>1 0.5',
      '2 tweets2 1>1 0.0',
      '2 tweets3 0>1 1.0',
    ],
  )
})

test('many spans of one name are one row; the same summary with other SQL is another', () => {
  const many = Array.from({ length: 40 }, (): Sketch => ['select', 0.5, sql('select 1')])
  const rows = shown(
    [
      ['select', 1, sql('select 1')],
      ['select', 1, sql('select 2')],
    ],
    [...many, ['select', 1, sql('select 2')]],
  )
  assert.deepEqual(rows.slice(2), ['2 select 1>40 19.0', '2 select 1>1 0.0'])
  const comparison = compareTraces(traceOf(fast, [['select', 1]]), traceOf(slow, many))
  assert.ok(mostChanged(comparison, 1)[0]!.count[1] === 40, 'not the handler above it')
})

test('circles, missing parents and huge traces end, and say how much is not shown', () => {
  const circle = [
    span({ id: 1, parent: 2 }),
    span({ id: 2, parent: 1 }),
    span({ id: 3, parent: 3 }),
    span({ id: 4, parent: 99 }),
  ]
  assert.ok(compareTraces(circle, circle).rows.length >= 2)
  const chain = Array.from({ length: 1000 }, (_, id) => span({ id: id + 1, parent: id }))
  const { rows, cut } = compareTraces(chain, [])
  assert.ok(rows.length <= 101)
  assert.ok(cut > 0)
  const names = Array.from({ length: 1000 }, (_, id): Sketch => [`s${id}`, 1])
  const wide = compareTraces(traceOf(fast, names), traceOf(slow, []))
  assert.deepEqual([wide.rows.length, wide.cut], [300, 702])
})

test('the page compares; a trace offers the one before, the fastest and the slowest of its route', async () => {
  await using place = await inspector()
  const take = (number: number, children: Sketch[], route = '/x') => {
    const trace = spanId(number).repeat(2)
    for (const one of traceOf(trace, children)) {
      const attributes =
        one.kind === SpanKind.SERVER ? { ...one.attributes, 'http.route': route } : one.attributes
      place.recorder.takeSpan({
        ...one,
        attributes,
        name: one.kind === SpanKind.SERVER ? `GET ${route}` : one.name,
      })
    }
    return trace
  }
  const [a, b, c] = [
    take(1, [['<b>tweets', 2]]),
    take(2, [['<b>tweets', 12]]),
    take(3, [['<b>tweets', 5]]),
  ]
  const other = take(4, [['tweets', 5]], '/y')
  const page = await place.get(`/traces/compare?a=${a}&b=${b}`)
  assert.equal(page.status, 200)
  assert.match(page.text, /B took 10\.0 ms longer/)
  assert.match(page.text, /&lt;b&gt;tweets itself: \+10\.0 ms/)
  assert.match(page.text, /href="\/traces\/compare\?a=[0-9a-f]+2&amp;b=[0-9a-f]+1">Swap/)
  const trace = (await place.get(`/traces/${c}`)).text
  for (const [ids, text] of [
    [`a=${b}&amp;b=${c}`, 'the one before'],
    [`a=${a}&amp;b=${c}`, 'the fastest'],
    [`a=${c}&amp;b=${b}`, 'the slowest'],
  ])
    assert.ok(trace.includes(`<a href="/traces/compare?${ids}">${text}</a>`), text)
  const refused = await place.get(`/traces/compare?a=${a}&b=${other}`)
  assert.equal(refused.status, 422)
  assert.match(
    refused.text,
    /Only traces of one route can be compared: these are GET \/x and GET \/y/,
  )
  assert.equal((await place.get(`/traces/compare?a=${a}&b=${a}`)).status, 422)
  assert.equal((await place.get(`/traces/compare?a=${a}&b=${'f'.repeat(32)}`)).status, 404)
  assert.equal((await place.get('/traces/compare?a=zzz')).status, 400)
  assert.match(
    (await place.get(`/traces/compare?a=${a}`)).text,
    new RegExp(`name="a" value="${a}"`),
  )
})

test('who may not see the list gets no ids of other traces', async () => {
  await using place = await inspector({ DEMO: '0' })
  for (const number of [1, 2]) {
    const trace = spanId(number).repeat(2)
    for (const one of traceOf(trace, [['x', number]])) place.recorder.takeSpan(one)
  }
  const { text } = await place.get(`/traces/${spanId(1).repeat(2)}`)
  assert.ok(!text.includes(spanId(2).repeat(2)))
})

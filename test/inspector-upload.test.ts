// Uploaded files of traces: who sees them and for how long, what is read, and what hostile files get.
import assert from 'node:assert/strict'
import test from 'node:test'

import { readOtlp } from '../src/trace-store/read-otlp.ts'
import { uploadBounds, Uploads } from '../src/trace-store/uploads.ts'
import type { Someone } from './harness.ts'
import { inspector, spanId } from './inspected.ts'

const traceId = 'AB'.repeat(16)
const start = 1_795_707_292_141_000_000n

type Span = Record<string, unknown>

const span = (id: number, parent?: number, more: Span = {}): Span => ({
  traceId,
  spanId: spanId(id),
  ...(parent !== undefined && { parentSpanId: spanId(parent) }),
  name: `span ${id}`,
  kind: parent === undefined ? 2 : 1,
  startTimeUnixNano: String(start + BigInt(id) * 1000n),
  endTimeUnixNano: String(start + 50_000_000n),
  ...more,
})

const text = (key: string, stringValue: string) => ({ key, value: { stringValue } })

const fileOf = (...spans: unknown[]) =>
  JSON.stringify({
    resourceSpans: [
      { resource: { attributes: [text('service.name', 'shop')] }, scopeSpans: [{ spans }] },
    ],
  })

function multipart(contents: string | Uint8Array, name = 'traces.json') {
  const body = new FormData()
  body.append('file', new File([contents as BlobPart], name))
  return { method: 'POST', body }
}

async function reader(env: Record<string, string> = {}) {
  const place = await inspector(env)
  const alice = place.as(await place.base.person('Alice'))
  const send = async (contents: string | Uint8Array, who: Someone = alice) =>
    who.send('/traces/upload', multipart(contents), { as: 'json' })
  return { ...place, alice, send }
}

test('a file is shown to the session that has uploaded it, and to nobody else', async () => {
  await using place = await reader()
  const exception = {
    name: 'exception',
    timeUnixNano: String(start + 2000n),
    attributes: [text('exception.type', 'Oops'), text('exception.message', 'it broke')],
  }
  const sql = [
    text('db.query.text', 'select * from orders'),
    { key: 'n', value: { intValue: '7' } },
  ]
  const file = fileOf(
    span(1, undefined, { name: 'GET /cart' }),
    span(2, 1, { attributes: sql, kind: 3, events: [exception], status: { code: 2 } }),
  )
  const answer = await place.send(file)
  assert.equal(answer.text, '{"success":true,"file":1,"traces":1,"spans":2}')
  const list = await place.alice.get('/traces/uploaded', { as: 'browser' })
  assert.match(list.text, /<h2>traces\.json<\/h2>/)
  const path = /href="(\/traces\/uploaded\?file=1[^"]+)"/
    .exec(list.text)![1]!
    .replaceAll('&amp;', '&')
  const shown = await place.alice.get(path, { as: 'browser' })
  assert.equal(shown.status, 200)
  for (const said of ['GET /cart', 'select * from orders', 'Oops: it broke', 'shop', '<dd>7</dd>'])
    assert.ok(shown.text.includes(said), said)
  assert.match(shown.text, /failed/)
  assert.equal(shown.headers.get('Cache-Control'), 'private, no-store')
  // Another session of the same person, another person, and the pages of the process have nothing of it.
  const again = place.base.visitor()
  await again.post('/login', { mailaddress: 'alice@example.org', password: 'password-of-Alice' })
  for (const other of [place.as(again), place.as(await place.base.person('Bob'))]) {
    assert.equal((await other.get(path)).status, 404)
    assert.match((await other.get('/traces/uploaded')).text, /There is no file of yours here/)
  }
  assert.equal((await place.as(place.base.visitor()).get(path)).status, 302)
  for (const page of ['/traces', '/routes', '/routes?by=query', '/logs'])
    assert.doesNotMatch((await place.alice.get(page)).text, /cart|orders/)
  assert.equal((await place.get(`/traces/${traceId.toLowerCase()}`)).status, 404)
  assert.equal(place.recorder.requests().length, 0)
})

test('nothing in a file becomes markup, a link, or a statement that is run', async () => {
  await using place = await reader()
  const evil = '<script>alert(1)</script><a href="javascript:alert(2)">http://evil.example</a>'
  const attributes = [
    text('db.query.text', 'drop table users; --'),
    text(evil, evil),
    text('__proto__', 'x'),
    text('url.full', 'http://evil.example'),
  ]
  const slow = { endTimeUnixNano: String(start + 90_000_000n) }
  const three = [2, 3, 4].map((id) => span(id, 1, { name: evil, attributes, kind: 3, ...slow }))
  const file = fileOf(span(1, undefined, { name: evil, ...slow }), ...three)
  const upload = multipart(file, `${evil}\u202e.json`)
  assert.equal((await place.alice.send('/traces/upload', upload, { as: 'browser' })).status, 303)
  const list = await place.alice.get('/traces/uploaded', { as: 'browser' })
  const query = `file=1&trace=${traceId.toLowerCase()}`
  const shown = await place.alice.get(`/traces/uploaded?${query}`, { as: 'browser' })
  assert.match(shown.text, /A slow query/)
  assert.match(shown.text, /The same query 3 times/)
  for (const page of [list, shown]) {
    const main = /<main.*<\/main>/s.exec(page.text)![0]
    assert.doesNotMatch(main, /<script>|\u202e|<a href="(javascript|http)/)
    const links = [...main.matchAll(/ (?:href|hx-get)="([^"]*)"/g)].map(([, href]) => href!)
    for (const href of links)
      assert.match(
        href,
        /^(#span-[0-9a-f]{16}|\/(traces(\/(guide|runtime|uploaded(\?file=1&amp;trace=[0-9a-f]{32})?))?|logs|faults|routes(\?by=query)?))$/,
      )
  }
  const plan = await place.alice.get(`/traces/${traceId.toLowerCase()}/plan/${spanId(2)}`)
  assert.equal(plan.status, 404)
})

const chain = (length: number) =>
  Array.from({ length }, (_, index) => span(index + 1, index === 0 ? undefined : index))
const nested = (depth: number): unknown =>
  depth === 0 ? { stringValue: 'x' } : { arrayValue: { values: [nested(depth - 1)] } }
const withTimes = (first: unknown, last: unknown) =>
  fileOf(span(1, undefined, { startTimeUnixNano: first, endTimeUnixNano: last }))

const refused: [why: string, file: string | Uint8Array, says: RegExp][] = [
  ['nothing', '', /not JSON/],
  ['no JSON', 'GIF89a', /not JSON/],
  ['JSON cut in the middle', fileOf(span(1)).slice(0, -5), /not JSON/],
  ['no UTF-8', new Uint8Array([0x7b, 0xff, 0xfe]), /not UTF-8/],
  ['a bad second line', `${fileOf(span(1))}\n{`, /line 2 cannot be read/],
  ['a number', '7', /The file is not an object/],
  ['null', 'null', /The file is not an object/],
  ['a list', '[]', /The file is not an object/],
  ['other JSON', '{"traces":[]}', /no OTLP traces/],
  ['a deep list', `${'['.repeat(200_000)}${']'.repeat(200_000)}`, /not an object|not JSON/],
  ['no span', '{"resourceSpans":[]}', /no span/],
  ['resourceSpans that is a text', '{"resourceSpans":"x"}', /no list resourceSpans/],
  [
    'scopeSpans that is a number',
    '{"resourceSpans":[{"scopeSpans":7}]}',
    /scopeSpans is not a list/,
  ],
  ['a span that is a text', fileOf('x'), /an entry of spans is not an object/],
  [
    'a name that is a list',
    fileOf(span(1, undefined, { name: ['x'] })),
    /Span 1: name is not a text/,
  ],
  ['no trace id', fileOf(span(1, undefined, { traceId: '' })), /has no traceId/],
  [
    'a trace id of zeros',
    fileOf(span(1, undefined, { traceId: '0'.repeat(32) })),
    /has no traceId/,
  ],
  ['a short id', fileOf(span(1, undefined, { spanId: 'ab' })), /spanId is not an id of 16/],
  [
    'an id of markup',
    fileOf(span(1, undefined, { spanId: '"><svg/onload=1>' })),
    /spanId is not an id/,
  ],
  [
    'a negative time',
    withTimes('-5', '5'),
    /startTimeUnixNano is not a time between 2000 and 2100/,
  ],
  ['no time', withTimes(undefined, undefined), /startTimeUnixNano is not a time/],
  ['zero', withTimes(0, 0), /startTimeUnixNano is not a time/],
  ['a far time', withTimes('9'.repeat(19), '9'.repeat(19)), /is not a time/],
  ['a huge number', withTimes(1e300, 1e300), /is not a time/],
  ['a time in words', withTimes('yesterday', 'today'), /is not a time/],
  [
    'an end before the start',
    withTimes(String(start), String(start - 1n)),
    /ends before it starts/,
  ],
  [
    'duplicate ids',
    fileOf(span(1), span(2, 1), span(2, 1)),
    /Two spans of a trace have the same id/,
  ],
  [
    'a circle',
    fileOf(span(1, 3), span(2, 1), span(3, 2)),
    /each other&#39;s parents|each other's parents/,
  ],
  ['its own parent', fileOf(span(1, 1)), /each other's parents/],
  ['101 levels', fileOf(...chain(101)), /More than 100 spans are below each other/],
  [
    '5,001 spans',
    fileOf(...Array.from({ length: 5001 }, (_, id) => span(id + 1))),
    /more than 5,000 spans/,
  ],
  [
    'a huge name',
    fileOf(span(1, undefined, { name: 'x'.repeat(1_000_000) })),
    /name has 1,000,000 characters/,
  ],
  [
    'a huge value',
    fileOf(span(1, undefined, { attributes: [text('a', 'x'.repeat(70_000))] })),
    /stringValue has 70,000/,
  ],
  [
    'deep values',
    fileOf(span(1, undefined, { attributes: [{ key: 'a', value: nested(12) }] })),
    /lists within lists/,
  ],
  [
    'a value of no type',
    fileOf(span(1, undefined, { attributes: [{ key: 'a', value: { x: 1 } }] })),
    /unknown type/,
  ],
  [
    'attributes that are a map',
    fileOf(span(1, undefined, { attributes: { a: 1 } })),
    /attributes is not a list/,
  ],
  [
    '1,001 attributes',
    fileOf(span(1, undefined, { attributes: Array.from({ length: 1001 }, () => text('a', '')) })),
    /more than 1000 attributes/,
  ],
]

test('a hostile file gets a 422 in words, and nothing is kept', async () => {
  await using place = await reader()
  for (const [why, file, says] of refused) {
    const answer = await place.send(file)
    assert.equal(answer.status, 422, `${why}: ${answer.text.slice(0, 200)}`)
    const { error } = JSON.parse(answer.text) as { error: string }
    assert.match(error, says, why)
    assert.ok(error.length < 300, why)
  }
  assert.match((await place.alice.get('/traces/uploaded')).text, /There is no file of yours here/)
  const page = await place.alice.send('/traces/upload', multipart('<x>'), { as: 'browser' })
  assert.equal(page.status, 422)
  assert.match(page.text, /This file is not JSON/)
})

test('what is unusual but right is read', () => {
  const big = readOtlp(
    fileOf(...chain(100), ...Array.from({ length: 4900 }, (_, id) => span(id + 200, 1))),
  )
  assert.equal(big[0]!.trace.spans.length, 5000)
  const lines = `\ufeff${fileOf(span(1))}\n\n${fileOf(span(2, 1))}\n`
  assert.equal(readOtlp(lines)[0]!.trace.spans.length, 2)
  const named = span(1, undefined, {
    kind: 'SPAN_KIND_SERVER',
    status: { code: 'STATUS_CODE_ERROR' },
  })
  const { trace } = readOtlp(fileOf({ ...named, startTimeUnixNano: Number(start) }))[0]!
  assert.deepEqual([trace.requests[0]!.failed, trace.spans[0]!.kind], [true, 1])
  const orphan = readOtlp(fileOf(span(2, 9), span(3, 2)))[0]!.trace
  assert.equal(orphan.requests[0]!.name, 'span 2')
  const two = readOtlp(fileOf(span(1), { ...span(1), traceId: 'c'.repeat(32) }))
  assert.equal(two.length, 2, 'the same span id in two traces')
  const odd = span(1, undefined, {
    kind: 99,
    status: null,
    attributes: null,
    links: 7,
    x: { y: 1 },
  })
  assert.equal(readOtlp(fileOf(odd)).length, 1)
})

test('5 MB are counted while they arrive; a body may be JSON, a form, or nothing', async () => {
  await using place = await reader()
  const { alice } = place
  const json = (body: BodyInit, headers: Record<string, string> = {}) =>
    alice.send('/traces/upload', { method: 'POST', body, duplex: 'half' } as RequestInit, {
      as: 'json',
      headers: { 'Content-Type': 'application/json', ...headers },
    })
  const fits = `${fileOf(span(1))}${' '.repeat(uploadBounds.bytes - 1000)}`
  assert.equal((await json(fits)).status, 200)
  assert.equal((await json(`${fits}${' '.repeat(2000)}`)).status, 413)
  assert.equal((await place.send(`${fits}${' '.repeat(2000)}`)).status, 413)
  let given = 0
  const endless = new ReadableStream({
    pull(controller) {
      given += 65_536
      controller.enqueue(new Uint8Array(65_536).fill(32))
    },
  })
  assert.equal((await json(endless, { 'Transfer-Encoding': 'chunked' })).status, 413)
  assert.ok(given < uploadBounds.bytes + 400_000, `${given} bytes were taken`)
  assert.equal((await json('{}', { 'Content-Length': '9000000' })).status, 413)
  const other = { headers: { 'Content-Type': 'image/png' }, as: 'json' } as const
  assert.equal(
    (await alice.send('/traces/upload', { method: 'POST', body: 'x' }, other)).status,
    415,
  )
  assert.equal((await alice.post('/traces/upload')).status, 400)
  const twice = multipart(fileOf(span(1)))
  twice.body.append('file', 'again')
  assert.equal((await alice.send('/traces/upload', twice)).status, 400)
  const broken = { headers: { 'Content-Type': 'multipart/form-data; boundary=x' } }
  const cut = { method: 'POST', body: '--x\r\nContent-Disposition: form' }
  assert.equal((await alice.send('/traces/upload', cut, broken)).status, 400)
  // Other routes keep their bound.
  const long = { headers: { 'Content-Length': '70004' } }
  assert.equal((await alice.post('/tweet', { msg: 'x'.repeat(70_000) }, long)).status, 413)
})

test('five files of a session are kept, and no file displaces those of others', () => {
  const uploads = new Uploads()
  const file = (bytes = 100) => ({ name: 'x', bytes, traces: [] })
  for (let number = 1; number <= 7; number++) uploads.add('alice', file())
  assert.deepEqual(
    uploads.filesOf('alice').map(({ id }) => id),
    [7, 6, 5, 4, 3],
  )
  const most = uploadBounds.bytes
  for (const session of ['b', 'c', 'd']) assert.ok(uploads.add(session, file(most)))
  assert.equal(uploads.add('e', file(most)), undefined, 'the memory of all is full')
  assert.ok(uploads.add('e', file(1000)))
  for (let number = 0; number < uploadBounds.inAll; number++) uploads.add(`s${number}`, file(1))
  assert.equal(uploads.add('late', file(1)), undefined)
  assert.equal(uploads.filesOf('alice').length, 5)
})

test('a file is gone after a quarter of an hour', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const uploads = new Uploads()
  // The mocked timer has no `unref` in every Node version that runs this test.
  const file = uploads.add('alice', { name: 'x', bytes: 1, traces: [] })
  assert.ok(file)
  t.mock.timers.tick(15 * 60_000 - 1)
  assert.equal(uploads.filesOf('alice').length, 1)
  t.mock.timers.tick(1)
  assert.equal(uploads.filesOf('alice').length, 0)
})

test('with DEMO=0 only operators upload', async () => {
  await using place = await reader({ DEMO: '0', OPERATORS: 'oona@example.org' })
  assert.equal((await place.send(fileOf(span(1)))).status, 403)
  assert.equal((await place.alice.get('/traces/uploaded')).status, 403)
  const oona = place.as(await place.base.person('Oona'))
  assert.equal((await place.send(fileOf(span(1)), oona)).status, 200)
})

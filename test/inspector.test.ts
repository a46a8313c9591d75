// The inspector with unusual data: huge traces, huge logs, clocks that jump, live tails that nobody reads. It shows a
// part of it with a note, and never fails.
import assert from 'node:assert/strict'
import test from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import { SpanStatusCode } from '@opentelemetry/api'
import { sql } from 'drizzle-orm'

import { traced } from '../src/http/request-span.ts'
import { layOut } from '../src/inspector/waterfall.ts'
import type { RecordedLog, RecordedSpan } from '../src/trace-store/recorded.ts'
import { Recorder, recorderBounds } from '../src/trace-store/recorder.ts'
import { Someone } from './harness.ts'
import { inspector, span, spanId, traceId } from './inspected.ts'

const line = (message: string, facts: Record<string, unknown> = {}): RecordedLog => ({
  at: 1e6,
  level: 'error',
  message,
  facts,
  traceId,
  spanId: spanId(1),
})

test('of a trace with 5,000 spans a bounded number is shown, and the page says what is missing', async () => {
  await using place = await inspector()
  for (let id = 2; id <= 5000; id++) place.recorder.takeSpan(span({ id, parent: 1 }))
  place.recorder.takeSpan(span({ id: 1, ms: 100 }))
  const page = await place.get(`/traces/${traceId}`)
  assert.equal(page.status, 200)
  assert.match(page.text, /4,?000 more spans<?.* of this trace were not kept/)
  assert.match(page.text, /The first 300 of 1,?000 spans/)
  assert.match(page.text, /<h1>GET \/x<\/h1>/, 'the request itself is among those that are kept')
  assert.ok(page.text.length < 400_000, `${page.text.length} bytes`)
  assert.equal((await place.get(`/traces/${traceId}/panel`)).status, 200)
  assert.equal((await place.get(`/traces/${traceId}/otlp.json`)).status, 200)
  assert.match((await place.get('/traces')).text, /GET \/x/)
})

test('the spans of a request that never ends are not kept for ever', () => {
  const recorder = new Recorder()
  for (let id = 2; id <= 200_000; id++) recorder.takeSpan(span({ id, parent: 1 }))
  assert.ok(recorder.waiting() <= recorderBounds.spansOfTrace, String(recorder.waiting()))
  for (let number = 0; number < 5000; number++)
    recorder.takeSpan(span({ id: 2, parent: 1, trace: spanId(number).repeat(2) }))
  assert.ok(recorder.waiting() <= recorderBounds.spansOfTrace + recorderBounds.open)
})

test('what came while nobody looked is there at the first look, and is counted', async () => {
  await using place = await inspector()
  const { recorder } = place
  for (let number = 1; number <= 700; number++) {
    const trace = spanId(number).repeat(2)
    recorder.takeSpan(span({ id: 2, parent: 1, trace }))
    recorder.takeLog({ ...line('request'), ms: 1, traceId: trace })
    recorder.takeSpan(span({ id: 1, trace }))
  }
  assert.equal(recorder.statistics.routes.get('GET /x')!.count, 700)
  assert.equal(recorder.newestLog, 700)
  const newest = recorder.trace(spanId(700).repeat(2))!
  assert.equal(newest.spans.length, 2)
  assert.match((await place.get(`/traces/${newest.id}`)).text, /span 2/)
  const heard: string[] = []
  recorder.takeSpan(span({ id: 1, trace: spanId(701).repeat(2) }))
  const stop = recorder.listen((request) => heard.push(request.traceId))
  recorder.takeSpan(span({ id: 1, trace: spanId(702).repeat(2) }))
  stop()
  recorder.takeSpan(span({ id: 1, trace: spanId(703).repeat(2) }))
  assert.deepEqual(heard, [spanId(702).repeat(2)], 'only what came while it listened')
  recorder.clear()
  assert.equal(recorder.requests().length, 0)
})

test('the rest of a long log line is not kept in memory, whether somebody looks or not', () => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const used = () => {
    collect()
    return process.memoryUsage().heapUsed + process.memoryUsage().external
  }
  const recorder = new Recorder()
  const before = used()
  for (let number = 0; number < 100; number++)
    recorder.takeLog(line(Buffer.alloc(1_000_000, 97 + (number % 20)).toString('latin1')))
  const grown = used() - before
  assert.equal(recorder.newestLog, 100)
  assert.ok(grown < 20_000_000, `${grown} bytes`)
})

test('of a megabyte of logs each page shows a part, with a note', async () => {
  await using place = await inspector()
  place.recorder.takeSpan(span({ id: 1 }))
  place.recorder.takeLog(line('m'.repeat(1_000_000), { 'exception.stacktrace': 's'.repeat(1e6) }))
  for (let number = 0; number < 3000; number++)
    place.recorder.takeLog(line(`line ${number}`, { text: 't'.repeat(1000) }))
  place.recorder.takeLog(line('m'.repeat(1_000_000), { 'exception.message': 's'.repeat(1e6) }))
  assert.ok(place.recorder.logs().length <= recorderBounds.logs)
  assert.ok(place.recorder.logs().length > 1000, 'a long line does not take the room of all others')
  const logs = await place.get('/logs')
  assert.match(logs.text, /mmm\u2026 \(99\d,\d{3} more characters\)/)
  assert.match(logs.text, /line 2999/)
  assert.match(logs.text, /The newest 100 of/)
  assert.match(logs.text, /Older lines were dropped: only the newest 2000 are kept/)
  assert.ok(logs.text.length < 200_000, `${logs.text.length} bytes`)
  const trace = await place.get(`/traces/${traceId}`)
  assert.equal(trace.status, 200)
  assert.match(trace.text, /The newest 100 of [\d,]+ log lines/)
  assert.ok(trace.text.length < 200_000, `${trace.text.length} bytes`)
})

test('missing parents, circles, duplicate spans and clock jumps are shown', async () => {
  await using place = await inspector()
  place.recorder.takeSpan(span({ id: 2, parent: 77 }))
  place.recorder.takeSpan(span({ id: 3, parent: 4 }))
  place.recorder.takeSpan(span({ id: 4, parent: 3 }))
  place.recorder.takeSpan(span({ id: 5, parent: 5 }))
  place.recorder.takeSpan(span({ id: 6, parent: 1, at: 0, ms: 5 }))
  place.recorder.takeSpan(span({ id: 7, parent: 1, at: 4e12, ms: 0 }))
  place.recorder.takeSpan(span({ id: 8, parent: 1, ms: -5000 }))
  place.recorder.takeSpan(span({ id: 1, ms: 10 }))
  place.recorder.takeSpan(span({ id: 1, ms: 10 }))
  place.recorder.takeSpan(span({ id: 9, parent: 1, at: 2e6 }))
  const page = await place.get(`/traces/${traceId}`)
  assert.equal(page.status, 200)
  assert.match(page.text, /Its parent span is missing/)
  assert.match(page.text, /\d spans outside of the time of the parent span: a clock was set/)
  assert.doesNotMatch(page.text, /NaN|Infinity|Invalid|width="-/)
  const { rows } = layOut(place.recorder.trace(traceId)!)
  assert.deepEqual(
    rows.map((row) => row.id).sort(),
    [1, 2, 3, 4, 5, 6, 7, 8, 9].map(spanId),
    'each span has its line',
  )
  for (const row of rows) assert.ok(row.selfMs >= 0 && Number.isFinite(row.from))
  // The clock jumps a year forward, and back.
  for (const at of [3e10, 1e6, 2e6]) {
    const trace = spanId(at).repeat(2)
    place.recorder.takeSpan(span({ id: 1, trace, at: Date.now() + at }))
    place.recorder.takeSpan(span({ id: 1, trace: trace.replace('0', '1'), at: Date.now() }))
  }
  for (const path of ['/traces', '/logs', '/routes', '/routes?by=query'])
    assert.equal((await place.get(path)).status, 200, path)
})

test('an unknown trace id, or one that was dropped: a page that says why', async () => {
  await using place = await inspector()
  const unknown = await place.get(`/traces/${'b'.repeat(32)}`)
  assert.equal(unknown.status, 404)
  assert.match(unknown.text, /This trace is not here/)
  assert.match(unknown.text, /the newest 1,?000\s+traces, in at most/)
  for (const rest of ['otlp.json', `plan/${spanId(1)}`])
    assert.equal((await place.get(`/traces/${'b'.repeat(32)}/${rest}`)).status, 404, rest)
  assert.equal((await place.get('/traces/no-id')).status, 404)
  for (let number = 0; number < 1100; number++)
    place.recorder.takeSpan(span({ id: 1, trace: spanId(number).repeat(2), ms: number + 1 }))
  assert.equal((await place.get(`/traces/${spanId(0).repeat(2)}`)).status, 404, 'made room')
  assert.equal((await place.get(`/traces/${spanId(99).repeat(2)}`)).status, 200, 'was slow')
  const end = await place.get('/traces?slower=1099')
  assert.match(end.text, /Older requests were dropped: only the newest 1000 are kept/)
  assert.equal((await place.get(`/traces/${spanId(1099).repeat(2)}`)).status, 200, 'is new')
})

test('a live tail that nobody reads is disconnected; one that is read gets all rows', async () => {
  await using place = await inspector()
  const take = (from: number, count: number) => {
    for (let number = from; number < from + count; number++)
      place.recorder.takeSpan(span({ id: 1, trace: spanId(number).repeat(2) }))
  }
  const open = async () => place.app.request('/traces/live')
  const read = (await open()).body!.pipeThrough(new TextDecoderStream())
  const stuck = await Promise.all(Array.from({ length: 19 }, open))
  assert.equal((await open()).status, 503, 'no more than twenty at once')
  let rows = ''
  const reading = (async () => {
    for await (const piece of read) rows += piece
  })()
  const shown = () => [...rows.matchAll(/\/traces\/([0-9a-f]{32})/g)].map(([, id]) => id)
  take(0, 150)
  while (shown().length < 150) await new Promise((tick) => setTimeout(tick, 20))
  assert.equal(new Set(shown()).size, 150, 'every row, once')
  assert.ok(
    [...rows.matchAll(/^data: /gm)].length <= 4,
    'fifty rows at once, or it would fall behind',
  )
  // The others have not read a byte: they are disconnected after five seconds.
  for (let next = await open(); ; next = await open()) {
    if (next.status === 200) break
    await new Promise((tick) => setTimeout(tick, 100))
  }
  take(150, 20)
  while (shown().length < 170) await new Promise((tick) => setTimeout(tick, 20))
  place.state.stopping = true
  const awake = setInterval(() => {}, 100)
  await reading
  clearInterval(awake)
  for (const one of stuck) await one.body?.cancel().catch(() => undefined)
})

test('many requests with the same traceparent use bounded memory, and the newest is listed', () => {
  const recorder = new Recorder()
  for (let id = 1; id <= 5000; id++)
    recorder.takeSpan({ ...span({ id, at: 1e6 + id }), parentSpanContext: remote })
  const requests = recorder.requests()
  assert.equal(requests.length, recorderBounds.requestsOfTrace)
  assert.equal(requests[0]!.number, 5000)
  assert.equal(recorder.trace(traceId)!.spans.length, recorderBounds.spansOfTrace)
})
const remote = { traceId, spanId: spanId(99_999), traceFlags: 1, isRemote: true }

test('an N+1 problem is shown with its statement, its count and its first span', async () => {
  await using place = await inspector()
  const alice = await place.base.person('Alice')
  place.app.get('/planted', traced('planted.read'), async (c) => {
    for (let id = 1; id <= 12; id++)
      await c.var.db.run(sql`select handle from users where id = ${id}`)
    return c.text('twelve queries where one would do')
  })
  const reader = new Someone({ ...place.base, fetch: async (request) => place.app.fetch(request) })
  const { spans, headers } = await reader.get('/planted')
  for (const one of spans) place.recorder.takeSpan(one)
  const page = await place.get(`/traces/${headers.get('X-Trace-Id')}`)
  const note = /<p class="note">(.*?)<\/p>/.exec(page.text)![1]!
  assert.match(note, /The same query 12 times/)
  assert.match(note, /<code>select handle from users where id = \?<\/code>/)
  const first = spans.find(({ attributes }) => 'db.query.text' in attributes)!.spanContext().spanId
  assert.match(note, new RegExp(`href="#span-${first}"`))
  assert.match(page.text, new RegExp(`id="span-${first}"`))
  const plan = await place.get(`/traces/${headers.get('X-Trace-Id')}/plan/${first}`)
  assert.match(plan.text, /SEARCH users USING INTEGER PRIMARY KEY/)
  assert.ok(alice.id > 0)
})

test('a slow query, a batch and a failed query: each with its plan', async () => {
  await using place = await inspector()
  const query = (id: number, text: string, ms = 1) =>
    span({ id, parent: 1, ms, attributes: { 'db.query.text': text } })
  place.recorder.takeSpan(query(2, 'select * from tweets where msg = ?', 40))
  place.recorder.takeSpan(query(3, 'delete from sessions where seen_at < ?;\nselect id from users'))
  place.recorder.takeSpan(query(4, 'select 1 from nothing'))
  place.recorder.takeSpan(span({ id: 1, ms: 50 }))
  const page = await place.get(`/traces/${traceId}`)
  assert.match(page.text, /A slow query<\/b>, 40\.0 ms[^]*?How SQLite runs it/)
  const plan = async (id: number) => (await place.get(`/traces/${traceId}/plan/${spanId(id)}`)).text
  assert.match(await plan(2), /<code class="plan">SCAN tweets<\/code>/)
  assert.match(await plan(3), /sessions[^<]*<\/code><code class="plan">SCAN users/)
  assert.match(await plan(4), /SQLite has no plan for this statement now/)
})

test('the same query in three requests of one trace is not an N+1 problem', () => {
  const query = { attributes: { 'db.query.text': 'select 1' } }
  const recorder = new Recorder()
  for (const id of [1, 2, 3]) {
    recorder.takeSpan(span({ id: id + 10, parent: id, ...query }))
    recorder.takeSpan({ ...span({ id }), parentSpanContext: remote })
  }
  assert.deepEqual(layOut(recorder.trace(traceId)!).repetitions, [])
})

test('a trace page shows its cause, the error at its span, and that it is not exported', async () => {
  await using place = await inspector({ GRAFANA_URL: 'http://grafana.example/' })
  const cause = 'c'.repeat(32)
  const link = { context: { traceId: cause, spanId: spanId(5), traceFlags: 1 } }
  place.recorder.takeSpan({ ...span({ id: 1 }), links: [link] })
  place.recorder.takeLog(line('it broke', { 'exception.type': 'Oops', 'exception.message': 'no' }))
  const page = await place.get(`/traces/${traceId}`)
  assert.match(page.text, new RegExp(`<a href="/traces/${cause}">What caused it</a>`))
  assert.match(page.text, /<details id="span-0000000000000001" open="">/, 'open where it broke')
  assert.match(page.text, /1 error<\/small>/)
  assert.match(page.text, /Oops: no/)
  const [, grafana] = /href="(http:[^"]+)">Open in Grafana/.exec(page.text)!
  const panes = new URL(grafana!.replaceAll('&amp;', '&')).searchParams.get('panes')!
  assert.match(panes, new RegExp(`"queryType":"traceql","query":"${traceId}"`))
  const logs = await place.get(`/logs?q=${traceId}`)
  assert.match(logs.text, new RegExp(`<a href="/traces/${traceId}">it broke</a>`))
  const context = { traceId: cause, spanId: spanId(1), traceFlags: 0 }
  place.recorder.takeSpan({ ...span({ id: 1 }), spanContext: () => context })
  const unsampled = await place.get(`/traces/${cause}`)
  assert.match(unsampled.text, /Not sampled: it stays in this process/)
  assert.doesNotMatch(unsampled.text, /Open in Grafana/)
})

test('the download contains the errors of spans, but only for those who may see stacks', async () => {
  for (const demo of ['1', '0']) {
    await using place = await inspector({ DEMO: demo })
    const event = { name: 'exception', attributes: { 'exception.stacktrace': 'at /srv/app.js' } }
    const events = [{ ...event, time: [1000, 1] as [number, number] }]
    place.recorder.takeSpan({ ...span({ id: 1 }), events })
    const { text } = await place.get(`/traces/${traceId}/otlp.json`)
    assert.equal(text.includes('/srv/app.js'), demo === '1', text)
    assert.match(text, /"spanId":"0000000000000001"/)
  }
})

test('the filters: route, kind, status, slower, failed, text; older requests follow', async () => {
  await using place = await inspector()
  const take = (number: number, more: RecordedSpan['attributes'], ms = 1) => {
    const attributes = { ...span({ id: 1 }).attributes, ...more }
    const isError = more['http.response.status_code'] === 500
    const status = { code: isError ? SpanStatusCode.ERROR : SpanStatusCode.UNSET }
    const trace = spanId(number).repeat(2)
    place.recorder.takeSpan(span({ id: 1, trace, attributes, status, ms }))
  }
  for (let number = 1; number <= 45; number++) take(number, { 'app.client.kind': 'page' })
  take(46, { 'app.client.kind': 'partial', 'http.response.status_code': 500 })
  take(47, { 'app.client.kind': 'program', 'http.response.status_code': 404 }, 70)
  take(48, { 'app.client.kind': 'page', 'app.prefetch': true })
  const listed = async (search: string) => {
    const { text } = await place.get(`/traces${search}`)
    const numbers = [...text.matchAll(/<td><a href="\/traces\/([0-9a-f]{16})/g)]
    return { text, numbers: numbers.map(([, id]) => Number.parseInt(id!, 16)) }
  }
  const expected: [search: string, numbers: number[]][] = [
    ['?kind=partial', [46]],
    ['?kind=program', [47]],
    ['?kind=prefetch', [48]],
    ['?status=4xx', [47]],
    ['?failed=1', [46]],
    ['?slower=50', [47]],
    [`?q=${spanId(9).repeat(2)}`, [9]],
    ['?q=GET+%2Fx&kind=partial&failed=1', [46]],
    ['?q=nothing', []],
  ]
  for (const [search, numbers] of expected)
    assert.deepEqual((await listed(search)).numbers, numbers, search)
  const first = await listed('?kind=page')
  assert.deepEqual([first.numbers.length, first.numbers[0], first.numbers.at(-1)], [20, 45, 26])
  const older = /href="\/traces(\?[^"]*before=\d+)"/.exec(first.text)![1]!
  const second = await listed(older.replaceAll('&amp;', '&'))
  assert.deepEqual([second.numbers.length, second.numbers[0]], [20, 25])
  assert.match(second.text, /href="\/traces\?kind=page">\s*Back to the newest/)
})

test('statements of one summary have a row each with their text, errors lead to their trace, a refusal is no unknown address', async () => {
  await using app = await inspector()
  const { recorder } = app
  const queries = ['select 1', 'select 2', 'select 1'].map((text, index) =>
    span({
      id: 10 + index,
      parent: 1,
      attributes: {
        'db.query.summary': 'SELECT tweets',
        'db.query.text': text,
        'app.db.query.hash': text.slice(-1).repeat(8),
      },
      ...(index === 1 && { status: { code: SpanStatusCode.ERROR } }),
    }),
  )
  for (const one of queries) recorder.takeSpan(one)
  recorder.takeSpan(span({ id: 1, ms: 4500, status: { code: SpanStatusCode.ERROR } }))
  const without = (code: string, status: number) => ({
    'http.request.method': 'POST',
    'url.path': '/nothing',
    'http.response.status_code': status,
    'app.error.slug': code,
  })
  recorder.takeSpan(span({ id: 2, trace: 'b'.repeat(32), attributes: without('no_route', 404) }))
  recorder.takeSpan(span({ id: 3, trace: 'c'.repeat(32), attributes: without('other_site', 403) }))
  const byQuery = await app.get('/routes?by=query')
  assert.equal(byQuery.text.match(/<summary>SELECT tweets/g)?.length, 2)
  for (const text of ['select 1', 'select 2'])
    assert.ok(byQuery.text.includes(`<pre>${text}</pre>`))
  assert.match(byQuery.text, new RegExp(`<a href="/traces/${traceId}">1</a>`))
  const byRoute = await app.get('/routes')
  assert.match(byRoute.text, /<a href="\/traces\?q=GET%20%2Fx&amp;failed=1">1<\/a>/)
  assert.match(byRoute.text, />POST \(no route\)</)
  assert.match(byRoute.text, />POST \(refused\)</)
  const list = await app.get('/traces')
  const [, width] = /<rect width="([\d.]+)%"/.exec(list.text.slice(list.text.indexOf('4.50 s')))!
  assert.ok(Number(width) < 90, `4.5 s are not the end of the scale: ${width} %`)
})

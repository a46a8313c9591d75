// Spans follow the semantic conventions and contain no private data.
import assert from 'node:assert/strict'
import test from 'node:test'

import { SpanKind, SpanStatusCode } from '@opentelemetry/api'
import { sql } from 'drizzle-orm'

import { layOut } from '../src/inspector/waterfall.ts'
import type { RecordedSpan } from '../src/trace-store/recorded.ts'
import { Recorder } from '../src/trace-store/recorder.ts'
import { isOccasional } from './exported.ts'
import { startApp, type Answer } from './harness.ts'
import { finishedSpan } from './spans.ts'

const tree = (answer: Answer) => {
  const names = new Map(answer.spans.map((span) => [span.spanContext().spanId, span.name]))
  return (
    answer.spans
      // `POST` is the round trip of a query to a libSQL server: test/remote.test.ts.
      .filter((span) => !isOccasional(span) && span.name !== 'POST')
      .map((span) => `${names.get(span.parentSpanContext?.spanId ?? '') ?? '-'} > ${span.name}`)
      .sort()
  )
}
const root = (answer: Answer) => answer.spans.find((span) => span.kind === SpanKind.SERVER)!

test('the trace of a like has a request span, a handler span and three query spans', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  const id = await alice.tweet('hello')
  const answer = await alice.post(`/favorite/${id}?x=1`, undefined, {
    as: 'htmx',
    headers: { 'User-Agent': 'test' },
  })
  assert.deepEqual(tree(answer), [
    '- > POST /favorite/:id',
    'POST /favorite/:id > SELECT notifications sessions users',
    'POST /favorite/:id > favorites.create',
    'favorites.create > INSERT favorites trends tweets users',
    'favorites.create > SELECT favorites tweets users',
  ])
  const { attributes, status } = root(answer)
  assert.equal(status.code, 0)
  assert.deepEqual(
    Object.fromEntries(
      [
        'http.request.method',
        'http.route',
        'http.response.status_code',
        'url.path',
        'url.query',
        'url.scheme',
        'user_agent.original',
        'app.client.kind',
        'app.db.query_count',
        'user.id',
      ].map((name) => [name, attributes[name]]),
    ),
    {
      'http.request.method': 'POST',
      'http.route': '/favorite/:id',
      'http.response.status_code': 200,
      'url.path': `/favorite/${id}`,
      'url.query': 'x=REDACTED',
      'url.scheme': 'http',
      'user_agent.original': 'test',
      'app.client.kind': 'partial',
      'app.db.query_count': 3,
      'user.id': String(alice.id),
    },
  )
  for (const query of answer.queries) {
    assert.equal(query.kind, 2)
    assert.equal(query.attributes['db.system.name'], 'sqlite')
    assert.equal(query.attributes['db.query.summary'], query.name)
    assert.match(String(query.attributes['db.query.text']), /\?/)
  }
  const timing = answer.headers.get('Server-Timing')!
  const [seconds, nanos] = root(answer).duration
  assert.equal(
    Number(/total;dur=([\d.]+)/.exec(timing)![1]),
    Math.round(seconds * 1e6 + nanos / 1e3) / 1000,
    'the header says what the span says',
  )
  assert.match(timing, /3 queries/)
})

test('404 and 422 leave the span status unset; 500 is an error on the spans that failed', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  const nothing = await alice.get('/nothing', { as: 'browser' })
  assert.equal(root(nothing).name, 'GET')
  assert.equal(root(nothing).attributes['http.route'], undefined)
  assert.equal(root(nothing).status.code, 0)
  const refused = await app.visitor().post('/login', { mailaddress: 'a@b', password: 'wrong one' })
  assert.equal(root(refused).name, 'POST /login')
  assert.equal(root(refused).status.code, 0)
  await app.database.db.run(sql`drop table favorites`)
  const broken = await alice.get('/favorites', { as: 'browser' })
  assert.equal(broken.status, 500)
  assert.doesNotMatch(broken.text, /SQLITE|no such/)
  assert.match(
    broken.text,
    new RegExp(broken.headers.get('X-Trace-Id')!),
    'the page says which trace',
  )
  const failed = broken.spans
    .filter((span) => span.status.code === SpanStatusCode.ERROR)
    .map((span) => span.name)
  assert.deepEqual(
    failed.sort(),
    ['GET /favorites', 'SELECT favorites tweets bookmarks users', 'favorites.list'].sort(),
  )
  assert.equal(root(broken).attributes['error.type'], '500')
  assert.equal(root(broken).attributes['app.error.slug'], 'unexpected')
})

test('texts and names of users are in no span', async () => {
  await using app = await startApp()
  const secrets = [
    'canarymail@example.org',
    'canary-password',
    'canary tweet',
    'canary bio',
    'Canary Name',
  ]
  const someone = app.visitor()
  const answers = [
    await someone.post(
      '/register',
      { name: 'Canary Name', mailaddress: 'canarymail@example.org', password: 'canary-password' },
      { headers: { Authorization: 'canary-auth', 'X-Odd': 'canary-odd' } },
    ),
    await someone.post('/tweet', { msg: 'canary tweet' }, { as: 'htmx' }),
    await someone.post('/account/profile', { name: 'Canary Name', bio: 'canary bio' }),
    await someone.get('/timeline'),
    await app
      .visitor()
      .post('/login', { mailaddress: 'canarymail@example.org', password: 'canary-password' }),
  ]
  const said = JSON.stringify(
    answers.flatMap((answer) =>
      answer.spans.map(({ name, attributes, status, events }) => [
        name,
        attributes,
        status,
        events,
      ]),
    ),
  )
  for (const secret of [
    ...secrets,
    someone.cookies.get('tracewren_session')!,
    'canary-auth',
    'canary-odd',
  ])
    assert.ok(!said.includes(secret), secret)
})

test('only trusted clients can continue a trace, and a partial is linked to its page', async () => {
  const parent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-03'
  await using app = await startApp()
  const followed = await app.visitor().get('/', { headers: { traceparent: parent } })
  assert.equal(followed.headers.get('X-Trace-Id'), '0af7651916cd43dd8448eb211c80319c')
  await using alone = await startApp({ TRUSTED_PROXIES: '10.9.8.7' })
  const fresh = await alone.visitor().get('/', { headers: { traceparent: parent } })
  assert.notEqual(fresh.headers.get('X-Trace-Id'), '0af7651916cd43dd8448eb211c80319c')
  const page = await app.visitor().get('/', { as: 'browser' })
  const own = /<meta name="traceparent" content="([^"]+)"/.exec(page.text)![1]!
  const partial = await app
    .visitor()
    .get('/?limit=100', { as: 'htmx', headers: { 'X-Page-Trace': own } })
  assert.equal(root(partial).links[0]?.context.traceId, page.headers.get('X-Trace-Id'))
  assert.equal(root(partial).attributes['app.page.trace_id'], page.headers.get('X-Trace-Id'))
})

const context = (id: number) => ({
  traceId: 'a'.repeat(32),
  spanId: String(id).padStart(16, '0'),
  traceFlags: 1,
})

const span = (
  id: number,
  parent: number | undefined,
  [from, ms]: [number, number],
  attributes: RecordedSpan['attributes'] = {},
): RecordedSpan =>
  finishedSpan({
    name: `span ${id}`,
    kind: parent === undefined ? SpanKind.SERVER : SpanKind.CLIENT,
    spanContext: () => context(id),
    ...(parent !== undefined && { parentSpanContext: context(parent) }),
    startTime: [1000, from * 1e6],
    duration: [0, ms * 1e6],
    attributes,
  })

test('the waterfall finds repeated queries, the critical path and own time', () => {
  const query = { 'db.query.text': 'select 1', 'db.query.summary': 'SELECT' }
  const spans = [
    span(2, 1, [1, 2], query),
    span(3, 1, [3, 2], query),
    span(4, 1, [5, 2], query),
    span(5, 99, [6, 1]),
    span(1, undefined, [0, 10]),
  ]
  const { rows, repetitions, ms } = layOut({ id: 'a', spans, cut: 0, bytes: 0, requests: [] })
  assert.equal(ms, 10)
  assert.deepEqual(
    repetitions.map(({ count, text }) => [count, text]),
    [[3, 'select 1']],
  )
  assert.deepEqual(
    rows.map((row) => [row.span.name, row.depth, row.selfMs, row.critical, row.orphan]),
    [
      ['span 1', 0, 4, true, false],
      ['span 2', 1, 2, true, false],
      ['span 3', 1, 2, true, false],
      ['span 4', 1, 2, true, false],
      ['span 5', 0, 1, true, true],
    ],
  )
})

test('the recorder stays within its bounds for any input', () => {
  const recorder = new Recorder()
  for (let number = 0; number < 3000; number++) {
    const traceId = number.toString(16).padStart(32, '0')
    const one = {
      ...span(1, undefined, [0, number % 50], {
        'url.path': `/${'x'.repeat(10_000)}`,
        'http.route': '/x',
        'http.response.status_code': 200,
      }),
      spanContext: () => ({ traceId, spanId: '1', traceFlags: 1 }),
    }
    recorder.takeSpan(one)
    recorder.takeLog({
      at: 1,
      level: 'info',
      message: 'm'.repeat(1000),
      facts: {},
      traceId,
      spanId: '1',
    })
  }
  assert.ok(recorder.requests().length <= 1000 + 150)
  assert.ok(recorder.requests().length > 1000)
  assert.ok(recorder.logs().length <= 2000)
  for (let number = 0; number < 5000; number++) recorder.takeSpan(span(number + 2, 1, [0, 1]))
  recorder.takeSpan(span(1, undefined, [0, 1]))
  const large = recorder.trace('a'.repeat(32))!
  assert.equal(large.spans.length, 1000)
  assert.equal(large.cut, 4001)
  assert.ok(layOut(large).rows.length === 1000)
})

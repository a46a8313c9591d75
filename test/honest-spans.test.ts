// What the spans of a request say about its time, as a collector receives them: nothing is outside of its parent, little has no
// name, and a wait is a wait.
import assert from 'node:assert/strict'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import Database from 'libsql'

import { addressOf, demoPassword } from '../src/demo/accounts.ts'
import { ask, kinds, told } from './exported.ts'
import { freshServerUrl } from './libsql-server.ts'
import type { SinkSpan } from './otlp-sink.ts'
import { register, scratch, type Server } from './process.ts'

const quiet = { INSPECT: '0', OTEL_BSP_MAX_QUEUE_SIZE: '20000' }
const childrenOf = (spans: SinkSpan[], { spanId, traceId }: SinkSpan) =>
  spans
    .filter((span) => span.traceId === traceId && span.parentSpanId === spanId)
    .sort((one, other) => Number(one.start - other.start))
const ofTrace = (spans: SinkSpan[], trace: string) => spans.filter((span) => span.traceId === trace)
const ms = ({ start, end }: SinkSpan) => Number(end - start) / 1e6

/** Spans outside of their parent, and siblings that overlap. */
function oddities(spans: SinkSpan[]): string[] {
  const found: string[] = []
  for (const parent of spans) {
    let until = parent.start
    for (const child of childrenOf(spans, parent)) {
      const where = `${parent.name} > ${child.name}`
      if (child.start < parent.start || child.end > parent.end) found.push(`${where} is outside`)
      if (child.start < until) found.push(`${where} overlaps`)
      until = child.end
    }
  }
  return found
}

/** The share of a request's time that neither a span below it nor an attribute of it names. */
function unnamed(spans: SinkSpan[], trace: string): number {
  const root = ofTrace(spans, trace).find(({ kind }) => kind === kinds.server)!
  const named = 'db render wait password middleware handler'
    .split(' ')
    .reduce((sum, part) => sum + Number(root.attributes[`app.${part}.duration_ms`] ?? 0), 0)
  return 1 - named / ms(root)
}

async function signIn(server: Server): Promise<string> {
  const fields = { mailaddress: addressOf(1), password: demoPassword }
  const { headers } = await ask(server, '/login', { fields })
  return headers.getSetCookie()[0]!.split(';')[0]!
}

for (const place of ['file', 'server'] as const)
  test(`a ${place}: children lie within their parents, one after the other, and at most 15 % of a timeline has no name`, async () => {
    using folder = scratch()
    const database = place === 'server' ? await freshServerUrl(folder.folder) : undefined
    try {
      const tries: { cold: number; warm: number; rendering: number }[] = []
      // A busy machine may stop the process between two spans: then it is tried again.
      for (
        let left = 3;
        left > 0 && !tries.some(({ cold, warm }) => cold <= 0.15 && warm <= 0.15);
        left--
      ) {
        const traces: string[] = []
        const { spans } = await told(
          { ...quiet, ...(database && { DATABASE_URL: database.url }) },
          async (server) => {
            const cookie = await signIn(server)
            for (let count = 0; count < 31; count++)
              traces.push(
                (await ask(server, '/timeline?limit=100', { as: 'browser', cookie })).trace!,
              )
            for (const path of [
              '/',
              '/everybody',
              '/@user0002',
              '/search?q=the',
              '/nothing',
              '/readyz',
            ])
              await ask(server, path, { as: 'browser', cookie })
            await ask(server, '/tweet', { cookie, fields: { msg: 'hello' } })
            await ask(server, '/favorite/1', { as: 'htmx', cookie, fields: {} })
          },
        )
        assert.deepEqual(oddities(spans), [])
        const background = spans.filter(({ name }) => name === 'side_column.read')
        assert.ok(background.some((span) => childrenOf(spans, span).length > 0))
        const [cold = '', ...warm] = traces
        const shares = warm.map((trace) => unnamed(spans, trace)).sort((one, other) => one - other)
        const page = ofTrace(spans, cold)
        tries.push({
          cold: unnamed(spans, cold),
          warm: shares[shares.length >> 1]!,
          rendering:
            ms(page.find(({ name }) => name === 'render')!) /
            ms(page.find(({ kind }) => kind === kinds.server)!),
        })
      }
      const best = tries.at(-1)!
      assert.ok(best.cold <= 0.15 && best.warm <= 0.15, JSON.stringify(tries))
      assert.ok(best.rendering > 0.05, `a hundred cards are built: ${JSON.stringify(tries)}`)
    } finally {
      await database?.stop()
    }
  })

test('a wait of a millisecond is a span below what waited: queue, lock, hash, place among the requests', async () => {
  const [mail, password, words] = ['canarymail@example.org', 'canary-password', 'canary words']
  const traces: Record<string, string[]> = {}
  let cookie = ''
  const env = { ...quiet, PASSWORD_COST: '11', LIMIT_LOGIN_ADDRESS: '1000', LIMIT_LOGIN: '1000' }
  const result = await told(env, async (server, path) => {
    cookie = await register(server.url, 'alice')
    const login = () => ask(server, '/login', { fields: { mailaddress: mail, password } })
    traces['login'] = (await Promise.all(Array.from({ length: 6 }, login))).map(
      ({ trace }) => trace!,
    )
    const other = new Database(path)
    other.exec('BEGIN IMMEDIATE')
    const posts = ['1', '2'].map((key) =>
      ask(server, '/tweet', { cookie, fields: { msg: words, key: `canary-${key}` } }),
    )
    await pause(100)
    other.exec('ROLLBACK')
    other.close()
    traces['post'] = (await Promise.all(posts)).map(
      ({ trace, status }) => (assert.equal(status, 200), trace!),
    )
    const pages = Array.from({ length: 100 }, () =>
      ask(server, '/timeline?limit=100', { as: 'browser', cookie }),
    )
    traces['page'] = (await Promise.all(pages)).map(({ trace }) => trace!)
  })
  const below = (kind: string, name: string) =>
    traces[kind]!.flatMap((trace) => {
      const spans = ofTrace(result.spans, trace)
      const parents = new Map(spans.map((span) => [span.spanId, span.name]))
      return spans
        .filter((span) => span.name === name)
        .map((span) => parents.get(span.parentSpanId))
    })
  assert.deepEqual(new Set(below('login', 'password_queue.wait')), new Set(['sessions.create']))
  assert.deepEqual(below('login', 'password.hash'), Array(6).fill('sessions.create'))
  assert.deepEqual(below('post', 'write_lock.wait'), ['INSERT tweets'])
  assert.deepEqual(below('post', 'write_queue.wait'), ['INSERT tweets'])
  assert.deepEqual(new Set(below('page', 'request_queue.wait')), new Set(['GET /timeline']))
  for (const [kind, name] of [
    ['login', 'app.wait.duration_ms'],
    ['login', 'app.password.duration_ms'],
    ['post', 'app.wait.duration_ms'],
  ] as const) {
    const roots = result.spans.filter(
      (span) => span.kind === kinds.server && traces[kind]!.includes(span.traceId),
    )
    assert.ok(
      roots.some(({ attributes }) => Number(attributes[name]) >= 1),
      `${kind} ${name}`,
    )
  }
  const added = result.spans.filter(({ name }) =>
    /^(middleware|render|password\.hash)$|\.(wait|receive|prepare)$/.test(name),
  )
  for (const { name, attributes } of added) assert.deepEqual(attributes, {}, name)
  for (const canary of [mail, password, words, 'canary-1', cookie.split('=')[1]!])
    assert.ok(!result.bytes.includes(canary), canary)
})

test('a refused request keeps its route, in span and metric, and says why', async () => {
  const traces: Record<string, string> = {}
  const env = { ...quiet, REQUEST_QUEUE: '1', MAX_BODY_BYTES: '2000', LIMIT_WRITE: '1/60' }
  const result = await told(env, async (server) => {
    const cookie = await register(server.url, 'alice')
    const post = async (code: string, headers: Record<string, string>, msg = 'hello') => {
      traces[code] = (await ask(server, '/tweet', { cookie, fields: { msg }, headers })).trace!
    }
    await post('other_site', { Origin: 'http://elsewhere.example' })
    await post('refused_415', { 'Content-Type': 'application/json' })
    await post('body_too_large', {}, 'x'.repeat(3000))
    await post('', {})
    await post('rate_limit_write', {})
    const crowd = () => ask(server, '/timeline', { as: 'browser', cookie })
    for (let tries = 0; tries < 20 && !traces['too_many_waiting']; tries++)
      for (const { status, trace } of await Promise.all(Array.from({ length: 200 }, crowd)))
        if (status === 503) traces['too_many_waiting'] = trace!
    traces['no_route'] = (await ask(server, '/nothing', { as: 'browser' })).trace!
  })
  const says = Object.entries(traces).map(([code, trace]) => {
    const { name, attributes } = ofTrace(result.spans, trace).find(
      ({ kind }) => kind === kinds.server,
    )!
    return [code, attributes['app.error.slug'] ?? '', name, attributes['http.route'] ?? '']
  })
  assert.deepEqual(says, [
    ...['other_site', 'refused_415', 'body_too_large', '', 'rate_limit_write'].map((code) => [
      code,
      code,
      'POST /tweet',
      '/tweet',
    ]),
    ['too_many_waiting', 'too_many_waiting', 'GET /timeline', '/timeline'],
    ['no_route', 'no_route', 'GET', ''],
  ])
  const { points } = result.metrics.find(({ name }) => name === 'http.server.request.duration')!
  assert.deepEqual(
    points
      .filter(({ attributes }) => !('http.route' in attributes))
      .map(({ attributes }) => attributes['http.response.status_code']),
    [404],
  )
})

test('statements of one summary have a hash each, in span and metric', async () => {
  const result = await told(quiet, async (server) => {
    const cookie = await signIn(server)
    for (const path of [
      '/timeline',
      '/everybody',
      '/',
      '/@user0002',
      '/@user0002/likes',
      '/tweet/1',
    ])
      await ask(server, path, { as: 'browser', cookie })
    for (const msg of ['#one', '#one #two', '#one #two #three'])
      assert.equal((await ask(server, '/tweet', { cookie, fields: { msg } })).status, 200)
  })
  const queries = result.spans.filter(({ attributes }) => 'db.query.text' in attributes)
  const hashes = new Map(
    queries.map(({ attributes: of }) => [of['db.query.text'], of['app.db.query.hash']]),
  )
  const bySummary = new Map<string, Set<unknown>>()
  for (const { name, attributes } of queries)
    bySummary.set(name, (bySummary.get(name) ?? new Set()).add(attributes['app.db.query.hash']))
  const most = Math.max(...[...bySummary.values()].map(({ size }) => size))
  assert.ok(most >= 3, `${most} statements share a summary`)
  const texts = new Map([...hashes].map(([text, hash]) => [hash, text]))
  assert.equal(texts.size, hashes.size, 'no two texts have the same')
  const { points } = result.metrics.find(({ name }) => name === 'db.client.operation.duration')!
  const measured = new Set(points.map(({ attributes }) => attributes['app.db.query.hash']))
  for (const [text, hash] of hashes) assert.ok(measured.has(hash), String(text))
})

// The spans of each kind of request, as a collector receives them.
import assert from 'node:assert/strict'
import test from 'node:test'

import Database from 'libsql'

import { ask, change, isOccasional, kinds, statuses, told, treeOf, type Asked } from './exported.ts'
import type { ClientKindName } from './harness.ts'
import type { Attributes } from './otlp-sink.ts'
import { register, type Server } from './process.ts'

/** The attributes of the SERVER span of each of these requests, besides the common ones. */
type Expected = {
  request: [path: string, asked: Asked]
  status: number
  tree: string[]
  says: Attributes
  /** Spans with an error. */
  failed?: string[]
}

const visitor = 'SELECT notifications sessions users'
/** Of a page, which also asks whom of the suggested people the visitor follows. */
const pageVisitor = 'SELECT notifications follows hidden sessions users'
const commonKeys =
  `http.request.method url.path url.scheme client.address network.peer.address network.peer.port
  network.protocol.version server.address server.port user_agent.original app.client.kind http.response.status_code
  app.db.query_count app.db.duration_ms app.db.rows app.render.duration_ms app.middleware.duration_ms
  app.handler.duration_ms`.split(/\s+/)

test('each kind of request: exactly these names, kinds, parents, statuses and attributes', async () => {
  const table: Record<string, Expected> = {}
  const traces: Record<string, string> = {}
  let server: Server
  const result = await told({ INSPECT: '0' }, async (running, path) => {
    server = running
    const cookie = await register(server.url, 'alice')
    const tweet = await ask(server, '/tweet', { as: 'htmx', cookie, fields: { msg: 'hello' } })
    const id = /id="tweet-(\d+)"/.exec(tweet.text)![1]!
    const like = (as: ClientKindName): [string, Asked] => [
      `/favorite/${id}`,
      { as, cookie, fields: {} },
    ]
    const likeTree = (...queries: string[]) => [
      '- > POST /favorite/:id',
      `POST /favorite/:id > ${visitor}`,
      'POST /favorite/:id > favorites.create',
      ...queries.map((query) => `favorites.create > ${query}`),
    ]
    const likeSays = { 'http.route': '/favorite/:id', 'user.id': '101' }
    const page = { 'http.response.body.size': 'number' }
    Object.assign(table, {
      page: {
        request: ['/timeline?through=7', { as: 'browser', cookie }],
        status: 200,
        tree: [
          '- > GET /timeline',
          `GET /timeline > ${pageVisitor}`,
          'GET /timeline > timeline.read',
          'timeline.read > SELECT favorites tweets bookmarks users follows',
          'timeline.read > SELECT follows users',
        ],
        says: {
          'http.route': '/timeline',
          'app.client.kind': 'page',
          'user.id': '101',
          'url.query': 'through=7',
          'app.db.query_count': 3,
          ...page,
        },
      },
      partial: {
        request: like('htmx'),
        status: 200,
        tree: likeTree('INSERT favorites trends tweets users', 'SELECT favorites tweets users'),
        says: { ...likeSays, 'app.client.kind': 'partial', 'app.db.query_count': 3, ...page },
      },
      program: {
        request: like('json'),
        status: 200,
        tree: likeTree('INSERT favorites trends tweets users', 'SELECT favorites tweets users'),
        says: { ...likeSays, 'app.client.kind': 'program', 'app.db.query_count': 3 },
      },
      form: {
        request: like('browser'),
        status: 303,
        tree: likeTree('INSERT favorites trends tweets users', 'SELECT favorites tweets users'),
        says: { ...likeSays, 'app.client.kind': 'page', 'app.db.query_count': 3 },
      },
      'no route': {
        request: ['/no/such/page', { as: 'browser' }],
        status: 404,
        tree: ['- > GET'],
        says: { 'app.client.kind': 'page', 'app.error.slug': 'no_route', ...page },
      },
      'no such tweet': {
        request: ['/tweet/987654', { as: 'browser' }],
        status: 404,
        tree: [
          '- > GET /tweet/:id',
          'GET /tweet/:id > tweets.read',
          'tweets.read > SELECT favorites tweets bookmarks users above',
        ],
        says: {
          'app.client.kind': 'page',
          'http.route': '/tweet/:id',
          'app.error.slug': 'refused_404',
          'app.db.query_count': 1,
          ...page,
        },
      },
      'wrong method': {
        request: ['/timeline', { method: 'DELETE' }],
        status: 405,
        tree: ['- > DELETE'],
        says: { 'http.request.method': 'DELETE', 'app.error.slug': 'wrong_method', ...page },
      },
      'unknown method': {
        request: ['/timeline', { method: 'PROPFIND' }],
        status: 405,
        tree: ['- > HTTP'],
        says: {
          'http.request.method': '_OTHER',
          'http.request.method_original': 'PROPFIND',
          'app.error.slug': 'wrong_method',
          ...page,
        },
      },
      'empty tweet': {
        request: ['/tweet', { cookie, fields: { msg: ' ' } }],
        status: 400,
        tree: ['- > POST /tweet', `POST /tweet > ${visitor}`, 'POST /tweet > tweets.create'],
        says: {
          'app.form.fields': ['msg'],
          'http.route': '/tweet',
          'user.id': '101',
          'app.error.slug': 'refused_400',
          'app.db.query_count': 1,
        },
      },
      'long tweet': {
        request: ['/tweet', { as: 'htmx', cookie, fields: { msg: 'x'.repeat(300) } }],
        status: 422,
        tree: ['- > POST /tweet', `POST /tweet > ${visitor}`, 'POST /tweet > tweets.create'],
        says: {
          'app.form.fields': ['msg'],
          'http.route': '/tweet',
          'user.id': '101',
          'app.client.kind': 'partial',
          'app.db.query_count': 1,
          ...page,
        },
      },
      'refused login': {
        request: ['/login', { fields: { mailaddress: 'alice@example.org', password: 'guessed1' } }],
        status: 422,
        tree: [
          '- > POST /login',
          'POST /login > sessions.create',
          'sessions.create > SELECT users',
        ],
        says: {
          'app.form.fields': ['mailaddress', 'password'],
          'http.route': '/login',
          'app.db.query_count': 1,
          'app.password.duration_ms': 'number',
          ...page,
        },
      },
      broken: {
        request: ['/favorites', { as: 'browser', cookie }],
        status: 500,
        tree: [
          '- > GET /favorites',
          `GET /favorites > ${pageVisitor}`,
          'GET /favorites > favorites.list',
          'favorites.list > SELECT favorites tweets bookmarks users',
        ],
        failed: ['GET /favorites', 'SELECT favorites tweets bookmarks users', 'favorites.list'],
        says: {
          'http.route': '/favorites',
          'user.id': '101',
          'app.client.kind': 'page',
          'error.type': '500',
          'app.error.slug': 'unexpected',
          'app.db.query_count': 2,
          ...page,
        },
      },
    } satisfies Record<string, Expected>)
    for (const [name, { request, status }] of Object.entries(table)) {
      if (name === 'broken') change(path, 'DROP TABLE favorites')
      const answer = await ask(server, ...request)
      assert.equal(answer.status, status, name)
      traces[name] = answer.trace!
    }
  })
  assert.equal(result.code, 0)
  for (const [name, { status, tree, says, failed = [], request }] of Object.entries(table)) {
    const spans = result.spans.filter((span) => span.traceId === traces[name])
    assert.deepEqual(treeOf(spans), tree.toSorted(), name)
    const root = spans.find((span) => span.kind === kinds.server)!
    assert.equal(root.parentSpanId, '', name)
    const method = request[1].method ?? (request[1].fields ? 'POST' : 'GET')
    const all: Attributes = {
      'http.request.method': method,
      'http.response.status_code': status,
      'url.path': request[0].split('?')[0],
      'url.scheme': 'http',
      'client.address': '127.0.0.1',
      'network.peer.address': '127.0.0.1',
      'network.protocol.version': '1.1',
      'server.address': '127.0.0.1',
      'server.port': Number(new URL(server!.url).port),
      'user_agent.original': 'test',
      'app.client.kind': 'program',
      'app.db.query_count': 0,
      ...says,
    }
    assert.deepEqual(
      Object.keys(root.attributes)
        .filter((key) => key !== 'app.wait.duration_ms')
        .sort(),
      [...new Set([...commonKeys, ...Object.keys(says)])].sort(),
      name,
    )
    for (const [key, value] of Object.entries(all))
      if (value === 'number') assert.equal(typeof root.attributes[key], 'number', `${name} ${key}`)
      else assert.deepEqual(root.attributes[key], value, `${name} ${key}`)
    assert.deepEqual(
      spans
        .filter((span) => span.status === statuses.error)
        .map((span) => span.name)
        .sort(),
      failed.toSorted(),
      name,
    )
    for (const span of spans) {
      assert.equal(span.statusMessage, '', `${name}: no message that could hold somebody's words`)
      assert.equal(span.flags & 1, 1)
      assert.ok(span.end >= span.start)
      if (span !== root) assert.ok(span.start >= root.start && span.end <= root.end, span.name)
      if (span === root || isOccasional(span)) continue
      const isQuery = 'db.query.text' in span.attributes
      assert.equal(span.kind, isQuery ? kinds.client : kinds.internal, span.name)
      if (failed.includes(span.name)) assert.equal(span.attributes['error.type'], 'SQLITE_ERROR')
      if (!isQuery) continue
      const {
        'db.query.text': text,
        'db.response.returned_rows': rows,
        'app.db.query.hash': hash,
        ...rest
      } = span.attributes
      assert.match(String(hash), /^[0-9a-f]{8}$/)
      const error = failed.includes(span.name) && {
        'error.type': 'SQLITE_ERROR',
        'db.response.status_code': 'SQLITE_ERROR',
      }
      assert.deepEqual(rest, {
        'db.system.name': 'sqlite',
        'db.namespace': 'main',
        'db.query.summary': span.name,
        ...error,
      })
      assert.equal(typeof rows, error ? 'undefined' : 'number')
      assert.match(String(text), /\?/, 'placeholders, no values')
    }
  }
})

test('an action that waited too long in a queue: the span names the reason for the refusal', async () => {
  let trace = ''
  const result = await told({ INSPECT: '0', WRITE_WAIT_MS: '100' }, async (server, path) => {
    const cookie = await register(server.url, 'alice')
    const other = new Database(path)
    other.exec('BEGIN IMMEDIATE')
    const answer = await ask(server, '/tweet', { cookie, fields: { msg: 'hello' } })
    other.exec('ROLLBACK')
    other.close()
    assert.equal(answer.status, 503)
    trace = answer.trace!
  })
  const failed = result.spans.filter(
    (span) => span.traceId === trace && span.status === statuses.error,
  )
  assert.deepEqual(
    failed.map(({ name, attributes }) => `${name}: ${String(attributes['error.type'])}`).sort(),
    [
      'INSERT tweets: write_queue_full',
      'POST /tweet: 503',
      'tweets.create: write_queue_full',
      'write_lock.wait: write_queue_full',
    ],
  )
})

// Words planted in every field and header of the real process: they must not leave it in any signal.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import { ask, change, kinds, told, type Asked } from './exported.ts'
import { register, type Server } from './process.ts'

test('nothing private is in any signal or on standard output, not even when writing fails', async () => {
  const canaries = {
    mail: 'canarymail@example.org',
    password: 'canary-password',
    name: 'Canary Name',
    tweet: 'canary tweet',
    bio: 'canary bio',
    header: 'canary-header',
    field: 'canary-csrf',
    key: 'canary-key',
    fresh: 'canary-newer-password',
  }
  const { mail: mailaddress, password, name, tweet: msg, bio, field, key, fresh } = canaries
  const [agent, client] = ['canary-agent', '203.0.113.77']
  let session = ''
  const result = await told({ OTEL_METRIC_EXPORT_INTERVAL: '300' }, async (server, path) => {
    const headers = {
      Authorization: `Bearer ${canaries.header}`,
      Referer: `${server.url}/${canaries.header}`,
      'X-CSRF-Token': canaries.header,
      'X-Odd': canaries.header,
      'Accept-Language': canaries.header,
      'HX-Current-URL': `${server.url}/${canaries.header}`,
      'HX-Target': canaries.header,
      'HX-Trigger': canaries.header,
      'X-Page-Trace': canaries.header,
      baggage: `key=${canaries.header}`,
      'User-Agent': agent,
      'X-Forwarded-For': client,
    }
    const joined = await ask(server, '/register', {
      fields: { name, mailaddress, password, _csrf: field },
      headers,
    })
    const cookie = joined.headers.getSetCookie()[0]!.split(';')[0]!
    session = cookie.split('=')[1]!
    assert.ok(session.length > 20)
    const as = (fields: Record<string, string>): Asked => ({
      cookie: `${cookie}; other=${canaries.header}`,
      fields: { ...fields, _csrf: field },
      headers,
    })
    const actions: [path: string, fields: Record<string, string>, status: number][] = [
      ['/tweet', { msg, key }, 200],
      ['/tweet', { msg: msg.repeat(100) }, 400],
      ['/account/profile', { name, bio }, 200],
      ['/account/password', { current: `${password}?`, fresh }, 422],
      ['/account/password', { current: password, fresh }, 200],
      ['/account/delete', { farewell: password }, 422],
    ]
    for (const [to, fields, status] of actions)
      assert.equal((await ask(server, to, as(fields))).status, status, to)
    await ask(server, '/timeline', { as: 'browser', cookie, headers })
    await ask(server, '/login', { fields: { mailaddress, password: `${password}!` }, headers })
    await ask(server, '/login', { fields: { mailaddress, password: 'x' }, headers })
    // A failed write has its values in the driver's error, in drizzle's message and in the form.
    for (const table of ['tweets', 'users'])
      change(
        path,
        `CREATE TRIGGER no_${table} BEFORE INSERT ON ${table} BEGIN SELECT RAISE(ABORT, 'no'); END`,
      )
    assert.equal((await ask(server, '/tweet', as({ msg }))).status, 500)
    const other = { name, mailaddress: `2${mailaddress}`, password }
    assert.equal((await ask(server, '/register', { fields: other, headers })).status, 500)
    change(path, 'DROP TABLE sessions')
    assert.equal((await ask(server, '/timeline', { cookie, headers })).status, 500)
    await pause(400)
  })
  for (const signal of ['traces', 'metrics', 'logs'])
    assert.ok(
      result.deliveries.some((delivery) => delivery.signal === signal),
      signal,
    )
  assert.match(result.bytes, /INSERT tweets/, 'the bytes can be searched')
  for (const [what, words] of Object.entries({ ...canaries, session })) {
    assert.ok(!result.bytes.includes(words), `${what} in OTLP`)
    assert.ok(!result.printed.includes(words), `${what} on standard output`)
  }
  // Client address and user agent are in the span and in the log line of the request, and nowhere else.
  const others = [
    ...result.spans.filter(({ kind }) => kind !== kinds.server),
    ...result.logs.filter(({ event }) => event !== 'http.server.request'),
    ...result.metrics,
  ]
  const seen = result.spans.find(({ attributes }) => attributes['user_agent.original'] === agent)
  assert.equal(seen?.attributes['client.address'], client)
  for (const one of others)
    assert.doesNotMatch(JSON.stringify(one, withoutBigInts), /canary-agent|203\.0\.113/)
})

const withoutBigInts = (_: string, value: unknown) =>
  typeof value === 'bigint' ? String(value) : value

const canary = 'canarywords'
const token = `${canary}0123456789ABCDEF`

/** All routes of docs/http.md, with example values for their parameters. */
const requests = [
  ...readFileSync(new URL('../docs/http.md', import.meta.url), 'utf8').matchAll(
    /^\| `(GET|POST) ([^`]+)`/gm,
  ),
].map(([, method, path]) => ({
  method: method!,
  path: path!
    .replace('/traces/:id', `/traces/${'ab'.repeat(16)}`)
    .replace(':span', 'ab'.repeat(8))
    .replace(':id', '1')
    .replace(':handle', '@user0001')
    .replace(':tag', 'hello')
    .replace('*', 'app.css'),
}))

/** A path with secrets in it, as mistakes, other sites and attackers send them. */
const soiled = (path: string) => [
  `${path}?password=${canary}&mailaddress=${canary}%40example.org&code=${canary}&PassWord=${canary}`,
  `${path}?%70assword=${canary}&x%5B%5D=${canary};token=${canary}&${canary}%40example.org=1&=${canary}`,
  `${path}?${token}`,
  `${path}?q%00=${canary}&%E0=${canary}&a%=${canary}#${canary}`,
  `${path}?next=${encodeURIComponent(`/search?q=ducks&token=${canary}#${canary}`)}`,
  `${path}?next=${encodeURIComponent(`/login?next=${encodeURIComponent(`/timeline?x=${canary}`)}`)}`,
  `${path}?next=https%3A%2F%2F${canary}.example%2F&next=${encodeURIComponent(`/reset/${canary}`)}`,
  `${path};token=${canary}`,
  `${path}/${token}`,
  `${path}/reset/${canary}/${canary}`,
  `${path}/${canary}%40example.org`,
  `${path}%3Fpassword=${canary}`,
]

test('parts of a URL that its route does not declare are recorded nowhere', async () => {
  const shown: string[] = []
  const result = await told({ DEMO: '1' }, async (server) => {
    const cookie = await register(server.url, 'alice')
    const headers = {
      Referer: `${server.url}/timeline?token=${canary}`,
      'HX-Current-URL': `${server.url}/timeline?token=${canary}`,
    }
    for (const { method, path } of requests) {
      for (const address of soiled(path))
        await asked(server, address, { method, headers, as: 'browser', cookie })
    }
    await asked(server, '/search?q=ducks&limit=7', { cookie })
    shown.push(...(await inspector(server)))
  })
  const { attributes } = result.spans.find(({ name }) => name === 'GET /search')!
  assert.ok(attributes['url.query'])
  assert.match(result.bytes, /q=ducks&limit=7/)
  assert.ok(result.spans.filter(({ kind }) => kind === kinds.server).length > 12 * requests.length)
  assert.ok(shown.length > 20)
  for (const [where, text] of [
    ['OTLP', result.bytes],
    ['standard output', result.printed],
  ] as const)
    assert.equal(around(text, canary), '', where)
  for (const text of shown) assert.equal(around(text, canary), '', 'the inspector')
})

/** A stream does not end, and a POST may end the session: their answers are not read to the end. */
async function asked(server: Server, path: string, { method = 'GET', ...rest }: Asked) {
  if (/^\/(?:traces|timeline)\/live\?/.test(path)) {
    const stop = new AbortController()
    await fetch(server.url + path, { signal: stop.signal })
    stop.abort()
    return
  }
  const isEnd = path.startsWith('/logout')
  await ask(server, path, { ...rest, method, ...(isEnd && { cookie: '' }) })
}

/** The pages of the inspector for these requests. */
async function inspector(server: Server): Promise<string[]> {
  const list = await ask(server, '/traces', { as: 'browser' })
  const ids = [...new Set(list.text.match(/(?<=\/traces\/)[0-9a-f]{32}/g))].slice(0, 40)
  const pages = ids.flatMap((id) => [
    `/traces/${id}`,
    `/traces/${id}/panel`,
    `/traces/${id}/otlp.json`,
  ])
  const texts = [list.text]
  for (const path of ['/logs', '/routes', ...pages])
    texts.push((await ask(server, path, { as: 'browser' })).text)
  return texts
}

/** The text around the first planted word, for the message of a failure. */
const around = (text: string, word: string) => {
  const at = text.indexOf(word)
  return at < 0 ? '' : text.slice(Math.max(at - 200, 0), at + 100)
}

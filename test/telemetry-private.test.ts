// Words planted in every field and header of the real process: they must not leave it in any signal.
import assert from 'node:assert/strict'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import { ask, change, kinds, told, type Asked } from './exported.ts'

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
    const deeds: [path: string, fields: Record<string, string>, status: number][] = [
      ['/tweet', { msg, key }, 200],
      ['/tweet', { msg: msg.repeat(100) }, 400],
      ['/account/profile', { name, bio }, 200],
      ['/account/password', { current: `${password}?`, fresh }, 422],
      ['/account/password', { current: password, fresh }, 200],
      ['/account/delete', { farewell: password }, 422],
    ]
    for (const [to, fields, status] of deeds)
      assert.equal((await ask(server, to, as(fields))).status, status, to)
    await ask(server, '/timeline', { as: 'browser', cookie, headers })
    await ask(server, '/login', { fields: { mailaddress, password: `${password}!` }, headers })
    await ask(server, '/login', { fields: { mailaddress, password: 'x' }, headers })
    // What fails has its values at hand: in the driver's error, in drizzle's message, in the form.
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
  // Who asks with what is in the span and the line of the request, and nowhere else.
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

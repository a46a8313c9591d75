// Security: strangers, other sites, guessed passwords.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import test from 'node:test'

import { sql } from 'drizzle-orm'

import { startApp, type Someone } from './harness.ts'

test('other sites cannot act for a user; programs, which send no Origin, can', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  const id = await alice.tweet('hello')
  const tries: [headers: Record<string, string>, passes: boolean][] = [
    [{}, true],
    [{ Origin: 'http://localhost:5000' }, true],
    [{ 'Sec-Fetch-Site': 'same-origin' }, true],
    [{ Origin: 'http://localhost:5000', 'Sec-Fetch-Site': 'same-origin' }, true],
    [{ Origin: 'https://evil.example' }, false],
    [{ Origin: 'null' }, false],
    [{ 'Sec-Fetch-Site': 'cross-site' }, false],
    [{ 'Sec-Fetch-Site': 'same-site' }, false],
    [{ Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' }, false],
  ]
  for (const [headers, passes] of tries) {
    for (const type of [
      'application/x-www-form-urlencoded',
      'multipart/form-data; boundary=x',
      'text/plain',
      'application/json',
      'anything/else',
      undefined,
    ]) {
      const answer = await alice.send(
        `/favorite/${id}`,
        { method: 'POST' },
        { headers: { ...headers, ...(type && { 'Content-Type': type }) } },
      )
      assert.equal(answer.status, passes ? 200 : 403, `${JSON.stringify(headers)} ${type}`)
    }
  }
})

test('with PUBLIC_ORIGIN only that origin is accepted, and the cookie is Secure', async () => {
  await using app = await startApp({ PUBLIC_ORIGIN: 'https://birds.example', DEMO: '1' })
  const someone = app.visitor()
  const answer = await someone.post(
    '/register',
    { name: 'A', mailaddress: 'a@example.org', password: 'long enough' },
    { headers: { Origin: 'https://birds.example' } },
  )
  assert.match(
    answer.headers.getSetCookie()[0]!,
    /^__Host-tracewren_session=[\w-]{43}; Max-Age=7776000; Path=\/; HttpOnly; Secure; SameSite=Lax$/,
  )
  assert.match(answer.headers.get('Strict-Transport-Security') ?? '', /max-age=31536000/)
  const evil = await app
    .visitor()
    .post('/login', {}, { headers: { Origin: 'http://localhost:5000' } })
  assert.equal(evil.status, 403)
})

test('each kind of answer has the security headers', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  const answers = [
    await alice.get('/timeline'),
    await alice.get('/nothing', { as: 'browser' }),
    await alice.send('/timeline', { method: 'DELETE' }),
    await alice.post('/tweet', { msg: '' }),
    await alice.post(
      '/tweet',
      { msg: 'x'.repeat(70_000) },
      { headers: { 'Content-Length': '70004' } },
    ),
    await alice.get('/static/app.css'),
    await alice.get('/livez'),
  ]
  for (const answer of answers) {
    assert.match(
      answer.headers.get('Content-Security-Policy') ?? '',
      /default-src 'none'; script-src 'self'; style-src 'self'/,
    )
    assert.equal(answer.headers.get('X-Content-Type-Options'), 'nosniff')
    assert.equal(answer.headers.get('X-Frame-Options'), 'DENY')
    assert.equal(answer.headers.get('Referrer-Policy'), 'same-origin')
  }
})

test('headers that count only over https are sent only over https', async () => {
  const names = ['Strict-Transport-Security', 'Cross-Origin-Opener-Policy', 'Origin-Agent-Cluster']
  const sent = async (env: Record<string, string>) => {
    await using app = await startApp(env)
    const { headers } = await app.visitor().get('/')
    return names.map((name) => headers.get(name))
  }
  const year = 'max-age=31536000; includeSubDomains'
  assert.deepEqual(await sent({}), [null, null, null])
  assert.deepEqual(await sent({ PUBLIC_ORIGIN: 'http://birds.example' }), [null, null, null])
  const https = await sent({ PUBLIC_ORIGIN: 'https://birds.example' })
  assert.deepEqual(https, [year, 'same-origin', '?1'])
})

test('a session is a random token, stored only as its hash, new at each login, invalid after logout', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  const token = alice.cookies.get('tracewren_session')!
  assert.match(token, /^[\w-]{43}$/)
  const rows = await app.database.db.all<Record<string, unknown>>(
    sql`select token_hash from sessions`,
  )
  assert.deepEqual(
    rows.flatMap((row) => Object.values(row)),
    [createHash('sha256').update(token).digest('hex')],
  )
  const again = app.visitor()
  again.cookies.set('tracewren_session', 'planted-by-somebody')
  await again.post('/login', { mailaddress: 'alice@example.org', password: 'password-of-Alice' })
  assert.notEqual(again.cookies.get('tracewren_session'), 'planted-by-somebody')
  assert.notEqual(again.cookies.get('tracewren_session'), token)
  await alice.post('/logout')
  const replay = app.visitor()
  replay.cookies.set('tracewren_session', token)
  assert.equal((await replay.get('/timeline')).status, 302)
})

test('a session cookie with the old name gets the new name; cookies of other programs stay', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  const token = alice.cookies.get('tracewren_session')!
  const old = app.visitor()
  old.cookies.set('session', token)
  assert.equal((await old.get('/timeline')).status, 200)
  assert.deepEqual([...old.cookies], [['tracewren_session', token]])
  assert.equal((await old.get('/timeline')).status, 200)

  const leaving = app.visitor()
  leaving.cookies.set('session', token)
  await leaving.post('/logout')
  assert.deepEqual([...leaving.cookies], [])
  assert.equal((await alice.get('/timeline')).status, 302, 'the session has ended')

  const foreign = 'eyJfcGVybWFuZW50Ijp0cnVlfQ.a-flask-session'
  const bob = app.visitor()
  bob.cookies.set('session', foreign)
  assert.equal((await bob.get('/timeline')).status, 302)
  await bob.post('/register', {
    name: 'Bob',
    mailaddress: 'bob@example.org',
    password: 'long enough',
  })
  assert.equal((await bob.get('/timeline')).status, 200)
  await bob.post('/theme', { theme: 'dark' })
  await bob.post('/logout')
  assert.equal(bob.cookies.get('session'), foreign)
  assert.ok([...bob.cookies.keys()].every((name) => /^(session|tracewren_\w+)$/.test(name)))
})

test('changing the password ends all other sessions; deleting the account ends all', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  const elsewhere = app.visitor()
  await elsewhere.post('/login', {
    mailaddress: 'alice@example.org',
    password: 'password-of-Alice',
  })
  assert.equal((await elsewhere.get('/timeline')).status, 200)
  const wrong = await alice.post(
    '/account/password',
    { current: 'not it', fresh: 'something new' },
    { as: 'browser' },
  )
  assert.equal(wrong.status, 422)
  await alice.post('/account/password', { current: 'password-of-Alice', fresh: 'something new' })
  assert.equal((await alice.get('/timeline')).status, 200)
  assert.equal((await elsewhere.get('/timeline')).status, 302)
  const bob = await app.person('Bob')
  const id = await alice.tweet('soon gone')
  await bob.post(`/favorite/${id}`)
  await bob.post(`/follow/${alice.id}`)
  await alice.post('/account/delete', { farewell: 'something new' })
  assert.equal((await alice.get('/timeline')).status, 302)
  assert.equal((await bob.get(`/tweet/${id}`)).status, 404)
  assert.match((await bob.get('/@bob')).text, /0 followed/)
})

test('nobody can change what belongs to another user', async () => {
  await using app = await startApp({ OPERATORS: 'olga@example.org' })
  const alice = await app.person('Alice')
  const bob = await app.person('Bob')
  const olga = await app.person('Olga')
  const id = await alice.tweet('mine')
  assert.equal((await bob.post(`/tweet/${id}/delete`)).status, 404)
  assert.equal((await bob.get(`/tweet/${id}/delete`, { as: 'browser' })).status, 403)
  assert.equal((await app.visitor().post(`/tweet/${id}/delete`)).status, 401)
  assert.equal((await alice.get(`/tweet/${id}`)).status, 200)
  assert.equal((await olga.post(`/tweet/${id}/delete`)).status, 200, 'an operator may')
  await bob.post('/tweet', {
    msg: 'hello',
    id: '1',
    user_id: String(alice.id),
    like_count: '99',
    created_at: '1',
  })
  const own = await bob.get('/@bob')
  assert.match(own.text, /hello/)
  assert.match(own.text, /Like, 0 likes/)
})

test('sign-in redirects only to this site', async () => {
  await using app = await startApp()
  await app.person('Alice')
  const login = { mailaddress: 'alice@example.org', password: 'password-of-Alice' }
  for (const [next, to] of [
    ['/@alice?x=1', '/@alice?x=1'],
    ['//evil.example', '/timeline'],
    ['/\\evil.example', '/timeline'],
    ['https://evil.example', '/timeline'],
    ['javascript:alert(1)', '/timeline'],
    ['/a\nb', '/timeline'],
    ['', '/timeline'],
  ]) {
    const answer = await app.visitor().post('/login', { ...login, next: next! })
    assert.equal(answer.location, to, JSON.stringify(next))
  }
})

test('a wrong login takes as long for an unknown address, and has the same answer', async () => {
  await using app = await startApp()
  await app.person('Alice')
  const { Passwords } = await import('../src/http/passwords.ts')
  const passwords = new Passwords(app.settings)
  let compared = 0
  const real = passwords.queue.run.bind(passwords.queue)
  passwords.queue.run = (job) => {
    compared += 1
    return real(job)
  }
  assert.equal(await passwords.matches('guess', undefined), false)
  assert.equal(compared, 1, 'one comparison for nobody')
  const hash = await passwords.hash('guess')
  compared = 0
  assert.equal(await passwords.matches('guess', hash), 'normal')
  assert.equal(compared, 1, 'one comparison for somebody')
  compared = 0
  assert.equal(await passwords.matches('x'.repeat(73), hash), false)
  assert.equal(compared, 1, 'and one for a password that cannot be')
  const answers = await Promise.all(
    ['alice@example.org', 'nobody@example.org'].map((mailaddress) =>
      app.visitor().post('/login', { mailaddress, password: 'wrong one' }),
    ),
  )
  const page = (text: string) =>
    text
      .replace(/[\w.]+@example\.org/g, 'X')
      .replace(/0[01]-[0-9a-f-]+/g, '')
      .replace(/[0-9a-f]{4,32}/g, '')
      .replace(/[\d.]+ ms/g, '')
  assert.equal(page(answers[0]!.text), page(answers[1]!.text))
  assert.equal(answers[0]!.status, 422)
})

test('bcrypt reads 72 bytes: passwords with more bytes are refused', async () => {
  await using app = await startApp()
  const register = (password: string) =>
    app
      .visitor()
      .post('/register', { name: 'A', mailaddress: `${crypto.randomUUID()}@example.org`, password })
  assert.equal((await register('x'.repeat(72))).status, 303)
  assert.equal((await register('x'.repeat(73))).status, 422)
  assert.equal((await register('\u00e9'.repeat(37))).status, 422)
  assert.equal((await register('short77')).status, 422)
  const { compare } = await import('@node-rs/bcrypt')
  const rows = await app.database.db.all<Record<string, string>>(
    sql`select password_hash from users`,
  )
  const [hash] = rows.flatMap((row) => Object.values(row))
  assert.match(hash!, /^\$2[by]\$04\$/)
  assert.ok(await compare('x'.repeat(72), hash!))
})

test('a strict instance refuses common passwords and too many attempts; other clients can still log in', async () => {
  await using app = await startApp({
    DEMO: '0',
    LIMIT_LOGIN_ACCOUNT: '3/60',
    LIMIT_WRITE: '2/60',
    TRUSTED_PROXIES: 'loopback',
  })
  const common = await app
    .visitor()
    .post('/register', { name: 'A', mailaddress: 'a@example.org', password: 'password123' })
  assert.equal(common.status, 422)
  const alice = await app.person('Alice')
  const from =
    (address: string): Someone['post'] =>
    (path, fields) =>
      app.visitor().post(path, fields, { headers: { 'X-Forwarded-For': address } })
  const wrong = { mailaddress: 'alice@example.org', password: 'wrong one' }
  for (let tries = 0; tries < 3; tries++)
    assert.equal((await from('203.0.113.5')('/login', wrong)).status, 422)
  const refused = await from('203.0.113.5')('/login', wrong)
  assert.equal(refused.status, 429)
  assert.ok(Number(refused.headers.get('Retry-After')) > 0)
  const right = { mailaddress: 'alice@example.org', password: 'password-of-Alice' }
  assert.equal((await from('203.0.113.5')('/login', right)).status, 429)
  assert.equal((await from('198.51.100.7')('/login', right)).status, 303, 'nobody can lock her out')
  assert.equal((await alice.post('/tweet', { msg: 'one' })).status, 200)
  assert.equal((await alice.post('/tweet', { msg: 'two' })).status, 200)
  assert.equal((await alice.post('/tweet', { msg: 'three' })).status, 429)
  assert.equal(
    (
      await app
        .visitor()
        .post('/login', { mailaddress: 'user0001@example.com', password: 'password123' })
    ).status,
    422,
  )
})

test('closed registration, suspended people', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  await app.database.db.run(sql`update users set suspended_at = 1 where id = ${alice.id}`)
  assert.equal((await alice.get('/timeline')).status, 302)
  assert.equal(
    (
      await app
        .visitor()
        .post('/login', { mailaddress: 'alice@example.org', password: 'password-of-Alice' })
    ).status,
    422,
  )
  await using closed = await startApp({ REGISTRATION: 'closed' })
  assert.equal(
    (
      await closed
        .visitor()
        .post('/register', { name: 'A', mailaddress: 'a@example.org', password: 'long enough' })
    ).status,
    403,
  )
})

test('access to the lists of the inspector: everybody on a demo instance, else operators', async () => {
  const { Recorder } = await import('../src/trace-store/recorder.ts')
  const { createApp } = await import('../src/app.tsx')
  await using app = await startApp({ DEMO: '0', OPERATORS: 'olga@example.org' })
  const olga = await app.person('Olga')
  const alice = await app.person('Alice')
  const recorder = new Recorder()
  const inspected = createApp({
    database: app.database,
    settings: app.settings,
    state: { stopping: false },
    recorder,
  })
  const ask = async (path: string, who?: Someone) => {
    const headers: Record<string, string> = { Accept: 'text/html' }
    if (who) headers['Cookie'] = `tracewren_session=${who.cookies.get('tracewren_session')}`
    return (await inspected.request(path, { headers })).status
  }
  for (const path of ['/traces', '/logs', '/routes', '/routes?by=query', '/traces/live']) {
    assert.equal(await ask(path), 403, path)
    assert.equal(await ask(path, alice), 403, path)
    if (path !== '/traces/live') assert.equal(await ask(path, olga), 200, path)
  }
  const unknown = `/traces/${'0'.repeat(31)}1`
  for (const who of [undefined, alice, olga]) assert.equal(await ask(unknown, who), 404)
})

// Every address of the original, and every one of ours, as each kind of client meets it.
import assert from 'node:assert/strict'
import test from 'node:test'

import { startApp, type Answer, type AskerName, type Someone, type TestApp } from './harness.ts'

const everybody: AskerName[] = ['program', 'json', 'browser', 'htmx']

/** What an answer must be: its status, then where it leads or what kind of body it has. */
type Expected = string

const seen = (answer: Answer): Expected => {
  const type = answer.headers.get('Content-Type') ?? ''
  const redirect = answer.headers.get('HX-Redirect')
  if (redirect) return `${answer.status} HX ${redirect}`
  if (answer.location) return `${answer.status} ${answer.location}`
  if (type.startsWith('application/json')) return `${answer.status} json`
  if (!type.startsWith('text/html')) return `${answer.status} ${type}`
  return `${answer.status} ${answer.text.includes('<html') ? 'page' : 'partial'}`
}

const same = (expected: Expected): Record<AskerName, Expected> => ({
  program: expected,
  json: expected,
  browser: expected,
  htmx: expected,
})

type Row = {
  method: 'GET' | 'POST'
  path: string
  fields?: Record<string, string>
  signedOut: Record<AskerName, Expected>
  signedIn: Record<AskerName, Expected>
}

const page = (path: string): Row => ({
  method: 'GET',
  path,
  signedOut: same('200 page'),
  signedIn: same('200 page'),
})

const ownPage = (path: string): Row => {
  const login = `302 /login?next=${encodeURIComponent(path)}`
  return {
    method: 'GET',
    path,
    signedOut: { program: login, json: login, browser: login, htmx: '401 HX /login' },
    signedIn: same('200 page'),
  }
}

const deed = (path: string, to: string, fields?: Record<string, string>): Row => ({
  method: 'POST',
  path,
  ...(fields && { fields }),
  signedOut: {
    program: '401 json',
    json: '401 json',
    browser: '303 /login',
    htmx: '401 HX /login',
  },
  signedIn: { program: '200 json', json: '200 json', browser: `303 ${to}`, htmx: '200 partial' },
})

const missing = (path: string): Row => ({
  method: 'POST',
  path,
  signedOut: {
    program: '401 json',
    json: '401 json',
    browser: '303 /login',
    htmx: '401 HX /login',
  },
  signedIn: { program: '404 json', json: '404 json', browser: '404 page', htmx: '404 partial' },
})

// Tweet 1 and user 1 are Alice's; user 2 asks.
const rows: Row[] = [
  {
    ...page('/'),
    signedOut: { ...same('200 page'), htmx: '200 partial' },
    signedIn: { ...same('200 page'), htmx: '200 partial' },
  },
  page('/login'),
  page('/register'),
  page('/tweet/1'),
  page('/@alice'),
  page('/@alice/likes'),
  page('/@alice/followers'),
  page('/@alice/following'),
  ownPage('/timeline'),
  ownPage('/post'),
  ownPage('/favorites'),
  ownPage('/followers'),
  ownPage('/following'),
  ownPage('/account'),
  ownPage('/user/1'),
  ownPage('/user/01'),
  { ...ownPage('/search?q=hello'), signedIn: { ...same('200 page'), htmx: '200 partial' } },
  { ...ownPage('/search'), signedIn: { ...same('200 page'), htmx: '200 partial' } },
  deed('/favorite/1', '/timeline#tweet-1'),
  deed('/unfavorite/1', '/timeline#tweet-1'),
  deed('/follow/1', '/timeline#user-1'),
  deed('/unfollow/1', '/timeline#user-1'),
  deed('/tweet', '/timeline', { msg: 'hello there' }),
  missing('/favorite/999'),
  missing('/unfavorite/999'),
  missing('/follow/999'),
  missing('/unfollow/999'),
  {
    method: 'POST',
    path: '/post',
    fields: { msg: 'hello again' },
    signedOut: {
      program: '303 /login',
      json: '303 /login',
      browser: '303 /login',
      htmx: '401 HX /login',
    },
    signedIn: {
      program: '303 /timeline',
      json: '303 /timeline',
      browser: '303 /timeline',
      htmx: '200 partial',
    },
  },
]

const ask = (who: Someone, { method, path, fields }: Row, as: AskerName) =>
  method === 'GET' ? who.get(path, { as }) : who.post(path, fields, { as })

async function world(): Promise<{ app: TestApp; bob: Someone }> {
  const app = await startApp()
  const alice = await app.person('Alice')
  await alice.tweet('hello world')
  return { app, bob: await app.person('Bob') }
}

test('each address answers each kind of client as it should', async () => {
  const { app, bob } = await world()
  await using _ = app
  const failures: string[] = []
  for (const row of rows) {
    for (const as of everybody) {
      for (const signed of ['signedOut', 'signedIn'] as const) {
        const answer = await ask(signed === 'signedIn' ? bob : app.visitor(), row, as)
        const got = seen(answer)
        if (got !== row[signed][as])
          failures.push(
            `${row.method} ${row.path} as ${as}, ${signed}: ${got}, not ${row[signed][as]}`,
          )
        if (answer.status === 200 && answer.headers.get('Content-Type')?.startsWith('text/html')) {
          if (!answer.headers.get('Vary')?.includes('HX-Request-Type'))
            failures.push(`${row.path}: no Vary`)
          if (answer.headers.get('Cache-Control')?.includes('no-store'))
            failures.push(`${row.path}: no-store`)
        }
      }
    }
  }
  assert.deepEqual(failures, [])
})

test('logging in and out, registering: redirects for everybody, 422 with the form when it fails', async () => {
  await using app = await startApp()
  await app.person('Alice')
  const right = { mailaddress: 'alice@example.org', password: 'password-of-Alice' }
  for (const as of everybody) {
    const ok = await app.visitor().post('/login', right, { as })
    assert.equal(seen(ok), '303 /timeline', as)
    const wrong = await app
      .visitor()
      .post('/login', { ...right, password: 'wrong password' }, { as })
    assert.equal(seen(wrong), '422 page', as)
    assert.match(wrong.text, /Email address or password is incorrect/)
    const fresh = await app
      .visitor()
      .post(
        '/register',
        { name: 'New', mailaddress: `new-${as}@example.org`, password: 'password123' },
        { as },
      )
    assert.equal(seen(fresh), '303 /timeline', as)
    const known = await app.visitor().post('/register', { name: 'Alice', ...right }, { as })
    assert.equal(seen(known), '303 /timeline', as)
    const taken = await app
      .visitor()
      .post('/register', { name: 'Alice', ...right, password: 'another one' }, { as })
    assert.equal(seen(taken), '422 page', as)
    assert.match(taken.text, /This email address is already registered/)
    const missingField = await app
      .visitor()
      .post('/login', { mailaddress: 'alice@example.org' }, { as })
    assert.equal(missingField.status, 400, as)
  }
  const signedIn = app.visitor()
  await signedIn.post('/login', right)
  assert.equal(
    seen(await signedIn.post('/login', { ...right, password: 'wrong password' })),
    '303 /timeline',
  )
  assert.equal(seen(await signedIn.get('/logout', { as: 'browser' })), '200 page')
  assert.equal(
    seen(await signedIn.get('/timeline')),
    '200 page',
    'a GET by a browser does not log out',
  )
  assert.equal(seen(await signedIn.get('/logout')), '302 /')
  assert.equal((await signedIn.get('/timeline')).status, 302)
})

test('a text that breaks the rules: 400 for programs on /tweet, else the form again with 422', async () => {
  const { app, bob } = await world()
  await using _ = app
  for (const msg of ['', '   ', 'x'.repeat(281)]) {
    const program = await bob.post('/tweet', { msg })
    assert.equal(seen(program), '400 json')
    assert.deepEqual(JSON.parse(program.text), {
      error: 'Tweet must be between 1 and 280 characters',
    })
    assert.equal(seen(await bob.post('/tweet', { msg }, { as: 'htmx' })), '422 partial')
    assert.equal(seen(await bob.post('/tweet', { msg }, { as: 'browser' })), '422 page')
    assert.equal(seen(await bob.post('/post', { msg })), '422 page')
  }
  const kept = await bob.post('/post', { msg: 'y'.repeat(300) }, { as: 'browser' })
  assert.match(kept.text, /y{300}/, 'what was written is not lost')
})

test('methods, slashes and odd ids', async () => {
  const { app, bob } = await world()
  await using _ = app
  const wrong = await bob.send('/timeline', { method: 'DELETE' })
  assert.equal(wrong.status, 405)
  assert.equal(wrong.headers.get('Allow'), 'GET, HEAD, OPTIONS')
  const get = await bob.get('/favorite/1')
  assert.equal(get.status, 405)
  assert.equal(get.headers.get('Allow'), 'POST, OPTIONS')
  const options = await bob.send('/timeline', { method: 'OPTIONS' })
  assert.equal(options.status, 200)
  assert.equal(options.headers.get('Allow'), 'GET, HEAD, OPTIONS')
  const head = await bob.send('/timeline', { method: 'HEAD' })
  assert.equal(head.status, 200)
  assert.equal(head.text, '')
  for (const path of [
    '/timeline/',
    '/user/abc',
    '/user/-1',
    '/user/99999999999999999999',
    '/@nobody',
    '/@',
    '/tweet/0',
    '/nothing',
    '/static/nothing.css',
  ]) {
    assert.equal((await bob.get(path, { as: 'browser' })).status, 404, path)
  }
})

test('bodies that are no forms, and fields that are no text', async () => {
  const { app, bob } = await world()
  await using _ = app
  const json = { 'Content-Type': 'application/json' }
  assert.equal(
    seen(await bob.send('/favorite/1', { method: 'POST', headers: json }, { headers: json })),
    '200 json',
  )
  const withBody = { method: 'POST', body: '{"msg":"hi"}' }
  assert.equal(
    (await bob.send('/tweet', withBody, { headers: { ...json, 'Content-Length': '12' } })).status,
    415,
  )
  const twice = await bob.send(
    '/tweet',
    { method: 'POST', body: 'msg=a&msg=b' },
    { headers: { 'Content-Type': 'application/x-www-form-urlencoded', 'Content-Length': '11' } },
  )
  assert.equal(twice.status, 400)
  const file = new FormData()
  file.set('msg', new File(['x'], 'x.txt'))
  assert.equal((await bob.send('/tweet', { method: 'POST', body: file })).status, 400)
  const broken = { 'Content-Type': 'multipart/form-data; boundary=x', 'Content-Length': '5' }
  assert.equal(
    (await bob.send('/tweet', { method: 'POST', body: 'rubbi' }, { headers: broken })).status,
    400,
  )
  assert.equal((await bob.post('/tweet', {})).status, 400)
  const large = await bob.post(
    '/tweet',
    { msg: 'x'.repeat(70_000) },
    { headers: { 'Content-Length': '70004' } },
  )
  assert.equal(large.status, 413)
  const control = await bob.post('/tweet', { msg: 'alice\u0000x' })
  assert.equal(control.status, 400)
  for (const answer of [twice, large, control])
    assert.doesNotMatch(answer.text, /SQLITE|select |at file:|node_modules/)
})

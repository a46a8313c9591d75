// Errors of the routes, and redirects of sign-in, for each client kind. test/http.test.ts requests each route without
// errors.
import assert from 'node:assert/strict'
import test from 'node:test'

import { startApp, told, type ClientKindName, type Someone, type TestApp } from './harness.ts'

const everybody: ClientKindName[] = ['program', 'json', 'browser', 'htmx']

const ofDeeds = {
  program: '401 json',
  json: '401 json',
  browser: '303 /login',
  htmx: '401 HX /login',
}

test('an action on a missing tweet or user: 404 in the format of the client kind; without a session, sign-in comes first', async () => {
  const { app, bob } = await world()
  await using _ = app
  for (const path of [
    '/favorite/',
    '/unfavorite/',
    '/retweet/',
    '/unretweet/',
    '/bookmark/',
    '/unbookmark/',
    '/follow/',
    '/unfollow/',
    '/mute/',
    '/unmute/',
    '/block/',
    '/unblock/',
    '/tweet/',
  ]) {
    const address = path === '/tweet/' ? '/tweet/999/delete' : `${path}999`
    const missing = {
      program: '404 json',
      json: '404 json',
      browser: '404 page',
      htmx: '404 partial',
    }
    for (const as of everybody) {
      const out = await app.visitor().post(address, undefined, { as })
      const said = told(out).replace(/\?next=.*/, '')
      assert.equal(said, ofDeeds[as], `${address} as ${as}, signed out`)
      assert.equal(
        told(await bob.post(address, undefined, { as })),
        missing[as],
        `${address} as ${as}`,
      )
    }
  }
})

test('errors of POSTs are JSON for programs, except for forms that redirect', async () => {
  const { app, bob } = await world()
  await using _ = app
  assert.equal(told(await bob.post('/no/such/action')), '404 json')
  assert.equal(told(await bob.post('/timeline')), '405 json')
  assert.equal(told(await bob.post('/theme', { theme: 'purple' })), '422 page')
  assert.equal(told(await bob.post('/post', {})), '400 page')
})

async function world(): Promise<{ app: TestApp; bob: Someone }> {
  const app = await startApp()
  const alice = await app.person('Alice')
  await alice.tweet('hello world')
  return { app, bob: await app.person('Bob') }
}

test('login, logout, registration: redirects for all client kinds, 422 with the form on failure', async () => {
  await using app = await startApp()
  await app.person('Alice')
  const right = { mailaddress: 'alice@example.org', password: 'password-of-Alice' }
  for (const as of everybody) {
    const ok = await app.visitor().post('/login', right, { as })
    assert.equal(told(ok), '303 /timeline', as)
    const wrong = await app
      .visitor()
      .post('/login', { ...right, password: 'wrong password' }, { as })
    const formAgain = { json: '422 json', htmx: '422 partial' }[as as string] ?? '422 page'
    assert.equal(told(wrong), formAgain, as)
    assert.match(wrong.text, /Email address or password is incorrect/)
    const fresh = await app
      .visitor()
      .post(
        '/register',
        { name: 'New', mailaddress: `new-${as}@example.org`, password: 'password123' },
        { as },
      )
    assert.equal(told(fresh), '303 /timeline', as)
    const known = await app.visitor().post('/register', { name: 'Alice', ...right }, { as })
    assert.equal(told(known), '303 /timeline', as)
    const taken = await app
      .visitor()
      .post('/register', { name: 'Alice', ...right, password: 'another one' }, { as })
    assert.equal(told(taken), formAgain, as)
    assert.match(taken.text, /This email address is already registered/)
    const missingField = await app
      .visitor()
      .post('/login', { mailaddress: 'alice@example.org' }, { as })
    assert.equal(missingField.status, 400, as)
  }
  const signedIn = app.visitor()
  await signedIn.post('/login', right)
  assert.equal(told(await signedIn.get('/logout', { as: 'browser' })), '200 page')
  assert.equal(
    told(await signedIn.get('/timeline')),
    '200 page',
    'a GET by a browser does not log out',
  )
  assert.equal(told(await signedIn.get('/logout')), '302 /')
  assert.equal((await signedIn.get('/timeline')).status, 302)
})

test('an invalid tweet: 400 for programs on /tweet, else the form again with 422', async () => {
  const { app, bob } = await world()
  await using _ = app
  for (const msg of ['', '   ', 'x'.repeat(281)]) {
    const program = await bob.post('/tweet', { msg })
    assert.equal(told(program), '400 json')
    assert.deepEqual(JSON.parse(program.text), {
      error: 'Tweet must be between 1 and 280 characters',
    })
    assert.equal(told(await bob.post('/tweet', { msg }, { as: 'htmx' })), '422 partial')
    assert.equal(told(await bob.post('/tweet', { msg }, { as: 'browser' })), '422 page')
    assert.equal(told(await bob.post('/post', { msg })), '422 page')
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
  assert.equal((await bob.get('/user/01')).status, 200)
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

test('bodies that are not forms, and fields that are not text', async () => {
  const { app, bob } = await world()
  await using _ = app
  const json = { 'Content-Type': 'application/json' }
  assert.equal(
    told(await bob.send('/favorite/1', { method: 'POST', headers: json }, { headers: json })),
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
  const tooLong = { msg: 'x'.repeat(70_000) }
  const announced = { headers: { 'Content-Length': '70004' } }
  const large = await bob.post('/tweet', tooLong, announced)
  assert.equal(large.status, 413)
  const inChunks = { headers: { 'Transfer-Encoding': 'chunked' } }
  assert.equal((await bob.post('/tweet', tooLong, inChunks)).status, 413)
  const control = await bob.post('/tweet', { msg: 'alice\u0000x' })
  assert.equal(control.status, 400)
  for (const answer of [twice, large, control])
    assert.doesNotMatch(answer.text, /SQLITE|select |at file:|node_modules/)
})

// Sign-in and sign-up while somebody is signed in already, and the redirects after them.
import assert from 'node:assert/strict'
import test from 'node:test'

import { sql } from 'drizzle-orm'

import {
  startApp,
  told,
  type ClientKindName,
  type Someone,
  type TestApp,
} from '../../../test/harness.ts'

const everybody: ClientKindName[] = ['program', 'json', 'browser', 'htmx']
const alices = { mailaddress: 'alice@example.org', password: 'password-of-Alice' }
const bobs = { mailaddress: 'bob@example.org', password: 'password-of-Bob' }

/** The name of the user on the pages of this browser; undefined if nobody is signed in. */
const nameOf = async (who: Someone) =>
  /Hello, (\w+)/.exec((await who.get('/', { as: 'browser' })).text)?.[1]

async function sessionsIn({ database }: TestApp): Promise<number> {
  const rows = await database.db.values(sql`select count(*) from sessions`)
  return Number(rows[0]![0])
}

test('logging in with the right credentials of another account switches to it and ends the previous session', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  const bob = await app.person('Bob')
  await bob.post('/logout')
  for (const as of everybody) {
    await alice.post('/login', alices)
    const before = alice.cookies.get('tracewren_session')!
    const answer = await alice.post('/login', { ...bobs, next: '/@alice?limit=5' }, { as })
    assert.equal(told(answer), '303 /@alice?limit=5', as)
    assert.equal(await nameOf(alice), 'Bob', as)
    assert.equal(await sessionsIn(app), 1, as)
    const replay = app.visitor()
    replay.cookies.set('tracewren_session', before)
    assert.equal(await nameOf(replay), undefined, "Alice's session is over")
  }
})

test('signed in: right credentials of the same account redirect; wrong ones are a 422 that changes nothing', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  await app.person('Bob')
  const again = { program: '422 page', json: '422 json', browser: '422 page', htmx: '422 partial' }
  for (const as of everybody) {
    const same = await alice.post('/login', { ...alices, next: '/favorites' }, { as })
    assert.equal(told(same), '303 /favorites', as)
    for (const mailaddress of [alices.mailaddress, bobs.mailaddress, 'nobody@example.org']) {
      const wrong = { mailaddress, password: 'wrong password', next: '/favorites' }
      const answer = await alice.post('/login', wrong, { as })
      assert.equal(told(answer), again[as], `${mailaddress} as ${as}`)
      assert.match(answer.text, /Email address or password is incorrect/)
      if (as !== 'json') assert.match(answer.text, /name="next" value="\/favorites"/)
    }
    assert.equal(await nameOf(alice), 'Alice', as)
  }
  assert.equal(await sessionsIn(app), 2)
})

test('signed in: the forms redirect to `next` if it is a path of this site, else to the timeline', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  const places = {
    '/search?q=goose': '/search?q=goose',
    '//evil.example': '/timeline',
    '': '/timeline',
  }
  for (const path of ['/login', '/register']) {
    for (const as of everybody) {
      for (const [next, to] of Object.entries(places)) {
        const answer = await alice.get(`${path}?next=${encodeURIComponent(next)}`, { as })
        assert.equal(told(answer), `302 ${to}`, `${path} ${next} as ${as}`)
      }
      assert.equal(told(await alice.get(path, { as })), '302 /timeline')
      assert.equal(told(await app.visitor().get(path, { as })), '200 page')
    }
    assert.equal((await alice.send(path, { method: 'HEAD' })).location, '/timeline')
  }
})

test('signed in: signing up a new address creates the account and switches to it; a taken one is a login', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  await app.person('Bob')
  const again = { program: '422 page', json: '422 json', browser: '422 page', htmx: '422 partial' }
  for (const as of everybody) {
    await alice.post('/login', alices)
    const mailaddress = `carol-${as}@example.org`
    const carol = { name: 'Carol', mailaddress, password: 'password-of-Carol', next: '/following' }
    assert.equal(told(await alice.post('/register', carol, { as })), '303 /following')
    assert.equal(await nameOf(alice), 'Carol')
    const taken = { name: 'Bob', ...bobs }
    const wrong = await alice.post('/register', { ...taken, password: 'wrong password' }, { as })
    assert.equal(told(wrong), again[as])
    assert.match(wrong.text, /This email address is already registered/)
    assert.equal(await nameOf(alice), 'Carol')
    assert.equal(told(await alice.post('/register', taken, { as })), '303 /timeline')
    assert.equal(await nameOf(alice), 'Bob')
    assert.equal(told(await alice.post('/register', taken, { as })), '303 /timeline')
  }
})

test('a script that registers and logs in, in any order, is signed in each time', async () => {
  await using app = await startApp()
  const script = app.visitor()
  const fields = { name: 'Robot', mailaddress: 'robot@example.org', password: 'password123' }
  for (const path of ['/register', '/login', '/register', '/login', '/login'])
    assert.equal(told(await script.post(path, fields)), '303 /timeline', path)
  assert.equal(await sessionsIn(app), 1)
})

test('the redirect back works after sign-up, too, and after a mistake', async () => {
  await using app = await startApp()
  const visitor = app.visitor()
  const sent = await visitor.get('/search?q=caf%C3%A9&limit=5', { as: 'browser' })
  const form = await visitor.get(sent.location!, { as: 'browser' })
  const hidden = [...form.text.matchAll(/name="next" value="([^"]*)"/g)].map(([, value]) => value)
  // The four demo buttons, the login form and the sign-up form.
  assert.deepEqual(hidden, Array(6).fill('/search?q=caf%C3%A9&amp;limit=5'))
  const next = hidden[0]!.replace('&amp;', '&')
  const fields = { name: 'Nell', mailaddress: 'nell@example.org', password: 'short', next }
  const mistake = await visitor.post('/register', fields, { as: 'browser' })
  assert.equal(mistake.status, 422)
  assert.match(mistake.text, /name="next" value="\/search\?q=caf%C3%A9&amp;limit=5"/)
  const right = await visitor.post('/register', { ...fields, password: 'long enough' })
  assert.equal(told(right), `303 ${next}`)
  const own = await app.visitor().get('/register?next=%2Ffollowers', { as: 'browser' })
  assert.match(own.text, /<h1>Sign up<\/h1>[^]*name="next" value="\/followers"/)
})

test('`next` is checked to be a path of this site before it is put in a form, a header or a URL', async () => {
  await using app = await startApp()
  await app.person('Alice')
  const places: [next: string, to: string][] = [
    ['/@alice?x=1#here', '/@alice?x=1#here'],
    ['/search?q=\u6771\u4eac', '/search?q=%E6%9D%B1%E4%BA%AC'],
    ['/search?q=caf\u00e9', '/search?q=caf%C3%A9'],
    ['/a b"c', '/a%20b%22c'],
    ['/a\u007f', '/a%7F'],
  ]
  const strange = [
    '//evil.example',
    '/\\evil.example',
    '/.//evil.example',
    '/..//evil.example',
    '/./\\evil.example',
    'https://evil.example',
    'javascript:alert(1)',
    'timeline',
    ' /timeline',
    '/a\tb',
    '/\u00001',
    '/\u00021\u0003',
    `/${'x'.repeat(2000)}`,
  ]
  for (const next of strange) places.push([next, '/timeline'])
  for (const [next, to] of places) {
    const what = JSON.stringify(next.slice(0, 40))
    const login = await app.visitor().post('/login', { ...alices, next })
    assert.equal(told(login), `303 ${to}`, what)
    const form = await app.visitor().get(`/login?next=${encodeURIComponent(next)}`)
    const hidden = /name="next" value="([^"]*)"/.exec(form.text)?.[1]
    assert.equal(hidden, to === '/timeline' ? undefined : to, what)
    const wrong = await app.visitor().post('/login', { ...alices, password: 'wrong one', next })
    assert.equal(/name="next" value="([^"]*)"/.exec(wrong.text)?.[1], hidden, what)
  }
})

test('control characters are never returned in the form', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  const strange = 'a\u0000b\u0002c\u001bd\u007f'
  const sent: [who: Someone, path: string, fields: Record<string, string>][] = [
    [app.visitor(), '/login', { mailaddress: strange, password: 'password123' }],
    [app.visitor(), '/register', { name: strange, mailaddress: strange, password: 'password123' }],
    [alice, '/post', { msg: strange }],
    [alice, '/account/profile', { name: strange, bio: strange }],
  ]
  for (const [who, path, fields] of sent) {
    const answer = await who.post(path, fields, { as: 'browser' })
    assert.equal(told(answer), '422 page', path)
    assert.match(answer.text, /There is a control character in the text\./, path)
    assert.match(answer.text, /abcd/, path)
    assert.doesNotMatch(answer.text, /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]/, path)
  }
})

test('if the database is not writable, a sign-in fails and the old session stays', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  await app.person('Bob')
  const { db } = app.database
  await db.run(
    sql`create trigger full before insert on sessions begin select raise(abort, 'database or disk is full'); end`,
  )
  assert.ok((await alice.post('/login', bobs)).status >= 500)
  assert.equal(await nameOf(alice), 'Alice')
})

// Drafts over HTTP: a session ends while somebody writes. Where sign-in redirects to, and what happens to the text.
import assert from 'node:assert/strict'
import test from 'node:test'

import { placeholder } from '../src/ui/fragment-cache.ts'
import { startApp, told, type Answer, type Someone, type TestApp } from './harness.ts'

const site = 'http://localhost:5000'
const credentials = (name: string) => ({
  mailaddress: `${name.toLowerCase()}@example.org`,
  password: `password-of-${name}`,
})

/** The hidden fields of a form, as a browser would send them. */
function hidden(text: string, form: string): Record<string, string> {
  const inside = new RegExp(`<form[^>]*id="${form}"[\\s\\S]*?</form>`).exec(text)?.[0] ?? ''
  const fields = [...inside.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)"/g)]
  return Object.fromEntries(fields.map(([, name, value]) => [name, unescaped(value!)]))
}

const entities = { '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'", '&amp;': '&' }
const unescaped = (text: string) =>
  text.replace(/&(?:lt|gt|quot|#39|amp);/g, (entity) => entities[entity as keyof typeof entities])

/** Removes the session cookie of the browser; the other cookies stay. */
function endSession({ cookies }: Someone): void {
  for (const name of cookies.keys()) if (name.endsWith('session')) cookies.delete(name)
}

/** The text in the form for a new tweet. */
const composed = ({ text }: Answer) =>
  unescaped(/<textarea[^>]*id="msg"[^>]*>([^<]*)</.exec(text)?.[1] ?? '')

/** Alice's form for a new tweet, in a browser whose session has ended since. */
async function writing(app: TestApp): Promise<{ alice: Someone; form: Record<string, string> }> {
  const alice = await app.person('Alice')
  const form = hidden((await alice.get('/post', { as: 'browser' })).text, 'composer')
  endSession(alice)
  return { alice, form }
}

test('a text posted without a session survives sign-in, also after a wrong password, and is not posted by it', async () => {
  await using app = await startApp()
  const { alice, form } = await writing(app)
  const msg = 'Half a thought, "quoted" & <b>bold</b>\nand a second line'
  for (const path of ['/post', '/tweet']) {
    const asked = await alice.post(path, { ...form, msg }, { as: 'browser' })
    assert.equal(told(asked), '401 page')
    assert.equal(asked.headers.get('Cache-Control'), 'private, no-store')
    const kept = hidden(asked.text, 'login-form')
    assert.equal(kept['draft'], msg)
    assert.equal(kept['next'], '/post')
    const right = credentials('Alice')
    const wrong = { ...kept, ...right, password: 'something else' }
    const again = await alice.post('/login', wrong, { as: 'browser' })
    assert.equal(told(again), '422 page')
    assert.deepEqual(hidden(again.text, 'login-form'), kept)
    const back = await alice.post('/login', { ...kept, ...right }, { as: 'browser' })
    assert.equal(told(back), '200 page')
    assert.equal(composed(back), msg)
    assert.equal(hidden(back.text, 'composer')['key'], form['key'], 'sent twice it is one tweet')
    assert.equal(back.headers.get('Cache-Control'), 'private, no-store')
    assert.match(back.text, /Hello, Alice/)
    const timeline = await alice.get('/timeline', { as: 'browser' })
    assert.doesNotMatch(timeline.text, /Half a thought/, 'nothing is posted by signing in')
    endSession(alice)
  }
})

test('another user who signs in or signs up does not see the text', async () => {
  await using app = await startApp()
  await app.person('Bob')
  const { alice, form } = await writing(app)
  const asked = await alice.post('/post', { ...form, msg: 'only mine' }, { as: 'browser' })
  const kept = hidden(asked.text, 'login-form')
  const bob = await alice.post('/login', { ...kept, ...credentials('Bob') }, { as: 'browser' })
  assert.equal(told(bob), '303 /post')
  assert.doesNotMatch((await alice.get('/post', { as: 'browser' })).text, /only mine/)
  endSession(alice)
  const carried = hidden(asked.text, 'register-form')
  const newcomer = { ...carried, name: 'Carl', ...credentials('Carl') }
  assert.equal((await alice.post('/register', newcomer, { as: 'browser' })).status, 303)
  assert.doesNotMatch((await alice.get('/post', { as: 'browser' })).text, /only mine/)
  endSession(alice)
  const known = { ...carried, name: 'Alice', ...credentials('Alice') }
  assert.equal(composed(await alice.post('/register', known, { as: 'browser' })), 'only mine')
})

test('a form without an author: the cookie of the page before names the author', async () => {
  await using app = await startApp()
  await app.person('Bob')
  const { alice } = await writing(app)
  const asked = await alice.post('/post', { msg: 'only mine' }, { as: 'browser' })
  const kept = hidden(asked.text, 'login-form')
  const bob = await alice.post('/login', { ...kept, ...credentials('Bob') }, { as: 'browser' })
  assert.equal(bob.status, 303)
  endSession(alice)
  const back = await alice.post('/login', { ...kept, ...credentials('Alice') }, { as: 'browser' })
  assert.equal(composed(back), 'only mine')
})

test('the text of one user is not posted as another who has signed in since', async () => {
  await using app = await startApp()
  const { form } = await writing(app)
  const bob = await app.person('Bob')
  const words = { ...form, msg: 'written by Alice' }
  assert.equal(told(await bob.post('/post', words, { as: 'browser' })), '409 page')
  assert.equal(told(await bob.post('/tweet', words, { as: 'htmx' })), '409 partial')
  assert.equal(told(await bob.post('/tweet', words)), '409 json')
  assert.equal(told(await bob.post('/tweet', { ...words, author: '\u0002x' })), '400 json')
  assert.doesNotMatch((await bob.get('/timeline')).text, /written by Alice/)
})

test('an invalid draft is shown unchanged, and a long one fits in the form', async () => {
  await using app = await startApp()
  const { alice, form } = await writing(app)
  const forged = `\u00020\u0003${placeholder(0).replace(/[\w-]{22}/, 'x'.repeat(22))}`
  for (const msg of [
    forged,
    '\u0001bell\u0007 \u001bend',
    '"><script>x</script>',
    '語'.repeat(7000),
  ]) {
    const body = new FormData()
    for (const [name, value] of Object.entries({ ...form, msg })) body.set(name, value)
    const asked = await alice.send('/post', { method: 'POST', body }, { as: 'browser' })
    assert.equal(told(asked), '401 page')
    assert.doesNotMatch(asked.text, /<script>x/)
    const kept = hidden(asked.text, 'login-form')
    assert.equal(kept['draft'], msg.slice(0, 5000))
    const login = { ...kept, ...credentials('Alice') }
    assert.ok(new URLSearchParams(login).toString().length < app.settings.MAX_BODY_BYTES)
    const back = await alice.post('/login', login, { as: 'browser' })
    assert.equal(composed(back), msg.slice(0, 5000))
    endSession(alice)
  }
  const nothing = await alice.post('/post', { ...form, msg: ' \n ' }, { as: 'browser' })
  assert.equal(told(nothing), '303 /login?next=%2Fpost')
})

test('a draft is in no URL, no cookie and no span', async () => {
  await using app = await startApp()
  const { alice, form } = await writing(app)
  const msg = 'canarydraft'
  const asked = await alice.post('/post', { ...form, msg }, { as: 'browser' })
  const kept = hidden(asked.text, 'login-form')
  const back = await alice.post('/login', { ...kept, ...credentials('Alice') }, { as: 'browser' })
  for (const answer of [asked, back]) {
    assert.match(answer.text, /canarydraft/)
    const spans = answer.spans.map(({ name, attributes, events }) => ({ name, attributes, events }))
    assert.ok(spans.length > 0)
    assert.doesNotMatch(JSON.stringify([spans, [...answer.headers]]), /canarydraft/)
  }
})

test('sign-in redirects to the page where a button was pressed, and never to another site', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  await alice.tweet('hello')
  const visitor = app.visitor()
  const long = `/search?q=${'x'.repeat(3000)}`
  const actions: [path: string, from: string | undefined, place: string][] = [
    ['/favorite/1', `${site}/tweet/1`, '/tweet/1'],
    ['/favorite/1', `${site}/?limit=40`, '/?limit=40'],
    ['/follow/1', `${site}/@alice`, '/@alice'],
    ['/favorite/1', undefined, '/tweet/1'],
    ['/follow/1', undefined, '/user/1'],
    ['/tweet/1/delete', undefined, '/tweet/1/delete'],
    ['/account/profile', `${site}/account/profile`, '/account'],
    ['/account/delete', undefined, '/account'],
    ['/favorite/1', 'https://evil.test/tweet/1', '/tweet/1'],
    ['/favorite/1', 'http://localhost:5001/timeline', '/tweet/1'],
    ['/favorite/1', `${site}//evil.test/`, '/timeline'],
    ['/favorite/1', `${site}/\\evil.test/`, '/timeline'],
    ['/favorite/1', 'javascript:alert(1)', '/tweet/1'],
    ['/favorite/1', `${site}/login?next=/account`, ''],
    ['/favorite/1', `${site}${long}`, '/timeline'],
    ['/favorite/1', `${site}/search?q=a%0d%0aSet-Cookie:x`, '/search?q=a%0d%0aSet-Cookie:x'],
  ]
  for (const [path, from, place] of actions) {
    const to = place ? `/login?next=${encodeURIComponent(place)}` : '/login'
    const browser = { as: 'browser', headers: from === undefined ? {} : { Referer: from } } as const
    assert.equal(told(await visitor.post(path, undefined, browser)), `303 ${to}`, from)
    const htmx = {
      as: 'htmx',
      headers: from === undefined ? {} : { 'HX-Current-URL': from, Referer: `${site}/account` },
    } as const
    assert.equal(told(await visitor.post(path, undefined, htmx)), `401 HX ${to}`, from)
    assert.equal(told(await visitor.post(path)), '401 json')
  }
  const back = await visitor.post('/login', { ...credentials('Alice'), next: '/tweet/1' })
  assert.equal(told(back), '303 /tweet/1')
  const page = await visitor.get('/tweet/1', { as: 'browser' })
  assert.match(
    page.text,
    /class="btn-favorite"[^>]* aria-pressed="false"/,
    'offered again, not repeated',
  )
})

test('sign-in redirects from the next slice of a list to its page, from a search to its results', async () => {
  await using app = await startApp()
  const visitor = app.visitor()
  const here = { as: 'htmx', headers: { 'HX-Current-URL': `${site}/timeline?through=7` } } as const
  const led = async (path: string) => told(await visitor.get(path, here))
  const to = (place: string) => `401 HX /login?next=${encodeURIComponent(place)}`
  assert.equal(await led('/timeline?before=3'), to('/timeline?through=7'))
  assert.equal(await led('/search?q=goose'), to('/search?q=goose'))
})

test('a cookie marks whom the page is for; /session tells whether that has changed', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  const check = async (changed = '') =>
    alice.get(`/session${changed}`, { headers: { 'Sec-Fetch-Site': 'same-origin' } })
  const mark = /data-viewer="([^"]*)"/
  const page = await alice.get('/timeline', { as: 'browser' })
  const mine = mark.exec(page.text)![1]!
  assert.match(mine, new RegExp(`^${alice.id}-[0-9a-f]{16}$`))
  assert.equal(alice.cookies.get('tracewren_viewer'), mine)
  assert.doesNotMatch(page.text, /\/session\?changed/)
  assert.equal((await check()).text, mine)
  const elsewhere = app.visitor()
  await elsewhere.post('/login', credentials('Alice'))
  await elsewhere.post('/account/sessions')
  assert.equal((await check()).text, '0')
  const after = await alice.get('/', { as: 'browser' })
  assert.equal(mark.exec(after.text)![1], '0')
  assert.equal(alice.cookies.get('tracewren_viewer'), '0')
  assert.match(after.text, /<noscript><img src="\/session\?changed"/)
  assert.match(after.headers.getSetCookie().join(), /tracewren_changed=1;[^,]*HttpOnly/)
  assert.equal((await check()).headers.get('Clear-Site-Data'), null)
  assert.equal((await check('?changed')).headers.get('Clear-Site-Data'), '"cache"')
  const foreign = { headers: { 'Sec-Fetch-Site': 'cross-site' } }
  const asked = await alice.get('/session?changed', foreign)
  assert.equal(asked.headers.get('Clear-Site-Data'), null)
  await app.person('Bob')
  const shared = await app.person('Carl')
  endSession(shared)
  const switched = await shared.post('/login', credentials('Bob'))
  assert.equal(switched.headers.get('Clear-Site-Data'), '"cache"', 'the pages of Carl go')
  const json = { 'Content-Type': 'application/json', 'Content-Length': '2' }
  const init = { method: 'POST', body: '{}' }
  const refused = await elsewhere.send('/tweet', init, { as: 'browser', headers: json })
  assert.equal(told(refused), '415 page')
  assert.doesNotMatch(refused.text, /data-viewer/, 'nobody has looked who this is')
})

test('pages with data of one person are not cached by the browser', async () => {
  await using app = await startApp({ DEMO: '0', OPERATORS: 'alice@example.org' })
  const alice = await app.person('Alice')
  const id = await alice.tweet('hello')
  const cache = async (answer: Promise<Answer>) => (await answer).headers.get('Cache-Control')
  const as = 'browser' as const
  const broken = { name: '', bio: 'x' }
  const given = { mailaddress: 'alice@example.org', password: 'no' }
  for (const [what, answer] of Object.entries({
    account: alice.get('/account', { as }),
    'account again': alice.post('/account/profile', broken, { as }),
    'to delete': alice.get(`/tweet/${id}/delete`, { as }),
    'a draft': alice.post('/post', { msg: 'x'.repeat(300) }, { as }),
    login: app.visitor().post('/login', given, { as }),
    register: app.visitor().post('/register', { name: 'Bob', ...given }, { as }),
  })) {
    assert.equal(await cache(answer), 'private, no-store', what)
  }
  assert.equal(await cache(alice.get('/timeline', { as })), 'private, no-cache')
  assert.equal(await cache(alice.get('/post', { as })), 'private, no-cache')
})

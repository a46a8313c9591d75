// A form refused by a rate limit is shown again with what was typed and a sentence; search as you type.
import assert from 'node:assert/strict'
import test from 'node:test'

import { startApp, told, type ClientKindName, type Someone } from './harness.ts'

const once = '1/60'
const strict = {
  LIMIT_LOGIN_CLIENT: once,
  LIMIT_REGISTER: '2/60',
  LIMIT_REGISTER_ATTEMPT: once,
  LIMIT_WRITE: once,
  LIMIT_ACCOUNT: once,
}
const sentence =
  /<(p|span) [^>]*class="[^"]*problem"[^>]*role="alert">\s*That was too often\. Try again in 60 seconds\./
const secret = 'a secret password'

type Sent = {
  path: string
  fields: Record<string, string>
  /** The typed text in the form that is shown again. */
  kept: RegExp[]
  /** The answer to a program. */
  program: string
}

const draft = 'Rolls <b>are</b> out &\nAdmiral is in'
const words = /<textarea[^>]*>Rolls &lt;b&gt;are&lt;\/b&gt; out &amp;\nAdmiral is in<\/textarea>/
const forms: Sent[] = [
  ...['/post', '/tweet'].map((path) => ({
    path,
    fields: { msg: draft, key: 'key-of-mine' },
    kept: [words, /name="key" value="key-of-mine"/],
    program: path === '/post' ? '429 page' : '429 json',
  })),
  {
    path: '/login',
    fields: { mailaddress: 'nell@example.org', password: secret, next: '/@nell' },
    kept: [/name="mailaddress"[^>]*value="nell@example.org"/, /name="next" value="\/@nell"/],
    program: '429 page',
  },
  {
    path: '/register',
    fields: { name: 'Nell', mailaddress: 'nell@x', password: 'short', next: '/@nell' },
    kept: [/value="Nell"/, /value="nell@x"/, /name="next" value="\/@nell"/],
    program: '429 page',
  },
  {
    path: '/account/profile',
    fields: { name: 'Captain', bio: 'Forty years on the water' },
    kept: [/value="Captain"/, />Forty years on the water<\/textarea>/],
    program: '429 json',
  },
  {
    path: '/account/password',
    fields: { current: secret, fresh: secret },
    kept: [/action="\/account\/password"/],
    program: '429 json',
  },
  { path: '/account/sessions', fields: {}, kept: [/Sign out everywhere/], program: '429 json' },
  {
    path: '/account/delete',
    fields: { farewell: secret },
    kept: [/Delete my account/],
    program: '429 json',
  },
]

const countForms = (text: string) => text.match(/<form /g)?.length ?? 0

async function refused({ path, fields }: Sent, as: ClientKindName) {
  await using app = await startApp(strict)
  const who = await app.person('Mara')
  let answer = await who.post(path, fields, { as: 'program' })
  assert.notEqual(answer.status, 429, path)
  answer = await who.post(path, fields, { as })
  assert.equal(answer.status, 429, `${path} as ${as}`)
  assert.match(answer.headers.get('Retry-After')!, /^([1-9]|[1-5]\d|60)$/)
  assert.match(String(answer.spans.at(-1)!.attributes['app.error.slug']), /^rate_limit_/)
  assert.ok(!answer.text.includes(secret), `${path} as ${as}`)
  return answer
}

test('a form over its rate limit: a browser gets the page with the typed text, htmx the form, a program the error', async () => {
  for (const one of forms) {
    const page = await refused(one, 'browser')
    assert.equal(told(page), '429 page', one.path)
    const partial = await refused(one, 'htmx')
    assert.equal(told(partial), '429 partial', one.path)
    assert.equal(countForms(partial.text), 1, one.path)
    for (const { text } of [page, partial]) {
      assert.match(text, sentence, one.path)
      assert.equal(text.match(/That was too often/g)!.length, 1, 'said by the form that was sent')
      for (const typed of one.kept) assert.match(text, typed, one.path)
    }
    assert.equal(told(await refused(one, 'json')), '429 json', one.path)
    assert.equal(told(await refused(one, 'program')), one.program, one.path)
  }
})

test('htmx gets the form of the account page as a partial when it breaks a rule, too', async () => {
  await using app = await startApp()
  const mara = await app.person('Mara')
  const fields = { name: '', bio: 'x' }
  const answer = await mara.post('/account/profile', fields, { as: 'htmx' })
  assert.equal(told(answer), '422 partial')
  assert.equal(countForms(answer.text), 1)
  assert.match(answer.text, /Tell us your name\./)
})

test('a form that cannot be shown again is answered like other errors', async () => {
  await using app = await startApp(strict)
  const mara = await app.person('Mara')
  await mara.post('/account/profile', { name: 'Mara', bio: 'x' })
  const broken = { 'Content-Type': 'multipart/form-data; boundary=x', 'Content-Length': '5' }
  const init = { method: 'POST', body: 'rubbi' }
  const answer = await mara.send('/account/profile', init, { as: 'browser', headers: broken })
  assert.equal(told(answer), '429 page')
  assert.match(answer.text, /That was too often/)
})

const search = (who: Someone, q: string, as: ClientKindName) =>
  who.get(`/search?q=${encodeURIComponent(q)}`, { as })

test('on a strict instance typing for a minute is allowed; whole pages have the usual limit', async () => {
  await using app = await startApp({ DEMO: '0' })
  const mara = await app.person('Mara')
  // A request each 250 ms: the page waits at least that long.
  for (let key = 1; key <= 240; key++)
    assert.equal((await search(mara, 'g'.repeat(1 + (key % 30)), 'htmx')).status, 200, `key ${key}`)
  for (let page = 1; page <= 60; page++)
    assert.equal((await search(mara, 'a', 'browser')).status, 200)
  assert.equal((await search(mara, 'a', 'browser')).status, 429)
  assert.equal((await search(mara, 'a', 'program')).status, 429)
  assert.equal((await mara.get('/search?q=a&before=9', { as: 'htmx' })).status, 429)
  for (let key = 241; key <= 300; key++) assert.equal((await search(mara, 'a', 'htmx')).status, 200)
  assert.equal((await search(mara, 'a', 'htmx')).status, 429)
})

test('a refused search is shown in the status line, and the search words stay', async () => {
  await using app = await startApp({ LIMIT_SEARCH: once, LIMIT_SEARCH_TYPING: once })
  const mara = await app.person('Mara')
  for (const as of ['browser', 'htmx'] as const) {
    const found = await search(mara, 'goose', as)
    assert.match(found.text, /role="status">\s*0 tweets found/)
    const refusedOne = await search(mara, 'ferry "and', as)
    assert.equal(told(refusedOne), as === 'htmx' ? '429 partial' : '429 page')
    assert.match(
      refusedOne.text,
      /role="status">\s*That was too often\. Try again in \d+ seconds?\./,
    )
    assert.doesNotMatch(refusedOne.text, /tweets found|<article|class="empty-state"/)
    if (as === 'browser') assert.match(refusedOne.text, /value="ferry &quot;and"/)
  }
})

// What an instance says about itself: its name, its line, its rules, and only what is true of it.
import assert from 'node:assert/strict'
import test from 'node:test'

import { startApp, told } from '../../test/harness.ts'
import { readSettings } from '../config/env.ts'

const given = {
  SITE_NAME: 'Birds & <b>Bees</b>',
  SITE_TAGLINE: 'Of "all" <i>things</i> that fly',
  SITE_RULES: 'Be kind.\nNo <script>alert(1)</script>\n\nשלום',
}

test('name, tagline and rules stand on the pages, escaped', async () => {
  await using app = await startApp(given)
  const visitor = app.visitor()
  const start = (await visitor.get('/', { as: 'browser' })).text
  const name = 'Birds &amp; &lt;b&gt;Bees&lt;/b&gt;'
  assert.match(start, new RegExp(`<title>Trends - ${name}</title>`))
  assert.match(start, new RegExp(`<span>${name}</span>`))
  assert.match(start, new RegExp(`property="og:site_name" content="${name}"`))
  assert.match(start, /Of &quot;all&quot; &lt;i&gt;things&lt;\/i&gt; that fly/)
  assert.match(start, /href="\/site\.webmanifest"/)
  for (const path of ['/', '/login', '/register', '/rules', '/@nobody']) {
    const { text } = await visitor.get(path, { as: 'browser' })
    assert.doesNotMatch(text, /<b>Bees|<i>things|<script>alert|Tracewren/, path)
  }
  const manifest = await visitor.get('/site.webmanifest')
  const { name: named, short_name, icons } = JSON.parse(manifest.text) as Record<string, unknown>
  assert.deepEqual([named, short_name], [given.SITE_NAME, given.SITE_NAME])
  assert.ok(Array.isArray(icons) && icons.length > 1)
  for (const path of ['/rules', '/register']) {
    const { text } = await visitor.get(path, { as: 'browser' })
    assert.match(
      text,
      /dir="auto">\s*Be kind\.\nNo &lt;script&gt;alert\(1\)&lt;\/script&gt;\n\nשלום/,
    )
  }
  const again = await visitor.post(
    '/register',
    { name: 'New', mailaddress: 'new@example.org', password: 'x' },
    { as: 'htmx' },
  )
  assert.equal(told(again), '422 partial')
  assert.match(again.text, /Be kind\./)
  const person = await app.person('Alice')
  assert.match((await person.get('/timeline')).text, /<title>Timeline - Birds/)
})

test('without settings it is Tracewren, without rules; two instances of one process do not mix', async () => {
  await using named = await startApp(given)
  await using plain = await startApp()
  await named.visitor().get('/', { as: 'browser' })
  const { text } = await plain.visitor().get('/', { as: 'browser' })
  assert.match(text, /<title>Trends - Tracewren<\/title>/)
  assert.doesNotMatch(text, /Birds|\/rules|site\.webmanifest/)
  assert.match((await plain.visitor().get('/rules')).text, /Tracewren has no rules of its own/)
})

test('limits of the settings, with a sentence', () => {
  const wrong: [env: Record<string, string>, sentence: RegExp][] = [
    [{ SITE_NAME: 'x'.repeat(31) }, /^SITE_NAME is .* accepts up to 30 characters in one line/],
    [{ SITE_NAME: 'a\nb' }, /^SITE_NAME/],
    [{ SITE_NAME: '\u200b' }, /with at least one to be seen/],
    [{ SITE_TAGLINE: 'x'.repeat(121) }, /^SITE_TAGLINE .* up to 120/],
    [{ SITE_TAGLINE: 'a\u0007' }, /^SITE_TAGLINE/],
    [{ SITE_RULES: 'x'.repeat(5001) }, /^SITE_RULES .* up to 5000/],
  ]
  for (const [env, sentence] of wrong)
    assert.throws(
      () => readSettings(env),
      (error: Error) => sentence.test(error.message) && error.message.length < 6000,
    )
  assert.equal(readSettings({ SITE_RULES: ' a\r\nb ' }).site.rules, 'a\nb')
  assert.equal(readSettings({ SITE_NAME: '🐦'.repeat(30) }).site.name.length, 60)
})

test('without demo and inspector no page promises a town or what it did', async () => {
  await using app = await startApp({ DEMO: '0' })
  for (const path of ['/', '/login', '/register']) {
    const { text } = await app.visitor().get(path, { as: 'browser' })
    assert.doesNotMatch(text, /what it did|see through|small town|Nothing is trending/, path)
    assert.match(text, /href="\/register"/)
  }
  const demo = await startApp()
  await using _ = demo
  assert.match((await demo.visitor().get('/')).text, /what it did[\s\S]*small town/)
})

test('where registration is closed no page offers to sign up', async () => {
  await using app = await startApp({ REGISTRATION: 'closed' })
  for (const path of ['/', '/login', '/rules'])
    assert.doesNotMatch((await app.visitor().get(path, { as: 'browser' })).text, /Sign up/, path)
})

test('the start page of a young instance: nothing yet, then the newest, then the trends', async () => {
  await using app = await startApp({ DEMO: '0' })
  const start = async () => (await app.visitor().get('/', { as: 'browser' })).text
  assert.match(await start(), /Nobody has posted anything yet/)
  const signUp = async (name: string) => {
    const someone = app.visitor()
    await someone.post('/register', {
      name,
      mailaddress: `${name}@example.org`,
      password: 'correct horse',
    })
    return someone
  }
  const [alice, bob] = [await signUp('alice'), await signUp('bob')]
  assert.match((await alice.get('/', { as: 'browser' })).text, /href="\/post">Write the first post/)
  const id = await alice.tweet('first words')
  const second = await bob.tweet('second words')
  const young = await start()
  assert.match(young, /Little is trending yet/)
  assert.match(young, /second words[\s\S]*first words/)
  for (const who of [alice, bob]) await who.post(`/favorite/${id}`)
  assert.match(await start(), /Little is trending yet[\s\S]*second words[\s\S]*first words/)
  for (const who of [alice, bob]) await who.post(`/favorite/${second}`)
  await bob.tweet('third words')
  const later = await start()
  assert.match(later, /second words/)
  assert.match(later, /first words/)
  assert.doesNotMatch(later, /third words|Little is trending/)
})

// Quotes, for each kind of client.
import assert from 'node:assert/strict'
import test from 'node:test'

import { sql } from 'drizzle-orm'

import { expectQueries } from '../../../test/budget.ts'
import { startApp, told, type Answer, type TestApp } from '../../../test/harness.ts'

const words = ({ text }: Pick<Answer, 'text'>) =>
  text.replace(/<script[\s\S]*?<\/script>|<[^>]*>/g, ' ').replace(/\s+/g, ' ')
const quotes = ({ text }: Answer) =>
  [...text.matchAll(/<(blockquote|p) class="quoted[\s\S]*?<\/\1>/g)].map(([one]) =>
    words({ text: one }).trim(),
  )
const bySql = async (app: TestApp, text: string) => {
  const rows = await app.database.db.values<[number]>(sql.raw(text))
  return rows.map((row) => Object.values(row)[0])
}

async function town() {
  const app = await startApp()
  const [alice, bob] = [await app.person('Alice'), await app.person('Bob')]
  await bob.post(`/follow/${alice.id}`)
  await alice.post(`/follow/${bob.id}`)
  return { app, alice, bob, id: await alice.tweet('Where is the <b>goose</b>?\n  #geese') }
}

test('without JavaScript: the link below a card leads to a form with the quoted post; it is a post of its own', async () => {
  const { app, alice, bob, id } = await town()
  await using _ = app
  const card = await bob.get('/timeline', { as: 'browser' })
  assert.match(card.text, new RegExp(`<a class="quote" href="/post\\?quote=${id}"`))
  const form = await bob.get(`/post?quote=${id}`, { as: 'browser' })
  assert.match(form.text, /<title>Quote/)
  assert.match(form.text, new RegExp(`name="quote" value="${id}"`))
  assert.match(form.text, new RegExp(`<textarea id="quote-${id}" name="msg"`))
  assert.deepEqual(quotes(form), ['Alice @alice Where is the &lt;b&gt;goose&lt;/b&gt;? #geese'])
  expectQueries(form, 3)

  const posted = await bob.post(
    '/post',
    { msg: 'I know!', quote: String(id), key: 'one' },
    { as: 'browser' },
  )
  assert.equal(told(posted), '303 /timeline')
  const own = id + 1
  for (const path of ['/timeline', '/@bob', `/tweet/${own}`, '/search?q=know']) {
    const page = await alice.get(path, { as: 'browser' })
    assert.deepEqual(
      quotes(page),
      ['Alice @alice Where is the &lt;b&gt;goose&lt;/b&gt;? #geese'],
      path,
    )
    assert.match(page.text, new RegExp(`class="username" href="/tweet/${id}"`))
  }
  assert.match(words(await alice.get('/@bob')), / 1 post /, 'it counts as a post')
  assert.deepEqual(await bySql(app, 'select quote_of from tweets'), [null, id])
  assert.deepEqual(await bySql(app, 'select in_timeline from tweets'), [1, 1])
  assert.deepEqual(await bySql(app, 'select retweet_count + reply_count from tweets'), [0, 0])
  expectQueries(await alice.get('/timeline', { as: 'browser' }), 2)
})

test('a quoted post that is deleted: "This post is gone", the quote stays', async () => {
  const { app, alice, bob, id } = await town()
  await using _ = app
  await bob.post('/tweet', { msg: 'I know!', quote: String(id) })
  assert.equal(quotes(await bob.get('/@bob')).length, 1)
  await alice.post(`/tweet/${id}/delete`)
  assert.deepEqual(quotes(await bob.get('/@bob')), ['This post is gone.'])
  assert.equal((await bob.get(`/post?quote=${id}`)).status, 404)
  // Of a deleted account likewise, and its words are not kept in the cache of cards.
  const second = await alice.tweet('Another')
  await bob.post('/tweet', { msg: 'Hm', quote: String(second) })
  assert.match(quotes(await bob.get('/@bob'))[0]!, /Another/)
  await app.database.db.run(sql`delete from users where id = ${alice.id}`)
  assert.deepEqual(quotes(await bob.get('/@bob')), ['This post is gone.', 'This post is gone.'])
})

test('of a retweet, its original is quoted; a quote can be retweeted, liked and quoted', async () => {
  const { app, alice, bob, id } = await town()
  await using _ = app
  await bob.post(`/retweet/${id}`)
  const form = await bob.get(`/post?quote=${id + 1}`, { as: 'browser' })
  assert.match(form.text, new RegExp(`name="quote" value="${id}"`))
  const quote = await bob.tweet('plain')
  await bob.post('/tweet', { msg: 'Look', quote: String(id + 1) })
  assert.deepEqual(await bySql(app, `select quote_of from tweets where id > ${quote}`), [id])
  await alice.post(`/retweet/${quote + 1}`)
  assert.deepEqual(quotes(await alice.get('/@alice')).length, 1, 'the retweet shows what it quotes')
  await alice.post('/tweet', { msg: 'Look, who looks', quote: String(quote + 1) })
  assert.match(quotes(await alice.get('/@alice'))[0]!, /^Bob @bob Look$/)
})

test('what is wrong with quote: not a number, both, or gone; the text stays', async () => {
  const { app, alice, bob, id } = await town()
  await using _ = app
  const ways = [
    ['/post', 'browser'],
    ['/tweet', 'htmx'],
    ['/post', 'program'],
  ] as const
  for (const [wrong, sentence] of [
    [{ quote: 'x' }, /given by its number/],
    [{ quote: '-1' }, /given by its number/],
    [{ quote: '9'.repeat(16) }, /given by its number/],
    [{ quote: String(id), reply_to: String(id) }, /not both/],
  ] as const) {
    const fields = { msg: 'my words', ...wrong }
    assert.equal(told(await bob.post('/tweet', fields)), '400 json')
    for (const [path, as] of ways) {
      const answer = await bob.post(path, fields, { as })
      assert.equal(answer.status, 422, `${JSON.stringify(wrong)} as ${as}`)
      assert.match(answer.text, sentence)
      assert.match(answer.text, />my words<\/textarea>/)
    }
  }
  assert.equal(told(await bob.post('/tweet', { msg: 'x', quote: '' })), '200 json')
  assert.equal((await bob.get('/post?quote=x')).status, 400)
  assert.equal((await bob.get('/post?quote=')).status, 200)
  const long = await bob.post('/post', { msg: 'y'.repeat(281), quote: `${id}` }, { as: 'browser' })
  assert.equal(long.status, 422)
  assert.match(long.text, new RegExp(`name="quote" value="${id}"`), 'it is still a quote')
  assert.equal(quotes(long).length, 1)

  await alice.post(`/tweet/${id}/delete`)
  const fields = { msg: 'my words', quote: String(id), key: 'one' }
  assert.equal(told(await bob.post('/tweet', fields)), '404 json')
  for (const [path, as] of ways) {
    const answer = await bob.post(path, fields, { as })
    assert.equal(answer.status, 404, as)
    assert.match(answer.text, /role="alert">The post that this quotes is gone/)
    assert.match(answer.text, />my words<\/textarea>/)
    assert.match(answer.text, /name="key" value="one"/)
    assert.doesNotMatch(answer.text, /name="quote"|hx-post="\/tweet"/)
  }
  const never = await bob.post('/tweet', { msg: 'my words', quote: '0' })
  assert.match(never.text, /quotes is gone/)
  assert.deepEqual(await bySql(app, `select count(*) from tweets where msg = 'my words'`), [0])
})

test('a key and its words: the same quote is one, of another post it is another', async () => {
  const { app, alice, bob, id } = await town()
  await using _ = app
  const other = await alice.tweet('Other')
  for (const [fields, says] of [
    [{ quote: `${id}` }, 'Posted.'],
    [{ quote: `${id}` }, 'Already posted.'],
    [{ quote: `${other}` }, 'Posted.'],
    [{ reply_to: `${id}` }, 'Posted.'],
    [{}, 'Posted.'],
    [{ quote: `${other}` }, 'Already posted.'],
  ] as [Record<string, string>, string][]) {
    const answer = await bob.post('/tweet', { msg: 'Agreed', key: 'k', ...fields }, { as: 'htmx' })
    assert.ok(answer.text.includes(`<p class="toast">${says}`), JSON.stringify(fields))
    expectQueries(answer, 3)
  }
})

test('who is not signed in: a quote waits in the sign-in form, and is a quote afterwards', async () => {
  const { app, id } = await town()
  await using _ = app
  const out = app.visitor()
  assert.equal(
    told(await out.get(`/post?quote=${id}`, { as: 'browser' })),
    `302 /login?next=${encodeURIComponent(`/post?quote=${id}`)}`,
  )
  const fields = { msg: 'I know!', quote: String(id), author: '2', key: 'one' }
  const asked = await out.post('/post', fields, { as: 'browser' })
  assert.equal(asked.status, 401)
  assert.match(asked.text, new RegExp(`name="draft_quote" value="${id}"`))
  const back = await out.post(
    '/login',
    {
      mailaddress: 'bob@example.org',
      password: 'password-of-Bob',
      draft: fields.msg,
      draft_author: '2',
      draft_key: 'one',
      draft_quote: String(id),
    },
    { as: 'browser' },
  )
  assert.equal(told(back), '200 page')
  assert.match(back.text, new RegExp(`name="quote" value="${id}"`))
  assert.match(back.text, />I know!<\/textarea>/)
  assert.equal(quotes(back).length, 1)
})

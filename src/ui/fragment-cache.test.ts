import assert from 'node:assert/strict'
import test from 'node:test'

import { sql } from 'drizzle-orm'
import { raw } from 'hono/html'

import { startApp } from '../../test/harness.ts'
import { encode, cachedFragment, fragmentsKept } from './fragment-cache.ts'

test('cached cards and navigation are never older than the database', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  const bob = await app.person('Bob')
  const { db } = app.database
  await alice.post('/tweet', { msg: 'first words' })
  await bob.post(`/follow/${alice.id}`)

  const sees = async (pattern: RegExp, why: string) => {
    assert.match((await bob.get('/timeline', { as: 'browser' })).text, pattern, why)
  }
  await sees(/<bdi>Alice<\/bdi>[\s\S]*first words/, 'as it was written')
  await sees(/<bdi>Alice<\/bdi>[\s\S]*first words/, 'and again, from what is kept')

  await db.run(sql`update tweets set msg = 'other words'`)
  await sees(/other words/, 'another text')
  await db.run(sql`update tweets set created_at = created_at - 3 * 86400000`)
  await sees(/>3d<\/time>/, 'another time')
  await alice.post('/account/profile', { name: 'Alicia', bio: '' })
  await sees(/<bdi>Alicia<\/bdi>/, 'another name')
  await db.run(sql`update users set handle = 'wren' where id = ${alice.id}`)
  await sees(/href="\/@wren"[\s\S]*@wren/, 'another handle')

  const tweet = /data-tweet-id="(\d+)"/.exec((await bob.get('/timeline')).text)![1]!
  await alice.post(`/favorite/${tweet}`)
  await sees(/aria-pressed="false" aria-label="Like, 1 like"/, "somebody else's like")
  await bob.post(`/favorite/${tweet}`)
  await sees(/aria-pressed="true" aria-label="Like, 2 likes"/, 'a like of their own')
  await bob.post(`/unfavorite/${tweet}`)
  await sees(/aria-pressed="false" aria-label="Like, 1 like"/, 'and none any more')

  const asAlice = async () => (await alice.get('/timeline', { as: 'browser' })).text
  assert.match(await asAlice(), /class="delete"/, 'their own tweet can be deleted')
  assert.doesNotMatch((await bob.get('/timeline')).text, /class="delete"/, "others' cannot")

  await sees(/<b>0<\/b> posts[\s\S]*<b>1<\/b> following/, 'the numbers at the side')
  await bob.post('/tweet', { msg: 'mine' })
  await bob.post(`/unfollow/${alice.id}`)
  await sees(/<b>1<\/b> posts[\s\S]*<b>0<\/b> following/, 'and what became of them')
  await sees(/value="system" aria-pressed="true"/, 'the theme')
  await bob.post('/theme', { theme: 'dark' })
  await sees(/value="dark" aria-pressed="true"/, 'another theme')
  const profile = (await bob.get('/favorites', { as: 'browser' })).text
  assert.match(profile, /href="\/favorites" aria-current="page"/, 'where they are')
  await sees(/href="\/timeline" aria-current="page"/, 'and where they are now')
})

test('each page has the right fragments, however many there are', () => {
  let rendered = 0
  const piece = cachedFragment({ keyOf: (n: number) => n }, (n) => {
    rendered += 1
    return raw(`<i>${n}</i>`)
  })
  let next = 1
  for (let page = 0; page < 3 * fragmentsKept; page++) {
    const numbers = [0, next++, 0, next - Math.floor(fragmentsKept / 3), next++]
    const html = numbers.map((n) => piece(n).toString()).join('')
    assert.equal(encode(html).toString(), numbers.map((n) => `<i>${n}</i>`).join(''))
  }
  assert.ok(rendered < next + fragmentsKept, 'and most of them are found')
})

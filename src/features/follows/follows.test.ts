import assert from 'node:assert/strict'
import test from 'node:test'

import { startApp } from '../../../test/harness.ts'

test('a follow answers with the pressed button, and a second follow is not counted', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  const bob = await app.person('Bob')
  const profile = { 'HX-Current-URL': 'http://localhost:5000/@alice?through=1' }
  const press = async (verb: 'follow' | 'unfollow', headers = profile) =>
    (await bob.post(`/${verb}/${alice.id}`, undefined, { as: 'htmx', headers })).text

  for (const text of [await press('follow'), await press('follow')]) {
    assert.match(
      text,
      /^<hx-partial hx-target="\[data-follow=&quot;1&quot;\]" hx-swap="outerMorph"><form class="follow on"[^>]*hx-post="\/unfollow\/\d+"/,
    )
    assert.match(text, /aria-pressed="true" aria-label="Follow Alice"/)
    assert.match(text, /<hx-partial hx-target="#followers-of-1"[^>]*><span[^>]*>1 follower</)
  }
  for (const text of [await press('unfollow'), await press('unfollow')]) {
    assert.match(text, /aria-pressed="false"/)
    assert.match(text, />0 followers</)
  }
})

test('an answer to htmx carries the numbers that changed, and what the list of the page gains or loses', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  const bob = await app.person('Bob')
  const press = async (verb: 'follow' | 'unfollow', path: string) => {
    const headers = { Host: 'localhost:5000', 'HX-Current-URL': `http://localhost:5000${path}` }
    return (await bob.post(`/${verb}/${alice.id}`, undefined, { as: 'htmx', headers })).text
  }
  for (const path of ['/search?q=a', '/@alice/likes', '/following']) {
    const text = await press('follow', path)
    assert.match(text, /<hx-partial hx-target="#my-following b">1<\/hx-partial>/, path)
    assert.match(text, /#following-of-2"[^>]*><span id="following-of-2">1 followed</, path)
    assert.doesNotMatch(text, /hx-get|<article/, path)
    assert.match(await press('unfollow', path), /#my-following b">0</, path)
  }
  assert.match(
    await press('follow', '/timeline?through=9'),
    /hx-get="\/timeline" hx-trigger="load"/,
  )
  const followers = '/@Alice/followers?through=3'
  assert.match(
    await press('follow', followers),
    /hx-target="#feed:not\(:has\(#user-2\)\)" hx-swap="afterbegin"><article[^>]*data-user-id="2"/,
  )
  assert.match(await press('unfollow', followers), /hx-target="#user-2" hx-swap="delete"/)

  const posted = await alice.post('/tweet', { msg: 'one' }, { as: 'htmx' })
  assert.match(posted.text, /<hx-partial hx-target="#my-tweets b">1</)
  const id = /id="tweet-(\d+)"/.exec(posted.text)![1]
  const deleted = await alice.post(`/tweet/${id}/delete`, undefined, { as: 'htmx' })
  assert.match(deleted.text, /#my-tweets b">0<[\s\S]*<span id="tweets-of-1">0 /)
})

test('an operator who deletes the tweet of somebody else changes their number, not their own', async () => {
  await using app = await startApp({ OPERATORS: 'alice@example.org' })
  const alice = await app.person('Alice')
  const bob = await app.person('Bob')
  const [first] = [await bob.tweet('one'), await bob.tweet('two')]
  const { text } = await alice.post(`/tweet/${first}/delete`, undefined, { as: 'htmx' })
  assert.match(text, /<span id="tweets-of-2">1 /)
  assert.doesNotMatch(text, /my-tweets/)
})

test('who follows the viewer is marked: on their page, in lists of people, and nowhere else', async () => {
  await using app = await startApp()
  const [alice, bob, carol] = [
    await app.person('Alice'),
    await app.person('Bob'),
    await app.person('Carol'),
  ]
  await alice.post(`/follow/${bob.id}`)
  await alice.post(`/follow/${carol.id}`)
  await bob.post(`/follow/${carol.id}`)
  const marks = async (who: typeof alice, path: string) =>
    [...(await who.get(path, { as: 'browser' })).text.matchAll(/>Follows you</g)].length
  assert.equal(await marks(bob, '/@alice'), 1)
  assert.equal(await marks(bob, '/@carol'), 0)
  assert.equal(await marks(bob, '/@carol/followers'), 1)
  assert.equal(await marks(bob, '/followers'), 1)
  assert.equal(await marks(bob, '/following'), 0)
  assert.equal(await marks(carol, '/timeline'), 2, 'who to follow')
  assert.equal(await marks(app.visitor() as typeof alice, '/@alice'), 0)
})

test('a follow is in the lists of both users, newest first, and in the timeline', async () => {
  await using app = await startApp()
  const [alice, bob, carol] = [
    await app.person('Alice'),
    await app.person('Bob'),
    await app.person('Carol'),
  ]
  await alice.tweet('Red sky over the pier')
  await bob.post(`/follow/${alice.id}`)
  await bob.post(`/follow/${carol.id}`)
  const people = async (path: string) =>
    [...(await bob.get(path)).text.matchAll(/class="user-item" data-user-id="(\d+)"/g)].map(
      ([, id]) => Number(id),
    )
  assert.deepEqual(await people('/following'), [carol.id, alice.id])
  assert.deepEqual(await people('/@alice/followers'), [bob.id])
  assert.deepEqual(await people('/followers'), [])
  assert.match((await bob.get('/timeline')).text, /Red sky/)
  await bob.post(`/unfollow/${alice.id}`)
  assert.deepEqual(await people('/following'), [carol.id])
  assert.doesNotMatch((await bob.get('/timeline')).text, /Red sky/)
})

test('nobody can follow themselves, and a browser is redirected to the followed person', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  const bob = await app.person('Bob')
  const self = await alice.post(`/follow/${alice.id}`)
  assert.equal(self.status, 400)
  assert.deepEqual(JSON.parse(self.text), { error: 'You cannot follow yourself' })
  assert.match((await alice.get('/@alice')).text, />0 followers</)
  const headers = { Referer: 'http://localhost:5000/search?q=pier' }
  const answer = await bob.post(`/follow/${alice.id}`, undefined, { as: 'browser', headers })
  assert.equal(answer.location, `/search?q=pier#user-${alice.id}`)
})

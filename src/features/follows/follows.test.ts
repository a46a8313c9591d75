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
    assert.match(text, /^<form class="follow on"[^>]*hx-post="\/unfollow\/\d+"/)
    assert.match(text, /aria-pressed="true" aria-label="Follow Alice"/)
    assert.match(text, /<hx-partial hx-target="#followers-of-1"[^>]*><span[^>]*>1 follower</)
  }
  for (const text of [await press('unfollow'), await press('unfollow')]) {
    assert.match(text, /aria-pressed="false"/)
    assert.match(text, />0 followers</)
  }
  const inList = { 'HX-Current-URL': 'http://localhost:5000/followers' }
  assert.doesNotMatch(await press('follow', inList), /hx-partial/, 'no count stands there')
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

import assert from 'node:assert/strict'
import test from 'node:test'

import { startApp } from '../../test/harness.ts'

test('a like answers with the pressed button, and a second like is not counted', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  const bob = await app.person('Bob')
  const id = await alice.tweet('Red sky over the pier')

  const liked = await bob.post(`/favorite/${id}`, undefined, { as: 'htmx' })
  assert.equal(liked.status, 200)
  assert.match(
    liked.text,
    /^<hx-partial[^>]*data-tweet-id[^>]*><button class="btn-favorite on"[^>]*hx-post="\/unfavorite\/\d+"/,
  )
  assert.match(liked.text, /aria-pressed="true" aria-label="Like, 1 like"/)
  const again = await bob.post(`/favorite/${id}`, undefined, { as: 'htmx' })
  assert.match(again.text, /aria-label="Like, 1 like"/)

  const unliked = await bob.post(`/unfavorite/${id}`, undefined, { as: 'htmx' })
  assert.match(unliked.text, /aria-pressed="false" aria-label="Like, 0 likes"/)
  const unlikedAgain = await bob.post(`/unfavorite/${id}`, undefined, { as: 'htmx' })
  assert.match(unlikedAgain.text, /aria-label="Like, 0 likes"/)
})

test('everybody sees the count, only the user who likes sees a pressed button', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  const bob = await app.person('Bob')
  const id = await alice.tweet('The bench is back')
  await bob.post(`/favorite/${id}`)
  const bobSees = await bob.get(`/tweet/${id}`)
  const aliceSees = await alice.get(`/tweet/${id}`)
  const visitorSees = await app.visitor().get(`/tweet/${id}`)
  assert.match(bobSees.text, /aria-pressed="true" aria-label="Like, 1 like"/)
  assert.match(aliceSees.text, /aria-pressed="false" aria-label="Like, 1 like"/)
  assert.match(visitorSees.text, /aria-pressed="false" aria-label="Like, 1 like"/)
})

test('a missing tweet cannot be liked or unliked', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  for (const path of ['/favorite/999', '/unfavorite/999']) {
    const answer = await alice.post(path)
    assert.equal(answer.status, 404)
    assert.deepEqual(JSON.parse(answer.text), { error: 'There is nothing here.' })
  }
})

test('a browser without htmx is redirected to the tweet that it liked', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  const id = await alice.tweet('Gerald is on the high street')
  const answer = await alice.post(
    `/favorite/${id}`,
    {},
    {
      as: 'browser',
      headers: { Referer: 'http://localhost:5000/@alice?through=1' },
    },
  )
  assert.equal(answer.status, 303)
  assert.equal(answer.location, `/@alice?through=1#tweet-${id}`)
  const fromElsewhere = await alice.post(
    `/favorite/${id}`,
    {},
    {
      as: 'browser',
      headers: { Referer: 'https://elsewhere.example/x' },
    },
  )
  assert.equal(fromElsewhere.location, `/timeline#tweet-${id}`)
})

// The tabs of a profile: what the person posts, answers and likes.
import assert from 'node:assert/strict'
import test from 'node:test'

import { sql } from 'drizzle-orm'

import { expectQueries } from '../../../test/budget.ts'
import { startApp, told, type Answer } from '../../../test/harness.ts'

const cards = ({ text }: Pick<Answer, 'text'>) =>
  [...text.matchAll(/<article class="tweet"[^>]* data-tweet-id="(\d+)"/g)].map(([, id]) =>
    Number(id),
  )

test('Posts, Replies and Likes: each lists its own, newest first, for visitors, too', async () => {
  await using app = await startApp()
  const [alice, bob] = [await app.person('Alice'), await app.person('Bob')]
  const ids: number[] = []
  for (let n = 0; n < 25; n++) ids.push(await alice.tweet(`post ${n}`))
  const own = await bob.tweet('mine')
  await bob.post('/tweet', { msg: 'an answer', reply_to: String(ids[0]) })
  await bob.post(`/retweet/${ids[3]}`)
  // Not in the order of the posts; a like that is taken back and given again is the newest.
  const liked = [...ids.filter((id) => id % 2 === 0), ...ids.filter((id) => id % 2 === 1)]
  for (const id of [ids[7], ...liked]) await bob.post(`/favorite/${id}`)
  await bob.post(`/unfavorite/${liked[0]}`)
  await bob.post(`/favorite/${liked[0]}`)
  const newestLikeFirst = [
    liked[0]!,
    ...liked.filter((id) => id !== ids[7] && id !== liked[0]).toReversed(),
    ids[7]!,
  ]
  for (const who of [bob, alice, app.visitor()]) {
    const tabs = [
      ['/@bob', [ids[3], own]],
      ['/@bob/replies', [own + 1]],
      ['/@bob/likes', newestLikeFirst.slice(0, 20)],
    ] as const
    for (const [path, expected] of tabs) {
      const page = await who.get(path, { as: 'browser' })
      assert.deepEqual(cards(page), expected, path)
      assert.match(page.text, new RegExp(`<a href="${path}" aria-current="page">`))
      expectQueries(page, 3)
    }
  }
  // The cursor is the id of the like.
  const top = await app.visitor().get('/@bob/likes', { as: 'browser' })
  const next = /hx-get="([^"]*before=[^"]*)"/.exec(top.text)![1]!.replaceAll('&amp;', '&')
  const rows = await app.database.db.values(
    sql`select id from favorites where user_id = ${bob.id} and tweet_id = ${newestLikeFirst[19]}`,
  )
  assert.equal(next, `/@bob/likes?before=${String(Object.values(rows[0]!)[0])}&from=21`)
  const rest = await app.visitor().get(next, { as: 'htmx' })
  assert.deepEqual(cards(rest), newestLikeFirst.slice(20))
  // One's own likes have an address of their own, as before.
  const mine = await bob.get('/favorites', { as: 'browser' })
  assert.deepEqual(cards(mine), newestLikeFirst.slice(0, 20))
})

test('nobody of that name: each tab is a 404; a former handle leads on to the same tab', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  await alice.post('/account/handle', { handle: 'alicia' })
  for (const tab of ['', '/replies', '/likes']) {
    assert.equal((await app.visitor().get(`/@nobody${tab}`, { as: 'browser' })).status, 404)
    const former = await app.visitor().get(`/@alice${tab}?before=9`, { as: 'browser' })
    assert.equal(told(former), `301 /@alicia${tab}?before=9`)
    const empty = await app.visitor().get(`/@alicia${tab}`, { as: 'browser' })
    assert.match(empty.text, /Alice (has not written|has not replied|likes nothing)/)
  }
})

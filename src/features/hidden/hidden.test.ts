// Mute and block: whom one does not see, where, and what a block forbids.
import assert from 'node:assert/strict'
import test from 'node:test'

import { sql } from 'drizzle-orm'

import { expectQueries } from '../../../test/budget.ts'
import { told } from '../../../test/harness.ts'
import {
  counts,
  faults,
  hiddenRows,
  lists,
  main,
  rows,
  showsBob,
  town,
} from '../../../test/hidden-town.ts'

test('somebody muted or blocked is in no list, also not retweeted or quoted; an end of it brings everything back', async () => {
  const { app, alice, bob, cid } = await town()
  await using _ = app
  await bob.post(`/follow/${alice.id}`)
  await bob.tweet('Bob answers @alice')
  for (const path of lists)
    assert.ok(showsBob(await alice.get(path, { as: 'browser' })), `before: ${path}`)
  for (const kind of ['mute', 'block'] as const) {
    assert.deepEqual(JSON.parse((await alice.post(`/${kind}/${bob.id}`)).text), { success: true })
    assert.equal(told(await alice.post(`/${kind}/${bob.id}`)), '200 json', 'twice is once')
    for (const path of lists) {
      const answer = await alice.get(path, { as: 'browser' })
      assert.equal(answer.status, 200, path)
      assert.ok(!showsBob(answer), `${kind}: ${path}`)
      expectQueries(answer, 5)
    }
    assert.match(main(await alice.get('/timeline', { as: 'browser' })), /Cid has a/)
    assert.doesNotMatch(main(await alice.get('/timeline', { as: 'browser' })), /Cid quotes/)
    assert.ok(showsBob(await cid.get('/timeline', { as: 'browser' })) || kind === 'block')
    assert.match((await cid.get('/everybody', { as: 'browser' })).text, /Bob has a/)
    assert.equal(showsBob(await bob.get('/everybody', { as: 'browser' })), true, 'one sees oneself')
    assert.doesNotMatch(
      (await alice.get('/everybody')).text,
      /Bob has/,
      'what a program gets leaves them out, too',
    )
    assert.equal(told(await alice.post(`/un${kind}/${bob.id}`)), '200 json')
    assert.equal(told(await alice.post(`/un${kind}/${bob.id}`)), '200 json', 'twice is once')
    assert.deepEqual(await hiddenRows(app), [])
    assert.deepEqual(await counts(app), [])
    // A block has ended the follow and a mute has not; notifications of before stay away.
    for (const path of lists.filter(
      (one) => one !== '/notifications' && !/timeline|followers/.test(one),
    ))
      assert.ok(showsBob(await alice.get(path, { as: 'browser' })), `after ${kind}: ${path}`)
    const follows = await rows(app, `select 1 from follows where followed_id = ${bob.id}`)
    assert.equal(follows.length, kind === 'mute' ? 1 : 0)
    assert.deepEqual(await faults(app), [])
  }
})

test('a mute is one row, a block two; either side is hidden from the other; counts are right', async () => {
  const { app, alice, bob } = await town()
  await using _ = app
  const [a, b] = [alice.id, bob.id]
  await bob.post(`/follow/${a}`)
  await alice.post(`/mute/${b}`)
  assert.deepEqual(await hiddenRows(app), [`${a} ${b} mute`])
  assert.match(main(await bob.get('/everybody', { as: 'browser' })), /Alice has/)
  await alice.post(`/block/${b}`)
  assert.deepEqual(await hiddenRows(app), [
    `${a} ${b} block`,
    `${a} ${b} mute`,
    `${b} ${a} blocked`,
  ])
  assert.deepEqual(await counts(app), [`${a} 2`, `${b} 1`])
  assert.doesNotMatch(main(await bob.get('/everybody', { as: 'browser' })), /Alice has/)
  assert.deepEqual(
    await rows(
      app,
      `select follower_id, followed_id from follows where followed_id in (${a}, ${b})`,
    ),
    [],
  )
  assert.deepEqual(
    await rows(app, `select follower_count, following_count from users where id in (${a}, ${b})`),
    ['0 1', '0 0'],
  )
  // Both block; one takes it back: the other's stays.
  await bob.post(`/block/${a}`)
  await alice.post(`/unblock/${b}`)
  assert.deepEqual(await hiddenRows(app), [
    `${a} ${b} blocked`,
    `${a} ${b} mute`,
    `${b} ${a} block`,
  ])
  // Who is blocked cannot take the other's block back.
  await alice.post(`/unblock/${b}`)
  assert.equal((await hiddenRows(app)).length, 3)
  await bob.post('/account/delete', { farewell: 'password-of-Bob' })
  assert.deepEqual([await hiddenRows(app), await counts(app)], [[], []], 'they go with the account')
})

test('across a block: no follow, reply, quote, retweet or like, either way, in words; the draft is kept', async () => {
  const { app, alice, bob, cid, ids } = await town()
  await using _ = app
  await alice.post(`/block/${bob.id}`)
  const sentence = 'You cannot do this, because one of you has blocked the other.'
  const before = await rows(app, 'select count(*) from tweets')
  for (const [one, other, id] of [
    [alice, bob, ids.bob],
    [bob, alice, ids.alice],
  ] as const) {
    for (const path of [`/follow/${other.id}`, `/retweet/${id}`, `/favorite/${id}`]) {
      const program = await one.post(path)
      assert.equal(program.status, 403, path)
      assert.deepEqual(JSON.parse(program.text), { error: sentence })
      const htmx = await one.post(path, undefined, { as: 'htmx' })
      assert.equal(told(htmx), '403 partial')
      assert.equal(htmx.text, `<p class="problem">${sentence}</p>`)
      assert.equal(told(await one.post(path, undefined, { as: 'browser' })), '403 page')
    }
    for (const field of ['reply_to', 'quote']) {
      const fields = { msg: 'my dear words', [field]: String(id) }
      const program = await one.post('/tweet', fields)
      assert.deepEqual([program.status, JSON.parse(program.text)], [403, { error: sentence }])
      const htmx = await one.post('/tweet', fields, { as: 'htmx' })
      assert.equal(htmx.text, `<p class="problem">${sentence}</p>`, 'the form stays in the page')
      const browser = await one.post('/post', fields, { as: 'browser' })
      assert.equal(told(browser), '403 page')
      assert.match(browser.text, new RegExp(sentence))
      assert.match(browser.text, /<textarea[^>]*>my dear words<\/textarea>/)
      assert.doesNotMatch(browser.text, /name="(?:reply_to|quote)"/, 'it can be posted on its own')
    }
    for (const path of [
      `/unfollow/${other.id}`,
      `/unretweet/${id}`,
      `/unfavorite/${id}`,
      `/bookmark/${id}`,
    ])
      assert.equal((await one.post(path)).status, 200, path)
  }
  // A retweet stands for its original.
  const [retweet] = await rows(app, `select id from tweets where retweet_of = ${ids.bob}`)
  assert.equal((await alice.post(`/favorite/${retweet}`)).status, 403)
  assert.deepEqual(await rows(app, 'select count(*) from tweets'), before)
  // A mute forbids nothing, and others are free.
  await alice.post(`/unblock/${bob.id}`)
  await alice.post(`/mute/${bob.id}`)
  for (const path of [`/follow/${bob.id}`, `/retweet/${ids.bob}`, `/favorite/${ids.bob}`])
    assert.equal((await alice.post(path)).status, 200, path)
  assert.equal((await cid.post(`/favorite/${ids.alice}`)).status, 200)
})

test('while somebody is hidden they notify nobody, also not by a mention; nothing of that comes later', async () => {
  const { app, alice, bob, ids } = await town()
  await using _ = app
  await bob.post(`/follow/${alice.id}`)
  const mine = () =>
    rows(app, `select kind, actor_id from notifications where user_id = ${alice.id} order by id`)
  const ofBob = async () => (await mine()).filter((row) => row.endsWith(` ${bob.id}`))
  assert.deepEqual(await ofBob(), [`like ${bob.id}`, `follow ${bob.id}`])
  for (const kind of ['mute', 'block'] as const) {
    await alice.post(`/${kind}/${bob.id}`)
    assert.deepEqual(await ofBob(), [], 'those of before go, and the badge counts none')
    await bob.tweet('I mean you, @alice')
    if (kind === 'mute') await bob.post('/tweet', { msg: 'and this', reply_to: String(ids.alice) })
    assert.deepEqual(await ofBob(), [])
    assert.deepEqual(await faults(app), [])
    await alice.post(`/un${kind}/${bob.id}`)
    assert.deepEqual(await ofBob(), [])
    assert.deepEqual(await faults(app), [], 'db:check misses none of them')
    await bob.tweet('And now, @alice')
    assert.deepEqual(await ofBob(), [`mention ${bob.id}`])
    assert.deepEqual(await faults(app), [])
    await app.database.db.run(
      sql.raw(`delete from notifications where actor_id = ${bob.id} and kind = 'mention'`),
    )
    assert.equal((await faults(app)).length, 1, 'what is missing since then is found')
    await app.database.db.run(sql`delete from tweets where id = (select max(id) from tweets)`)
  }
})

test('in a thread they stand as "Hidden, show"; opened itself, a post is shown', async () => {
  const { app, alice, bob, cid, ids } = await town()
  await using _ = app
  await bob.post('/tweet', { msg: 'Bob answers Cid', reply_to: String(ids.cid) })
  const [reply] = await rows(app, "select id from tweets where msg = 'Bob answers Cid'")
  await cid.post('/tweet', { msg: 'Cid goes on', reply_to: reply! })
  const [last] = await rows(app, "select id from tweets where msg = 'Cid goes on'")
  const shown =
    /<article class="hidden-post"[^>]*aria-label="Hidden post"[^>]*><details><summary>Hidden, show<\/summary>/
  for (const path of [`/tweet/${ids.cid}`, `/tweet/${last}`])
    assert.doesNotMatch((await alice.get(path, { as: 'browser' })).text, shown)
  await alice.post(`/mute/${bob.id}`)
  for (const path of [`/tweet/${ids.cid}`, `/tweet/${last}`]) {
    const page = await alice.get(path, { as: 'browser' })
    assert.match(page.text, shown)
    assert.match(page.text, /Bob answers Cid/, 'it opens without another request')
    expectQueries(page, 3)
  }
  const itself = await alice.get(`/tweet/${reply}`, { as: 'browser' })
  assert.doesNotMatch(itself.text, shown)
  assert.match(itself.text, /Bob answers Cid/)
  const quote = await alice.get(`/tweet/${ids.bob}`, { as: 'browser' })
  assert.match(quote.text, /Bob has a/)
})

test('each kind of client, the profile and /account: said, and taken back; oneself and nobody are refused', async () => {
  const { app, alice, bob } = await town()
  await using _ = app
  const headers = { Referer: 'http://localhost:5000/@bob' }
  const menu = (text: string) =>
    new RegExp(`<form method="post" action="${text}" hx-post="${text}"`)
  const profile = () => alice.get('/@bob', { as: 'browser' })
  assert.match((await profile()).text, menu(`/mute/${bob.id}`))
  assert.match((await profile()).text, menu(`/block/${bob.id}`))
  assert.doesNotMatch((await alice.get('/@alice', { as: 'browser' })).text, /\/(?:mute|block)\//)
  assert.doesNotMatch(
    (await app.visitor().get('/@bob', { as: 'browser' })).text,
    /\/(?:mute|block)\//,
  )
  expectQueries(await profile(), 3)

  const browser = await alice.post(`/mute/${bob.id}`, undefined, { as: 'browser', headers })
  assert.equal(told(browser), `303 /@bob#user-${bob.id}`)
  const muted = await profile()
  assert.match(muted.text, /You have muted <bdi>Bob<\/bdi>/)
  assert.match(muted.text, /Bob is muted: their posts/, 'the flash message')
  assert.match(muted.text, menu(`/unmute/${bob.id}`))
  assert.match(main(muted), /Bob has a/, 'there, their posts are shown')
  expectQueries(muted, 4)

  const htmx = await alice.post(`/block/${bob.id}`, undefined, { as: 'htmx' })
  assert.equal(told(htmx), '200 partial')
  assert.match(htmx.text, new RegExp(`hx-target="#menu-${bob.id}"`))
  assert.match(htmx.text, /You have blocked <bdi>Bob<\/bdi>/)
  assert.match(htmx.text, /aria-pressed="false"/, 'the follow has ended')
  expectQueries(htmx, 3)
  assert.match((await bob.get('/@alice', { as: 'browser' })).text, /Alice<\/bdi> has blocked you/)

  const account = await alice.get('/account', { as: 'browser' })
  assert.match(account.text, new RegExp(`action="/unmute/${bob.id}"`))
  assert.match(account.text, new RegExp(`action="/unblock/${bob.id}"`))
  assert.doesNotMatch((await bob.get('/account')).text, /action="\/unblock/, 'it is not his to end')
  const back = { as: 'browser', headers: { Referer: 'http://localhost:5000/account' } } as const
  assert.equal(told(await alice.post(`/unblock/${bob.id}`, undefined, back)), '303 /account#hidden')
  await alice.post(`/unmute/${bob.id}`)
  assert.match((await alice.get('/account')).text, /Nobody\. You can mute or block/)

  for (const verb of ['mute', 'block']) {
    assert.equal((await alice.post(`/${verb}/${alice.id}`)).status, 400)
    for (const id of ['999', '0', '99999999999999999'])
      for (const path of [`/${verb}/${id}`, `/un${verb}/${id}`])
        assert.equal(told(await alice.post(path)), '404 json', path)
    assert.equal(told(await app.visitor().post(`/${verb}/${bob.id}`)), '401 json')
  }
  assert.deepEqual(await hiddenRows(app), [])
})

test('nobody who is hidden is suggested', async () => {
  const { app, alice, bob } = await town()
  await using _ = app
  const dora = await app.person('Dora')
  await bob.post(`/follow/${alice.id}`)
  // The column is read at most every 30 s: at the first page, only Alice was there.
  const suggested = async (path: string) => (await dora.get(path, { as: 'browser' })).text
  assert.match(await suggested('/timeline'), /<bdi>Alice<\/bdi>/)
  assert.match(await suggested('/post'), /<bdi class="username">Alice</)
  await dora.post(`/mute/${alice.id}`)
  assert.doesNotMatch(await suggested('/timeline'), /<bdi>Alice<\/bdi>/)
  assert.match(await suggested('/timeline'), /<bdi>Bob<\/bdi>/)
  assert.doesNotMatch(await suggested('/post'), /<bdi class="username">Alice</)
})

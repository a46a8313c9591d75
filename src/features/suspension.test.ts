// Suspension: an operator's decision that takes a person and what they wrote out of sight, and brings it back.
import assert from 'node:assert/strict'
import test from 'node:test'

import { expectQueries } from '../../test/budget.ts'
import { clientKinds, told } from '../../test/harness.ts'
import { faults, lists, main, rows, showsBob, town } from '../../test/hidden-town.ts'
import { explain } from '../db/db.ts'
import { Passwords } from '../http/passwords.ts'
import { administer } from './administration.ts'

const filesOnly = process.env['TEST_DATABASE'] === 'server' && 'looks into the file'

const withOperator = async () => {
  const here = await town({ OPERATORS: 'olga@example.org' })
  return { ...here, olga: await here.app.person('Olga') }
}
const login = { mailaddress: 'bob@example.org', password: 'password-of-Bob' }

test('a suspended person cannot act or sign in; what they wrote is in no list, thread or feed; all of it comes back', async () => {
  const { app, alice, bob, cid, olga, ids } = await withOperator()
  await using _ = app
  await bob.post(`/follow/${alice.id}`)
  await bob.tweet('Bob answers @alice')
  await bob.post('/tweet', { msg: 'Bob answers Cid', reply_to: String(ids.cid) })
  const before = await rows(app, 'select * from tweets order by id')
  const places = [
    ...lists,
    '/@bob',
    '/@bob/replies',
    `/tweet/${ids.cid}`,
    '/favorites',
    '/bookmarks',
    '/following',
  ]
  await alice.post(`/bookmark/${ids.bob}`)
  for (const path of places)
    assert.ok(showsBob(await alice.get(path, { as: 'browser' })), `before: ${path}`)

  for (let n = 0; n < 2; n++)
    assert.deepEqual(JSON.parse((await olga.post(`/suspend/${bob.id}`)).text), { success: true })
  assert.equal(told(await bob.post('/tweet', { msg: 'still here?' })), '401 json')
  assert.equal((await app.visitor().post('/login', login)).status, 422)
  for (const path of places.filter((one) => !one.startsWith('/@bob'))) {
    const answer = await alice.get(path, { as: 'browser' })
    assert.ok(!showsBob(answer), `suspended: ${path}`)
    expectQueries(answer, 4)
  }
  assert.doesNotMatch(
    main(await alice.get('/timeline', { as: 'browser' })),
    /Bob has/,
    'not retweeted',
  )
  const quote = await alice.get('/everybody', { as: 'browser' })
  assert.match(main(quote), /Cid quotes a[\s\S]*This post is gone/)
  for (const path of [`/tweet/${ids.bob}`, '/@bob/feed'])
    assert.equal((await alice.get(path, { as: 'browser' })).status, 404, path)
  for (const verb of ['favorite', 'retweet', 'bookmark'])
    assert.equal((await cid.post(`/${verb}/${ids.bob}`)).status, 404, verb)
  assert.equal((await cid.post('/tweet', { msg: 'hm', reply_to: String(ids.bob) })).status, 404)
  for (const path of [
    '/@bob',
    '/@bob/replies',
    '/@bob/likes',
    '/@bob/followers',
    '/@bob/following',
    `/user/${bob.id}`,
  ])
    for (const who of [alice, app.visitor()]) {
      const profile = await who.get(path, { as: 'browser' })
      if (profile.status === 302) continue
      assert.match(profile.text, /This account is suspended\./, path)
      assert.doesNotMatch(main(profile), /Bob has|class="tweet"|class="user-item"/, path)
    }

  assert.equal(told(await olga.post(`/unsuspend/${bob.id}`)), '200 json')
  assert.deepEqual(
    await rows(app, 'select * from tweets order by id'),
    before,
    'no row was changed',
  )
  assert.equal((await bob.post('/timeline')).status, 405, 'the session has ended')
  assert.equal(told(await bob.post('/login', login)), '303 /timeline')
  for (const path of places)
    assert.ok(showsBob(await alice.get(path, { as: 'browser' })), `after: ${path}`)
  assert.deepEqual(await faults(app), [])
})

test('what a suspended person did is no notification that is shown, and the badge can be cleared', async () => {
  const { app, alice, bob, olga } = await withOperator()
  await using _ = app
  await olga.post('/notifications/seen', { id: '999' })
  await alice.post('/notifications/seen', { id: '999' })
  await bob.tweet('I mean you, @alice')
  await olga.post(`/suspend/${bob.id}`)
  const page = await alice.get('/notifications', { as: 'browser' })
  assert.doesNotMatch(main(page), /I mean you/)
  const id = /name="id" value="(\d+)"/.exec(page.text)?.[1]
  assert.ok(id, 'there is a form')
  assert.deepEqual(JSON.parse((await alice.post('/notifications/seen', { id })).text), {
    success: true,
    unseen: 0,
  })
})

test('only operators may, never themselves or an operator; each kind of client', async () => {
  const { app, alice, bob, cid, olga } = await withOperator()
  await using _ = app
  const administration = {
    db: app.database.db,
    passwords: new Passwords(app.settings),
    origin: { text: 'http://localhost', isGuess: false },
    operators: app.settings.operators,
  }
  await administer(administration, { action: 'operator', address: 'cid@example.org' })
  for (const path of [`/suspend/${bob.id}`, `/unsuspend/${bob.id}`])
    for (const as of Object.keys(clientKinds) as (keyof typeof clientKinds)[])
      for (const who of [alice, bob, app.visitor()])
        assert.equal((await who.post(path, undefined, { as })).status, 404, `${path} ${as}`)
  const refused = async (id: number, who = olga) => {
    const { status, text } = await who.post(`/suspend/${id}`)
    return [status, (JSON.parse(text) as { error: string }).error]
  }
  assert.deepEqual(await refused(olga.id), [400, 'You cannot suspend yourself.'])
  const operator = [403, 'This is an operator. Take that back first, with npm run user.']
  assert.deepEqual(await refused(cid.id), operator)
  assert.deepEqual(await refused(olga.id, cid), operator, 'by OPERATORS, too')
  assert.deepEqual(await refused(999), [404, 'There is nothing here.'])
  assert.equal((await olga.post('/unsuspend/999')).status, 404)

  const menu = (text: string) => new RegExp(`action="${text}" hx-post="${text}"`)
  assert.match((await olga.get('/@bob', { as: 'browser' })).text, menu(`/suspend/${bob.id}`))
  assert.doesNotMatch((await alice.get('/@bob', { as: 'browser' })).text, /\/suspend\//)
  const htmx = await olga.post(`/suspend/${bob.id}`, undefined, { as: 'htmx' })
  assert.equal(told(htmx), '200 partial')
  assert.match(htmx.text, menu(`/unsuspend/${bob.id}`))
  assert.match(htmx.text, /This account is suspended/)
  expectQueries(htmx, 4)
  const headers = { Referer: 'http://localhost:5000/@bob' }
  const browser = await olga.post(`/unsuspend/${bob.id}`, undefined, { as: 'browser', headers })
  assert.equal(told(browser), `303 /@bob#user-${bob.id}`)
  // The command does the same.
  await administer(administration, { action: 'suspend', address: 'bob@example.org' })
  assert.match((await alice.get('/@bob', { as: 'browser' })).text, /This account is suspended/)
  await administer(administration, { action: 'unsuspend', address: 'bob@example.org' })
  assert.doesNotMatch((await alice.get('/@bob', { as: 'browser' })).text, /is suspended/)
})

test(
  'the timeline of before: one query of the same plan, however many are suspended',
  { skip: filesOnly },
  async () => {
    const { app, alice, bob, olga } = await withOperator()
    await using _ = app
    const planOf = async (path: string) => {
      const { queries } = await alice.get(path)
      const texts = queries.map((span) => String(span.attributes['db.query.text']))
      return (await Promise.all(texts.map((text) => explain(app.database.db, text)))).flat()
    }
    const paths = ['/timeline', '/timeline?before=900', '/timeline?through=1']
    const before = await Promise.all(paths.map(planOf))
    for (const plan of before) {
      const steps = plan.map(({ step }) => step)
      assert.ok(
        steps.some((step) =>
          /SEARCH tweets USING COVERING INDEX tweets_timeline \(user_id=\? AND id[<>]\?\)/.test(
            step,
          ),
        ),
      )
      assert.ok(steps.every((step) => !/users_suspended/.test(step)))
    }
    await olga.post(`/suspend/${bob.id}`)
    assert.deepEqual(await Promise.all(paths.map(planOf)), before)
  },
)

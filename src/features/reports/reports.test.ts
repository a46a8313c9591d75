// Reports: a person reports a post once, operators read, dismiss, suspend.
import assert from 'node:assert/strict'
import test from 'node:test'

import { expectQueries } from '../../../test/budget.ts'
import { told } from '../../../test/harness.ts'
import { rows, town } from '../../../test/hidden-town.ts'
import { explain } from '../../db/db.ts'

const filesOnly = process.env['TEST_DATABASE'] === 'server' && 'looks into the file'

const withOperator = async (env: Record<string, string> = {}) => {
  const here = await town({ OPERATORS: 'olga@example.org', ...env })
  return { ...here, olga: await here.app.person('Olga') }
}
const reason = 'It says <b>bad</b> things.'
type Listed = {
  reports: { id: number; reason: string; tweet: number; suspended: boolean }[]
  before: number | null
}

test('each kind of client reports a post; a second report of a person changes nothing', async () => {
  const { app, alice, cid, ids } = await withOperator()
  await using _ = app
  const page = await alice.get(`/tweet/${ids.bob}`, { as: 'browser' })
  assert.match(
    page.text,
    new RegExp(`<form class="report-form" method="post" action="/report/${ids.bob}"`),
  )
  const own = await alice.get(`/tweet/${ids.alice}`, { as: 'browser' })
  assert.doesNotMatch(own.text, /\/report\//)
  assert.doesNotMatch((await app.visitor().get(`/tweet/${ids.bob}`)).text, /\/report\//)

  const browser = await alice.post(`/report/${ids.bob}`, { reason }, { as: 'browser' })
  assert.equal(told(browser), `303 /tweet/${ids.bob}`)
  assert.match(
    (await alice.get(`/tweet/${ids.bob}`, { as: 'browser' })).text,
    /Reported\. Those who run/,
  )
  const htmx = await alice.post(`/report/${ids.bob}`, { reason: 'again' }, { as: 'htmx' })
  assert.match(htmx.text, /^<p class="notice">Reported\./)
  expectQueries(htmx, 3)
  // A retweet stands for its original.
  const [retweet] = await rows(app, `select id from tweets where retweet_of = ${ids.bob}`)
  assert.deepEqual(JSON.parse((await cid.post(`/report/${retweet}`, { reason: ' spam ' })).text), {
    success: true,
  })
  assert.deepEqual(await rows(app, 'select tweet_id, user_id, reason from reports order by id'), [
    `${ids.bob} ${alice.id} ${reason}`,
    `${ids.bob} ${cid.id} spam`,
  ])
})

test('bad input: said in words, with the form and what was typed; nothing is written', async () => {
  const { app, alice, ids } = await withOperator({ LIMIT_REPORT: '1/60' })
  await using _ = app
  const path = `/report/${ids.bob}`
  for (const [given, sentence] of [
    ['', 'Say in a few words what is wrong.'],
    ['   ', 'Say in a few words what is wrong.'],
    ['x'.repeat(501), 'A reason has up to 500 characters.'],
  ] as const) {
    const one = await app.person('Someone')
    const program = await one.post(path, { reason: given })
    assert.deepEqual([program.status, JSON.parse(program.text)], [422, { error: sentence }])
    const other = await app.person('Other')
    const browser = await other.post(path, { reason: given }, { as: 'browser' })
    assert.equal(told(browser), '422 page')
    assert.match(browser.text, new RegExp(sentence))
    if (given.length > 500) assert.match(browser.text, /x{501}<\/textarea>/)
    await one.post('/account/delete', { farewell: 'password-of-Someone' })
    await other.post('/account/delete', { farewell: 'password-of-Other' })
  }
  assert.equal((await app.visitor().post(path, { reason })).status, 401)
  const dora = await app.person('Dora')
  assert.equal((await dora.post('/report/999', { reason })).status, 404)
  const often = await dora.post(path, { reason }, { as: 'htmx' })
  assert.equal(often.status, 429)
  assert.match(often.text, /too often[\s\S]*It says &lt;b>bad|too often[\s\S]*It says &lt;b&gt;bad/)
  const mine = await alice.post(`/report/${ids.alice}`, { reason })
  assert.deepEqual(
    [mine.status, JSON.parse(mine.text)],
    [400, { error: 'This is your own post. You can delete it.' }],
  )
  assert.deepEqual(await rows(app, 'select * from reports'), [])
})

test('operators read reports, dismiss them and suspend; for others there is nothing', async () => {
  const { app, alice, bob, cid, olga, ids } = await withOperator()
  await using _ = app
  for (const who of [alice, app.visitor()]) {
    for (const as of ['program', 'browser', 'htmx', 'json'] as const) {
      assert.equal((await who.get('/reports', { as })).status, 404)
      assert.equal((await who.post('/reports/1/dismiss', undefined, { as })).status, 404)
    }
    assert.doesNotMatch((await who.get('/account')).text, /href="\/reports"/)
  }
  assert.match((await olga.get('/reports', { as: 'browser' })).text, /Nothing is reported/)
  assert.match((await olga.get('/account', { as: 'browser' })).text, /href="\/reports"/)
  await alice.post(`/report/${ids.bob}`, { reason })
  await cid.post(`/report/${ids.bob}`, { reason: 'spam' })
  await bob.post(`/report/${ids.cid}`, { reason: 'revenge' })
  const page = await olga.get('/reports', { as: 'browser' })
  assert.match(page.text, /Bob has a[\s\S]*It says &lt;b&gt;bad/)
  assert.equal(page.headers.get('Cache-Control'), 'private, no-store')
  expectQueries(page, 2)
  const listed = async (query = '') =>
    JSON.parse((await olga.get(`/reports${query}`)).text) as Listed
  assert.deepEqual(
    (await listed()).reports.map((one) => one.reason),
    ['revenge', 'spam', reason],
  )
  assert.deepEqual(
    await listed('?limit=2&before=3').then(({ reports, before }) => [
      reports.map(({ id }) => id),
      before,
    ]),
    [[2, 1], null],
  )

  const htmx = await olga.post('/reports/3/dismiss', undefined, { as: 'htmx' })
  assert.equal(told(htmx), '200 partial')
  assert.equal(told(await olga.post('/reports/3/dismiss')), '200 json', 'twice is once')
  assert.equal(
    told(await olga.post('/reports/1/dismiss', undefined, { as: 'browser' })),
    '303 /reports',
  )
  assert.equal(told(await olga.post('/reports/99/dismiss')), '404 json')
  assert.deepEqual(
    (await listed()).reports.map(({ id }) => id),
    [2],
  )
  await alice.post(`/report/${ids.bob}`, { reason: 'again' })
  assert.deepEqual(
    (await listed()).reports.map(({ id }) => id),
    [2],
    'what is dismissed stays so',
  )

  const suspended = await olga.post(`/suspend/${bob.id}`, undefined, { as: 'htmx' })
  assert.match(suspended.text, new RegExp(`data-suspend="${bob.id}"[\\s\\S]*Unsuspend author`))
  assert.deepEqual(
    (await listed()).reports.map((one) => one.suspended),
    [true],
    'it stays to be dismissed',
  )
  await olga.post(`/tweet/${ids.bob}/delete`)
  assert.deepEqual((await listed()).reports, [], 'it goes with the post')
})

test('the list reads an index of open reports', { skip: filesOnly }, async () => {
  const { app, olga } = await withOperator()
  await using _ = app
  for (const path of ['/reports', '/reports?before=9', '/reports?through=1']) {
    const { queries } = await olga.get(path)
    const plan = await explain(app.database.db, String(queries.at(-1)!.attributes['db.query.text']))
    assert.ok(
      plan.some(({ step }) => /reports USING INDEX reports_open/.test(step)),
      JSON.stringify(plan),
    )
    assert.ok(
      plan.every(({ step }) => !/TEMP B-TREE/.test(step)),
      JSON.stringify(plan),
    )
  }
})

// Stories of the stream behind "3 new posts": whom it tells what, when it ends, and how many there may be.
import assert from 'node:assert/strict'
import test from 'node:test'

import { expectQueries } from '../../../test/budget.ts'
import { finished, startApp, type Someone } from '../../../test/harness.ts'
import { explain } from '../../db/db.ts'
import { openStreams } from '../../telemetry/metrics.ts'
import { inTrace } from '../../telemetry/spans.ts'
import { administer } from '../administration.ts'
import { missedSince, newFor } from './queries.ts'

const patienceMs = 30_000

/** Waits for a condition: the hub looks every 2 s, and a busy machine is slow. */
async function until(condition: () => boolean, what: string): Promise<void> {
  for (const end = Date.now() + patienceMs; !condition();) {
    assert.ok(Date.now() < end, what)
    await new Promise((tick) => setTimeout(tick, 20))
  }
}

/** An open stream as a browser reads it. */
async function listen(who: Someone, after = 0, headers: Record<string, string> = {}) {
  const cookie = [...who.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  const url = `http://localhost:5000/timeline/live?after=${after}`
  const sent = { Cookie: cookie, Accept: 'text/event-stream', ...headers }
  const answer = await who.app.fetch(new Request(url, { headers: sent }))
  const heard = { status: answer.status, answer, text: '', ended: false, leave: async () => {} }
  if (answer.status !== 200) return heard
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader()
  heard.leave = () => reader.cancel()
  void (async () => {
    for (let piece = await reader.read(); !piece.done; piece = await reader.read())
      heard.text += piece.value
  })()
    .catch(() => undefined)
    .finally(() => (heard.ended = true))
  return heard
}
type Heard = Awaited<ReturnType<typeof listen>>

/** The numbers that were told. */
const told = ({ text }: Heard) =>
  [...text.matchAll(/^(?:event: (\w+)\n)?data: (.*)$/gm)]
    .filter(([, event]) => event === undefined)
    .map(([, , data]) => data)

/** Alice, whom Bob follows, and Carol, whom he does not. */
async function people(env: Record<string, string> = {}) {
  const app = await startApp(env)
  const [alice, bob, carol] = [
    await app.person('Alice'),
    await app.person('Bob'),
    await app.person('Carol'),
  ]
  await bob.post(`/follow/${alice.id}`)
  return { app, alice, bob, carol }
}

const since = async (who: Someone) =>
  Number(/data-live="\/timeline\/live\?after=(\d+)"/.exec((await who.get('/timeline')).text)?.[1])

test('who follows an author hears of posts and retweets, not of replies, own posts and strangers', async () => {
  const { app, alice, bob, carol } = await people()
  await using _ = app
  const first = await alice.tweet('before')
  const strange = await carol.tweet('Carol is here, too')
  assert.equal(await since(bob), first)
  const heard = await listen(bob, await since(bob))
  assert.equal(heard.answer.headers.get('Content-Type'), 'text/event-stream')
  assert.equal(heard.answer.headers.get('X-Accel-Buffering'), 'no')
  await bob.tweet('my own')
  await carol.tweet('a stranger')
  await alice.post('/tweet', { msg: 'a reply', reply_to: String(strange) })
  const wave = await alice.tweet('news')
  await until(() => told(heard).includes('1 new post'), 'the post')
  await alice.post(`/retweet/${strange}`)
  await until(() => told(heard).includes('2 new posts'), 'the retweet')
  assert.deepEqual(told(heard), ['1 new post', '2 new posts'])
  // Another page of the same person, opened later, is told at once what is newer than it shows.
  const later = await listen(bob, wave)
  await until(() => told(later).length === 1, 'at once')
  assert.deepEqual(told(later), ['1 new post'])
  const alone = await listen(carol, 0)
  await alice.tweet('more')
  await until(() => told(later).length === 2, 'more')
  assert.deepEqual(told(alone), [])
  for (const one of [heard, later, alone]) await one.leave()
  await until(() => openStreams.timeline === 0, 'all places are free again')
})

test('what the page shows already is not new, and no number is told twice', async () => {
  const { app, alice, bob } = await people()
  await using _ = app
  const early = await listen(bob, 0)
  // The hub has not looked yet when this page is read.
  for (const words of ['one', 'two', 'three']) await alice.tweet(words)
  const shown = await since(bob)
  const late = await listen(bob, shown)
  await until(() => told(early).length > 0, 'the first page')
  assert.deepEqual(told(early), ['3 new posts'])
  assert.deepEqual(told(late), [])
  await alice.tweet('four')
  await until(() => told(late).length > 0 && told(early).length > 1, 'both')
  assert.deepEqual([told(early).at(-1), told(late)], ['4 new posts', ['1 new post']])
  await early.leave()
  await late.leave()
})

test('the click: the partial has what is newer, in order with own posts, and the next mark', async () => {
  const { app, alice, bob, carol } = await people()
  await using _ = app
  await alice.tweet('old')
  const mark = await since(bob)
  const mine = await bob.tweet('mine')
  const last = await alice.tweet('newest')
  await carol.tweet('of no interest')
  const { text, status } = await bob.get(`/timeline?since=${mark}`, { as: 'htmx' })
  assert.equal(status, 200)
  assert.match(text, new RegExp(`data-live="/timeline/live\\?after=${last}"`))
  assert.match(text, new RegExp(`<hx-partial hx-target="#tweet-${mine}" hx-swap="delete">`))
  const [, cards = ''] = text.split('hx-target="#feed"')
  assert.deepEqual(
    [...cards.matchAll(/id="tweet-(\d+)"/g)].map(([, id]) => Number(id)),
    [last, mine],
  )
  const none = await bob.get(`/timeline?since=${last}`, { as: 'htmx' })
  assert.match(none.text, /They are gone again/)
  assert.match(none.text, new RegExp(`after=${last}"`))
  const whole = await bob.get(`/timeline?since=${mark}`, { as: 'browser' })
  assert.match(whole.text, /<html/)
  assert.equal((await bob.get('/timeline?since=x', { as: 'htmx' })).status, 400)
})

test('more than a hundred: a number with a plus; more than two hundred: the page anew', async () => {
  const { app, alice, bob } = await people({ LIMIT_WRITE: '100000/60' })
  await using _ = app
  await alice.tweet('the first')
  const mark = await since(bob)
  for (let number = 0; number < 100; number++) await alice.tweet(`number ${number}`)
  const heard = await listen(bob, mark)
  await until(() => told(heard).length > 0, 'the number')
  assert.deepEqual(told(heard), ['99+ new posts'])
  await heard.leave()
  const few = await bob.get(`/timeline?since=${mark}`, { as: 'htmx' })
  assert.equal(few.headers.get('HX-Redirect'), null)
  for (let number = 0; number < 101; number++) await alice.tweet(`and ${number}`)
  const many = await bob.get(`/timeline?since=${mark}`, { as: 'htmx' })
  assert.equal(many.headers.get('HX-Redirect'), '/timeline')
})

test('a stream ends at sign-out, suspension, deletion and a new password, and says that it is over', async () => {
  const { app, alice, bob, carol } = await people()
  await using _ = app
  const dora = await app.person('Dora')
  const other = app.visitor()
  await other.post('/login', { mailaddress: 'dora@example.org', password: 'password-of-Dora' })
  const all = await Promise.all([alice, bob, carol, other].map((who) => listen(who)))
  const operator = {
    db: app.database.db,
    passwords: app.passwords,
    origin: { text: 'http://localhost:5000', isGuess: true },
    operators: new Set<string>(),
  }
  await alice.post('/logout')
  await administer(operator, { action: 'suspend', address: 'bob@example.org' })
  await carol.post('/account/delete', { farewell: 'password-of-Carol' })
  await dora.post('/account/password', {
    current: 'password-of-Dora',
    fresh: 'another password',
  })
  await until(() => all.every(({ ended }) => ended), 'all have ended')
  for (const { text } of all) assert.match(text, /event: over\ndata: \n\n$/)
  assert.equal((await listen(alice)).status, 401)
  assert.equal(openStreams.timeline, 0)
})

test('a stream whose session has ended elsewhere, such as in another process, ends within 15 s', async () => {
  const { app, bob } = await people()
  await using _ = app
  const heard = await listen(bob)
  await app.database.db.run('delete from sessions')
  await until(() => heard.ended, 'ended')
  assert.match(heard.text, /event: over/)
})

test('bounds: streams of the process and of an address, then 503 with Retry-After; HEAD takes no place', async () => {
  const { app, alice, bob, carol } = await people({ LIVE_STREAMS: '3', LIVE_PER_ADDRESS: '2' })
  await using _ = app
  const from = (address: string) => ({ 'X-Forwarded-For': address })
  const open = [
    await listen(alice, 0, from('10.0.0.1')),
    await listen(bob, 0, from('10.0.0.1')),
    await listen(bob, 0, from('10.0.0.2')),
  ]
  assert.deepEqual(
    open.map(({ status }) => status),
    [200, 200, 200],
  )
  const full = await listen(carol, 0, from('10.0.0.3'))
  assert.equal(full.status, 503)
  assert.equal(full.answer.headers.get('Retry-After'), '60')
  assert.equal((await bob.get('/timeline')).status, 200, 'an open stream is no request in progress')
  await open[2]!.leave()
  assert.equal((await listen(carol, 0, from('10.0.0.1'))).status, 503, 'two of this address')
  for (let times = 0; times < 5; times++) {
    const head = await carol.send('/timeline/live', { method: 'HEAD' })
    assert.deepEqual([head.status, head.text], [200, ''])
    expectQueries(head, 3)
  }
  const third = await listen(carol, 0, from('10.0.0.3'))
  assert.equal(third.status, 200)
  for (const one of [...open, third]) await one.leave()
})

test('LIVE_STREAMS=0: no script, no bar, no route', async () => {
  const { app, bob } = await people({ LIVE_STREAMS: '0' })
  await using _ = app
  const { text } = await bob.get('/timeline', { as: 'browser' })
  assert.doesNotMatch(text, /new-posts|live\.|\/live/)
  assert.equal((await bob.get('/timeline/live')).status, 404)
  const on = await people()
  await using __ = on.app
  const page = await on.bob.get('/timeline', { as: 'browser' })
  assert.match(page.text, /<script src="\/static\/live\.[0-9a-f]{8}\.js" defer>/)
  const elsewhere = await on.bob.get('/', { as: 'browser' })
  assert.doesNotMatch(elsewhere.text, /live\.[0-9a-f]{8}/)
})

test('the span ends with the headers; the state of the process ends the stream', async () => {
  const { app, alice, bob } = await people()
  await using _ = app
  const heard = await listen(bob)
  assert.match(heard.answer.headers.get('Server-Timing')!, /total;dur=/)
  const { spans } = await alice.get('/')
  assert.ok(spans.length > 0)
  app.state.stopping = true
  await until(() => heard.ended, 'ended')
  assert.doesNotMatch(heard.text, /event: over/, 'the page comes back')
})

test('posts of hidden people, also those that others pass on, are not told', async () => {
  const { app, alice, bob } = await people()
  await using _ = app
  const { db } = app.database
  const cid = await app.person('Cid')
  await bob.post(`/follow/${cid.id}`)
  const before = await alice.tweet('before')
  await bob.post(`/mute/${alice.id}`)
  const hidden = await alice.tweet('hidden')
  await cid.post(`/retweet/${hidden}`)
  const seen = await cid.tweet('seen')
  const found = await newFor(db, [bob.id], before, seen)
  assert.deepEqual(
    found.map(({ post }) => post),
    [seen],
  )
  assert.deepEqual(await missedSince(db, bob.id, before), [seen])
})

test('the queries read indexes only, and no more rows than new ones', async () => {
  const { app, alice, bob } = await people()
  await using _ = app
  const { db } = app.database
  const before = await alice.tweet('before')
  const newest = await alice.tweet('news')
  const found = await inTrace('a', () => newFor(db, [alice.id, bob.id], before, newest))
  assert.deepEqual(found, [{ viewer: bob.id, row: newest, post: newest }])
  const plan = async (name: string) => {
    const span = finished().findLast(
      ({ name: summary, attributes }) =>
        !summary.includes('sessions') && String(attributes['db.query.text']).includes(name),
    )!
    return (await explain(db, String(span.attributes['db.query.text']))).map(({ step }) => step)
  }
  assert.deepEqual(await plan('cross join follows'), [
    'SEARCH post USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)',
    'SCAN viewer VIRTUAL TABLE INDEX 1:',
    'SEARCH follows USING COVERING INDEX follows_once (follower_id=? AND followed_id=?)',
    'CORRELATED SCALAR SUBQUERY 2',
    'SEARCH hidden USING COVERING INDEX hidden_once (viewer_id=? AND author_id=?)',
    'CORRELATED SCALAR SUBQUERY 1',
    'SEARCH original USING INTEGER PRIMARY KEY (rowid=?)',
  ])
  assert.deepEqual(await inTrace('another', () => missedSince(db, bob.id, before)), [newest])
  assert.deepEqual(
    (await plan('select distinct'))[0],
    'SEARCH tweets USING COVERING INDEX tweets_timeline (user_id=? AND id>?)',
  )
})

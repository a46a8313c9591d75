// Idempotency keys: each tweet is stored once and none is lost, for each kind of client.
import assert from 'node:assert/strict'
import test from 'node:test'

import { metrics } from '@opentelemetry/api'
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import { sql } from 'drizzle-orm'
import fc from 'fast-check'

import { type ClientKindName, startApp, type Answer, type TestApp } from '../../../test/harness.ts'
import { explain } from '../../db/db.ts'
import { trimmed } from './length.ts'

class Reader extends MetricReader {
  protected override onForceFlush = async () => {}
  protected override onShutdown = async () => {}

  /** The value of the tweet counter of this process. */
  async created(): Promise<number> {
    const { resourceMetrics } = await this.collect()
    const all = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics)
    const counter = all.find((one) => one.descriptor.name === 'tracewren.tweets.created')
    return Number(counter?.dataPoints[0]?.value ?? 0)
  }
}
const reader = new Reader()
metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }))

/** The texts of all tweets of a person, oldest first. */
async function wordsOf(app: TestApp, userId: number): Promise<string[]> {
  const rows = await app.database.db.values<[string]>(
    sql`select msg from tweets where user_id = ${userId} order by id`,
  )
  return rows.map((row) => row[0])
}

/** The message in an answer. */
function said({ text, headers, location, status }: Answer): string {
  const flash = headers.getSetCookie().find((line) => line.includes('flash='))
  if (flash) return decodeURIComponent(/flash=([^;]*)/.exec(flash)![1]!)
  const toast = /class="toast">([^<]*)/.exec(text)?.[1]
  return toast ?? (location === null ? text : `${status} ${location}`)
}

const ways: [as: ClientKindName, path: string, fresh: string, repeat: string][] = [
  ['htmx', '/tweet', 'Posted.', 'Already posted.'],
  ['htmx', '/post', 'Posted.', 'Already posted.'],
  ['browser', '/tweet', 'Posted.', 'Already posted.'],
  ['browser', '/post', 'Posted.', 'Already posted.'],
  ['program', '/tweet', '{"success":true}', '{"success":true}'],
  ['json', '/tweet', '{"success":true}', '{"success":true}'],
  ['program', '/post', '303 /timeline', '303 /timeline'],
]

for (const [as, path, fresh, repeat] of ways) {
  test(`${as}, ${path}: the same key with another text is another tweet, with the same text the same tweet`, async () => {
    await using app = await startApp()
    const alice = await app.person('Alice')
    const post = async (msg: string) => said(await alice.post(path, { msg, key: 'one' }, { as }))
    assert.equal(await post('First words'), fresh)
    assert.equal(await post('First words'), repeat)
    assert.equal(await post('Second words'), fresh)
    assert.equal(await post('Second words'), repeat)
    assert.equal(await post('First words'), repeat)
    assert.equal(await post('first words'), fresh)
    assert.deepEqual(await wordsOf(app, alice.id), ['First words', 'Second words', 'first words'])
  })
}

test('texts are compared as stored: without blank ends, NFC, with LF line ends', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  const same = [
    'Caf\u00e9\nopen',
    ' \nCafe\u0301\nopen ',
    'Caf\u00e9\r\nopen\n',
    'Cafe\u0301\ropen',
  ]
  for (const msg of same) await alice.post('/tweet', { msg, key: 'one' })
  await alice.post('/tweet', { msg: 'Caf\u00e9 open', key: 'one' })
  assert.deepEqual(await wordsOf(app, alice.id), ['Caf\u00e9\nopen', 'Caf\u00e9 open'])
})

test('concurrent posts: one tweet for each text, and one answer says Posted', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  await alice.post('/tweet', { msg: 'First words', key: 'one' })
  const answers = await Promise.all(
    Array.from({ length: 12 }, (_, index) =>
      alice.post(
        index % 3 === 0 ? '/post' : '/tweet',
        { msg: `${index % 2 === 0 ? 'Second' : 'Third'} words`, key: 'one' },
        { as: index % 4 < 2 ? 'htmx' : 'browser' },
      ),
    ),
  )
  const told = answers.map(said)
  assert.equal(told.filter((sentence) => sentence === 'Posted.').length, 2, told.join())
  assert.equal(told.filter((sentence) => sentence === 'Already posted.').length, 10)
  assert.deepEqual((await wordsOf(app, alice.id)).toSorted(), [
    'First words',
    'Second words',
    'Third words',
  ])
})

test('a key counts for its author only, an empty key is no key, and two keys are two tweets', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  const bob = await app.person('Bob')
  for (const someone of [alice, bob]) {
    for (const key of ['one', 'two', '', '', ' ', 'one']) {
      await someone.post('/tweet', { msg: 'Good morning', key })
    }
    await someone.post('/tweet', { msg: 'Good morning' })
    await someone.post('/tweet', { msg: 'Good morning' })
    assert.equal((await wordsOf(app, someone.id)).length, 7)
  }
})

test('pairs of key and text whose concatenations are equal are different tweets', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  const pairs = [
    ['a', 'b c'],
    ['a b', 'c'],
    ['a","b', 'c'],
    ['a', 'b","c'],
    ['a\n', 'b'],
    ['a', '\nb'],
  ]
  for (const [key, msg] of pairs) await alice.post('/tweet', { msg: msg!, key: key! })
  // The last two are the same pair: key and text are trimmed.
  assert.deepEqual(await wordsOf(app, alice.id), ['b c', 'c', 'c', 'b","c', 'b'])
})

test('after a deletion, the same key and text post the tweet again', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  const fields = { msg: 'Here today', key: 'one' }
  await alice.post('/tweet', fields)
  const [row] = await app.database.db.values<[number]>(sql`select id from tweets`)
  await alice.post(`/tweet/${row![0]}/delete`)
  assert.equal(said(await alice.post('/post', fields, { as: 'browser' })), 'Posted.')
  assert.equal(said(await alice.post('/post', fields, { as: 'browser' })), 'Already posted.')
  assert.deepEqual(await wordsOf(app, alice.id), ['Here today'])
})

test('a refused draft keeps its key; corrected, it is one tweet', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  for (const as of ['htmx', 'browser'] as const) {
    const key = `key of ${as}`
    const refused = await alice.post('/post', { msg: 'x'.repeat(281), key }, { as })
    assert.equal(refused.status, 422)
    assert.match(refused.text, new RegExp(`name="key" value="${key}"`))
    for (const sentence of ['Posted.', 'Already posted.'])
      assert.equal(said(await alice.post('/post', { msg: `by ${as}`, key }, { as })), sentence)
  }
  assert.deepEqual(await wordsOf(app, alice.id), ['by htmx', 'by browser'])
})

test('a repeat answers htmx with an empty form with a new key, and with the card only for a feed without it', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  const fields = { msg: 'Once', key: 'one' }
  const fresh = await alice.post('/tweet', fields, { as: 'htmx' })
  const repeat = await alice.post('/tweet', fields, { as: 'htmx' })
  const id = /id="tweet-(\d+)"/.exec(fresh.text)![1]!
  assert.match(fresh.text, /hx-target="#feed"/)
  assert.ok(repeat.text.includes(`hx-target="#feed:not(:has(#tweet-${id}))"`), repeat.text)
  assert.ok(repeat.text.includes(`id="tweet-${id}"`))
  assert.match(repeat.text, /<textarea[^>]*><\/textarea>/)
  assert.match(repeat.text, /name="key" value="[0-9a-f-]{36}"/)
  for (const { queries } of [fresh, repeat]) assert.equal(queries.length, 3)
  for (const query of [...fresh.queries, ...repeat.queries]) {
    const plan = await explain(app.database.db, String(query.attributes['db.query.text']))
    assert.ok(!plan.some(({ step }) => /SCAN (tweets|users)/.test(step)), JSON.stringify(plan))
  }
})

test('a repeat is recognised for a row of an older version, which contains the key itself', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  await app.database.db.run(
    sql`insert into tweets (user_id, msg, key, created_at) values (${alice.id}, 'Before', 'one', 1)`,
  )
  const post = async (msg: string) =>
    said(await alice.post('/tweet', { msg, key: 'one' }, { as: 'htmx' }))
  assert.equal(await post('Before'), 'Already posted.')
  assert.equal(await post('After'), 'Posted.')
  assert.equal(await post('After'), 'Already posted.')
  assert.equal(await post('Before'), 'Already posted.')
  assert.deepEqual(await wordsOf(app, alice.id), ['Before', 'After'])
})

test('the tweet counter counts written tweets', async () => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  const before = await reader.created()
  for (const msg of ['One', 'One', 'Two', 'One', 'Two'])
    await alice.post('/tweet', { msg, key: 'key' })
  assert.equal((await reader.created()) - before, 2)
})

const posted = fc.record({
  msg: fc.constantFrom('a', ' a', 'b', 'b\n', 'a b', 'e\u0301', '\u00e9'),
  key: fc.constantFrom(undefined, 'a', 'a b', 'b', ''),
  path: fc.constantFrom('/tweet', '/post'),
  as: fc.constantFrom<ClientKindName>('htmx', 'browser', 'program'),
  /** Does the next post start before this one is answered? */
  waits: fc.boolean(),
})

test('any posts in any order: one tweet for each key and text', async () => {
  await using app = await startApp({ LIMIT_WRITE: '100000/60', LIMIT_REGISTER: '1000/60' })
  let people = 0
  await fc.assert(
    fc.asyncProperty(fc.array(posted, { maxLength: 24 }), async (posts) => {
      const alice = await app.person(`Alice ${++people}`)
      const running: Promise<Answer>[] = []
      for (const { msg, key, path, as, waits } of posts) {
        const answer = alice.post(path, key === undefined ? { msg } : { msg, key }, { as })
        running.push(answer)
        if (waits) await answer
      }
      for (const answer of await Promise.all(running)) assert.ok(answer.status < 400)
      const words = posts.map(({ msg, key }) => ({ key, msg: trimmed(msg).normalize('NFC') }))
      const keyed = new Map(
        words.filter(({ key }) => key).map((one) => [`${one.key}:${one.msg}`, one]),
      )
      const expected = [...keyed.values(), ...words.filter(({ key }) => !key)]
      assert.deepEqual(
        (await wordsOf(app, alice.id)).toSorted(),
        expected.map(({ msg }) => msg).toSorted(),
      )
    }),
    { numRuns: 30 },
  )
})

// The demo town talks: replies, quotes, reposts and hashtags, at whatever hour the first start is.
import assert from 'node:assert/strict'
import test from 'node:test'

import { like } from 'drizzle-orm'

import { foundIn } from '../src/base/parse-text.ts'
import { bookmarks, tweets } from '../src/db/schema/index.ts'
import { people } from '../src/demo/people.ts'
import { posts, shares, threads } from '../src/demo/talk.ts'
import { seedDemoWorld } from '../src/demo/world.ts'
import { startApp } from './harness.ts'

/** All tweets of a town whose first start was at this moment. */
async function tweetsAt(now: number) {
  await using app = await startApp()
  await seedDemoWorld(app.database.db, now)
  return await app.database.db.select().from(tweets).orderBy(tweets.id)
}

const moments = ['00:04', '03:30', '07:15', '10:40', '16:05', '23:58'].map((time) =>
  Date.parse(`2026-03-29T${time}:00Z`),
)

for (const now of moments)
  test(`each reply, quote and repost comes after its post, and none is among the first 200: ${new Date(now).toISOString()}`, async () => {
    const all = await tweetsAt(now)
    const byId = new Map(all.map((row) => [row.id, row]))
    const of = all.filter((row) => row.replyTo ?? row.quoteOf ?? row.retweetOf)
    assert.ok(
      of.every(({ id }) => id > 200),
      'scripts rely on the first 200',
    )
    for (const row of of) {
      const target = byId.get((row.replyTo ?? row.quoteOf ?? row.retweetOf)!)!
      assert.ok(target.id < row.id && target.createdAt < row.createdAt, row.msg)
      assert.equal(target.retweetOf, null)
    }
    assert.ok(all.every((row) => row.createdAt < now))
    const written = new Set(posts.map(([, , , msg]) => msg))
    assert.ok(all.slice(0, 200).every(({ msg }) => !written.has(msg)))
  })

test('300 replies in threads of 2 to 12, 120 reposts and quotes', async () => {
  const all = await tweetsAt(moments[3]!)
  const count = (key: 'replyTo' | 'quoteOf' | 'retweetOf') =>
    all.filter((row) => row[key] !== null).length
  assert.ok(count('replyTo') >= 300, `${count('replyTo')} replies`)
  assert.ok(count('retweetOf') + count('quoteOf') >= 120)
  assert.ok(count('quoteOf') >= 30)
  for (const [by, of, ...replies] of threads)
    assert.ok(replies.length >= 2 && replies.length <= 12, `${by}: ${of}`)
  assert.ok(threads.some((thread) => thread.length === 2 + 12))
  const texts = all.filter(({ msg }) => msg !== '').map(({ msg }) => msg)
  assert.ok(texts.every((msg) => [...msg].length <= 280))
  assert.equal(new Set(texts).size, texts.length, 'nobody says the same twice')
})

test('40 hashtags: some are used often, many two or three times; all mentions are people of the town', async () => {
  const all = await tweetsAt(moments[3]!)
  const handles = new Set(people.map(({ handle }) => handle))
  const uses = new Map<string, number>()
  for (const found of all.map(({ msg }) => foundIn(msg))) {
    assert.deepEqual(
      found.handles.filter((handle) => !handles.has(handle)),
      [],
    )
    for (const tag of found.tags) uses.set(tag, (uses.get(tag) ?? 0) + 1)
  }
  const counts = [...uses.values()].sort((one, other) => other - one)
  assert.ok(counts.length >= 40, `${counts.length} tags`)
  assert.ok(
    counts.every((count) => count >= 2),
    [...uses].join(' '),
  )
  assert.ok(counts[4]! >= 12 && counts.filter((count) => count <= 3).length >= 20)
})

test('everybody who talks lives in the town, and nobody reposts a post twice', () => {
  const handles = new Set(people.map(({ handle }) => handle))
  const authors = [
    ...posts.map(([by]) => by),
    ...threads.flatMap(([by, , ...replies]) => [by, replies.map(([author]) => author)].flat()),
    ...shares.flatMap(([by, , ...all]) => [by, all.map((one) => [one].flat()[0])].flat()),
  ]
  assert.deepEqual(
    authors.filter((one) => !handles.has(String(one))),
    [],
  )
  for (const [by, of, ...all] of shares) {
    const who = all.filter((one) => typeof one === 'string')
    assert.equal(new Set([by, ...who]).size, who.length + 1, `${by}: ${of}`)
  }
  for (const [by, of, ...replies] of threads)
    for (const [, min, text, to = 0] of replies)
      assert.ok(to === 0 || replies[to - 1]![1] < min, `${by}: ${of}: ${text}`)
})

test('some people keep bookmarks, three each; ines, who signs in with a button, is one', async () => {
  await using app = await startApp()
  await seedDemoWorld(app.database.db, moments[3]!)
  const kept = await app.database.db.select().from(bookmarks)
  const users = new Set(kept.map((row) => row.userId))
  assert.ok(users.size >= 10 && users.size <= 20 && users.has(3), `${users.size}`)
  assert.ok(kept.length >= 2 * users.size && kept.length <= 3 * users.size, `${kept.length}`)
})

test('a long thread, a quote and a repost are on the pages of their people', async () => {
  await using app = await startApp()
  await seedDemoWorld(app.database.db, Date.now())
  const visitor = app.visitor()
  const rowOf = async (begin: string) =>
    (
      await app.database.db
        .select()
        .from(tweets)
        .where(like(tweets.msg, `${begin}%`))
        .limit(1)
    )[0]!
  const cards = (html: string) => [...html.matchAll(/class="tweet"/g)].length
  const question = await rowOf('Bank holiday week')
  const thread = await visitor.get(`/tweet/${question.id}`, { as: 'browser' })
  assert.equal(cards(thread.text), 1 + 5)
  const penny = await rowOf('Page three was printed backwards')
  const deep = await visitor.get(`/tweet/${penny.id}`, { as: 'browser' })
  assert.ok(
    deep.text.includes('Bank holiday week') && deep.text.includes('Which blue, Sir?'),
    'with what it answers',
  )
  const quotes = await visitor.get('/@henrik?limit=100', { as: 'browser' })
  assert.ok(quotes.text.includes('Berth fees are waived for residents'))
  assert.ok(quotes.text.includes('I appear to be a boat'))
  assert.match(quotes.text, /Henrik Lund<\/a>\s*reposted|Henrik Lund.{0,80}reposted/s)
})

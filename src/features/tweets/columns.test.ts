import assert from 'node:assert/strict'
import test from 'node:test'

import { sql } from 'drizzle-orm'
import { html } from 'hono/html'

import { startApp } from '../../../test/harness.ts'
import { rowsFrom, type Read } from '../../db/column-list.ts'
import { tweets, users } from '../../db/schema/index.ts'
import { encode, cachedFragment } from '../../ui/fragment-cache.ts'
import { cardColumns, cardsFrom } from './queries.ts'

const moreColumns = {
  words: sql<number>`length(tweets.msg) - length(replace(tweets.msg, ' ', '')) + 1`,
  own: sql<boolean>`(tweets.user_id = ${sql.placeholder('viewer')})`.mapWith(Boolean),
}
const withMore = (read: Read) => ({
  ...cardColumns(read),
  words: read(moreColumns.words),
  own: read(moreColumns.own),
})

test('a column added to the list is in the row, in the comparison and in the cache key', async () => {
  await using app = await startApp()
  const { db } = app.database
  const alice = await app.person('Alice')
  const bob = await app.person('Bob')
  const id = await alice.tweet('three small words')
  const more = cardsFrom(withMore)
  const query = more.cardsOf(db, sql`select ${id} as id, 7 as cursor`, 'desc')
  const read = async (viewer: number) => (await query.get({ viewer }))!
  const card = await read(alice.id)

  // The types are derived from the list, too.
  const { words, own }: { words: number; own: boolean } = card
  assert.deepEqual([card.cursor, card.id, card.handle, words, own], [7, id, 'alice', 3, true])
  assert.equal((await read(bob.id)).own, false)

  assert.ok(more.isSame(card, await read(alice.id)), 'nothing has changed')
  assert.ok(more.isSame(card, { ...card, cursor: 8 }), 'its place in a list is not shown')
  assert.ok(!more.isSame(card, { ...card, words: 4 }))
  assert.ok(!more.isSame(card, { ...card, own: false }))

  const keys = [true, false].map((mine) => more.keyOf({ ...card, own: mine }))
  assert.equal(new Set([...keys, more.keyOf({ ...card, id: id + 1 })]).size, 3)

  let rendered = 0
  const shown = cachedFragment(
    more,
    (one) => html`<p>${++rendered}: ${one.words} ${String(one.own)}</p>`,
  )
  const see = async (viewer: number) => encode(shown(await read(viewer)).toString()).toString()
  assert.equal(await see(alice.id), '<p>1: 3 true</p>')
  assert.equal(await see(bob.id), '<p>2: 3 false</p>')
  assert.equal(await see(alice.id), '<p>1: 3 true</p>', 'kept beside the card of another viewer')
  await db.run(sql`update tweets set msg = 'some more small words'`)
  assert.equal(await see(alice.id), '<p>3: 4 true</p>', 'made anew when the new column changes')
})

test('rows are the same as those that drizzle maps', async () => {
  await using app = await startApp()
  const { db } = app.database
  const alice = await app.person('Alice')
  await alice.tweet('without a key')
  await alice.post('/tweet', { msg: 'with a key', key: 'k' })
  const on = sql<Date>`${tweets.createdAt}`.mapWith((ms: number) => new Date(ms))
  const named = sql<boolean>`${users.name} = 'Alice'`.mapWith(Boolean)
  const words = sql<string[]>`${tweets.msg}`.mapWith((msg: string) => msg.split(' '))
  const nothing = sql<boolean | null>`null`.mapWith(Boolean)
  const { columns, toRow } = rowsFrom((read) => ({
    cursor: read(tweets.id),
    id: read(tweets.id),
    key: read(tweets.key),
    msg: read(tweets.msg),
    on: read(on),
    named: read(named),
    words: read(words),
    nothing: read(nothing),
  }))
  const query = db
    .select(columns)
    .from(tweets)
    .innerJoin(users, sql`${users.id} = ${tweets.userId}`)
    .orderBy(tweets.id)
  const [rows, expected] = [(await query.values()).map(toRow), await query.all()]
  assert.deepEqual(rows, expected)
  assert.equal(rows.length, 2)
  assert.deepEqual([rows[0]!.key, rows[0]!.named, rows[0]!.nothing], [null, true, null])
  assert.ok(rows[0]!.on instanceof Date)
})

test('a list that mixes columns up, or creates one for each row, is refused at the start', () => {
  const place = (read: Read) => ({ cursor: read(tweets.id), id: read(tweets.id) })
  const wrong: Record<string, Parameters<typeof rowsFrom>[0]> = {
    // The duplicate `id` would shift all columns after it.
    'read twice': (read) => ({ ...place(read), id: read(users.id) }),
    'out of order': (read) => ({ ...place(read), bio: [users.name, users.bio].map(read)[1] }),
    changed: (read) => ({ ...place(read), isEmpty: read(tweets.msg) === '' }),
    'made anew': (read) => ({ ...place(read), one: read(sql`1`) }),
  }
  for (const [name, list] of Object.entries(wrong))
    assert.throws(() => rowsFrom(list), /must read each column once and return it unchanged/, name)
})

import { and, eq, sql, type SQL, type SQLWrapper } from 'drizzle-orm'

import { digest } from '../../base/digest.ts'
import { rowsFrom, type Read } from '../../db/column-list.ts'
import { prepared, type Bound, type Db } from '../../db/db.ts'
import { tweets, users } from '../../db/schema.ts'
import { measured } from '../../telemetry/metrics.ts'
import { likeColumns } from '../favorites.tsx'

const placeInList = sql<number>`ids.cursor`

/** The columns that a card shows; bind `viewer` (0 for a visitor without an account). */
export const cardColumns = (read: Read) => ({
  cursor: read(placeInList),
  id: read(tweets.id),
  msg: read(tweets.msg),
  createdAt: read(tweets.createdAt),
  userId: read(tweets.userId),
  name: read(users.name),
  handle: read(users.handle),
  likeCount: read(likeColumns.likeCount),
  liked: read(likeColumns.liked),
})

export type Card = ReturnType<typeof cardColumns>

/** Derives from one list of columns how cards are read, compared and cached. */
export function cardsFrom<C extends Card>(list: (read: Read) => C) {
  const { columns, toRow, isSame, keyOf } = rowsFrom(list)
  /**
   * Reads the cards that `ids` selects (a SELECT of `id` and `cursor`). The ids are selected in a subquery and the
   * joins are outside: in a single SELECT the planner starts from the users and takes 400 times as long
   * (docs/decisions/0005).
   */
  function cardsOf(db: Db, ids: SQL, order: 'asc' | 'desc') {
    const query = db
      .select(columns)
      .from(sql`(${ids}) ids`)
      .innerJoin(tweets, sql`${tweets.id} = ids.id`)
      .innerJoin(users, eq(users.id, tweets.userId))
      .orderBy(order === 'asc' ? sql`ids.cursor` : sql`ids.cursor desc`)
      .prepare()
    const all = async (bound: Bound) => (await query.values(bound)).map(toRow)
    return { all, get: async (bound: Bound) => (await all(bound))[0] }
  }
  return { cardsOf, isSame, keyOf }
}

export const { cardsOf, isSame, keyOf } = cardsFrom(cardColumns)

type CardList = {
  /** The id of the tweet. */
  id: SQLWrapper
  /** The column that orders the list; default: the id. */
  cursor?: SQLWrapper
  /** The rest of a SELECT, with a WHERE. */
  from: SQL
}

/** The two queries of a list of cards, for `readFeed`. */
export function cardList({ id, cursor = id, from }: CardList) {
  const select = sql`select ${id} as id, ${cursor} as cursor from ${from}`
  const at = sql.placeholder('cursor')
  const limit = sql.placeholder('limit')
  const older = sql`${select} and ${cursor} < ${at} order by ${cursor} desc limit ${limit}`
  const upTo = sql`${select} and ${cursor} >= ${at} order by ${cursor} limit ${limit}`
  return prepared((db: Db) => ({
    older: cardsOf(db, older, 'desc'),
    upTo: cardsOf(db, upTo, 'asc'),
  }))
}

export const tweetsOfUser = cardList({
  id: tweets.id,
  from: sql`${tweets} where ${tweets.userId} = ${sql.placeholder('user')}`,
})

const oneTweet = prepared((db: Db) => {
  const one = sql`select ${sql.placeholder('id')} as id, ${sql.placeholder('id')} as cursor`
  return cardsOf(db, one, 'desc')
})

export const findTweet = (db: Db, viewer: number, id: number) => oneTweet(db).get({ viewer, id })

/** A validated post of a form or a program; an empty key means no key. */
export type Posted = { msg: string; key?: string | undefined }

/**
 * The digest that identifies a post among those of its author: of the key and all fields sent with it. Leave out fields
 * that a post does not have: then a new optional field does not change stored digests.
 */
const digestOf = ({ key, msg }: Posted) => (key ? digest([key, msg]) : null)

/**
 * Inserts a tweet and returns its id; undefined if its author has posted the same text with the same key before. One
 * statement: of two such posts at the same time only one is written.
 */
export async function createTweet(
  db: Db,
  userId: number,
  posted: Posted,
): Promise<number | undefined> {
  const { msg, key } = posted
  // Rows of an older version contain the key instead of the digest: they are found by key and text.
  const rows = await db.values<[number]>(sql`
    insert into ${tweets} (user_id, msg, key, created_at)
    select ${userId}, ${msg}, ${digestOf(posted)}, ${Date.now()}
    where not exists (
      select 1 from ${tweets} where user_id = ${userId} and key = ${key || null} and msg = ${msg})
    on conflict (user_id, key) where key is not null do nothing
    returning id`)
  const id = rows[0]?.[0]
  if (id !== undefined) measured().tweets.add(1)
  return id
}

const earlierTweet = prepared((db: Db) => {
  const bound = sql.placeholder
  const one = sql`select id, id as cursor from ${tweets} where user_id = ${bound('viewer')}
    and (key = ${bound('digest')} or (key = ${bound('key')} and msg = ${bound('msg')}))`
  return cardsOf(db, one, 'desc')
})

/** The earlier tweet because of which `createTweet` wrote none; undefined if it has been deleted since. */
export const findEarlier = (db: Db, author: number, { msg, key = '' }: Posted) =>
  earlierTweet(db).get({ viewer: author, msg, key, digest: digestOf({ msg, key }) ?? '' })

/**
 * Deletes a tweet of this author, or any tweet for an operator. Gives the author and the number of their tweets that are
 * left; undefined if there is no such tweet.
 */
export async function deleteTweet(
  db: Db,
  author: { id: number; operator: boolean },
  id: number,
): Promise<{ author: number; left: number } | undefined> {
  const mayDelete = author.operator
    ? eq(tweets.id, id)
    : and(eq(tweets.id, id), eq(tweets.userId, author.id))
  const [gone] = await db
    .delete(tweets)
    .where(mayDelete)
    .returning({
      author: tweets.userId,
      // Read before the trigger counts.
      left: sql<number>`(select tweet_count - 1 from users where id = user_id)`,
    })
  return gone
}

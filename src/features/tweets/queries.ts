import { and, eq, sql, type SQL, type SQLWrapper } from 'drizzle-orm'

import { digest } from '../../base/digest.ts'
import { rowsFrom, type Read } from '../../db/column-list.ts'
import { prepared, type Bound, type Db } from '../../db/db.ts'
import { tweets, users } from '../../db/schema.ts'
import { measured } from '../../telemetry/metrics.ts'
import { likeColumns } from '../favorites.tsx'

const placeInList = sql<number>`ids.cursor`
/** Who wrote the tweet that this one answers; null if it answers none, or if that one is gone. */
const repliedHandle = sql<string | null>`(select author.handle from tweets parent
  join users author on author.id = parent.user_id where parent.id = tweets.reply_to)`

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
  replyCount: read(tweets.replyCount),
  replyTo: read(tweets.replyTo),
  repliedHandle: read(repliedHandle),
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
  /** As `oldestFirst` of its view; default: newest first. */
  oldestFirst?: boolean
}

/** The two queries of a list of cards, for `readFeed`. */
export function cardList({ id, cursor = id, from, oldestFirst = false }: CardList) {
  const select = sql`select ${id} as id, ${cursor} as cursor from ${from}`
  const at = sql.placeholder('cursor')
  const limit = sql.placeholder('limit')
  const falling = (to: SQL) => sql`${select} and ${to} order by ${cursor} desc limit ${limit}`
  const rising = (to: SQL) => sql`${select} and ${to} order by ${cursor} limit ${limit}`
  return prepared((db: Db) =>
    oldestFirst
      ? {
          older: cardsOf(db, rising(sql`${cursor} > ${at}`), 'asc'),
          upTo: cardsOf(db, falling(sql`${cursor} <= ${at}`), 'desc'),
        }
      : {
          older: cardsOf(db, falling(sql`${cursor} < ${at}`), 'desc'),
          upTo: cardsOf(db, rising(sql`${cursor} >= ${at}`), 'asc'),
        },
  )
}

const ofUser = sql`${tweets.userId} = ${sql.placeholder('user')}`

/** What a person's followers get to see of them. `in_timeline = 1` as its index has it. */
export const tweetsOfUser = cardList({
  id: tweets.id,
  from: sql`${tweets} where in_timeline = 1 and ${ofUser}`,
})

export const repliesOfUser = cardList({
  id: tweets.id,
  from: sql`${tweets} where ${tweets.replyTo} is not null and ${ofUser}`,
})

const oneTweet = prepared((db: Db) => {
  const one = sql`select ${sql.placeholder('id')} as id, ${sql.placeholder('id')} as cursor`
  return cardsOf(db, one, 'desc')
})

export const findTweet = (db: Db, viewer: number, id: number) => oneTweet(db).get({ viewer, id })

/** A tweet that has just been written, then the one that it answers. */
const tweetAndParent = prepared((db: Db) => {
  const id = sql.placeholder('id')
  const both = sql`select ${id} as id, 1 as cursor
    union all select ${tweets.replyTo}, 0 from ${tweets} where ${tweets.id} = ${id}`
  return cardsOf(db, both, 'desc')
})

/** The card of a new tweet, and that of the tweet that it answers. */
export async function findNew(db: Db, viewer: number, id: number) {
  const [card, parent] = await tweetAndParent(db).all({ viewer, id })
  return { card, parent }
}

/** A validated post of a form or a program; an empty key means no key. `reply_to` is the id of a tweet. */
export type Posted = { msg: string; key?: string | undefined; reply_to?: number | undefined }

/**
 * The digest that identifies a post among those of its author: of the key and all fields sent with it. Leave out fields
 * that a post does not have: then a new optional field does not change stored digests.
 */
const digestOf = ({ key, msg, reply_to: target }: Posted) =>
  key ? digest(target === undefined ? [key, msg] : [key, msg, `reply to ${target}`]) : null

/**
 * The key as a version before the digests stored it: such rows are found by key and text. There were no replies then.
 */
const oldKeyOf = ({ key, reply_to: target }: Posted) => (target === undefined && key) || null

/**
 * Inserts a tweet and returns its id; undefined if its author has posted the same text with the same key before, or if
 * the tweet that it answers does not exist. One statement: of two such posts at the same time only one is written.
 */
export async function createTweet(
  db: Db,
  userId: number,
  posted: Posted,
): Promise<number | undefined> {
  const { msg, reply_to: target = null } = posted
  const isThere =
    target === null ? sql`where` : sql`from ${tweets} target where target.id = ${target} and`
  // A reply to oneself goes on with what followers see; to anybody else, it is not for their timelines.
  const isInTimeline =
    target === null ? sql`1` : sql`target.in_timeline = 1 and target.user_id = ${userId}`
  const rows = await db.values<[number]>(sql`
    insert into ${tweets} (user_id, msg, key, created_at, reply_to, in_timeline)
    select ${userId}, ${msg}, ${digestOf(posted)}, ${Date.now()}, ${target}, ${isInTimeline}
    ${isThere} not exists (
      select 1 from ${tweets} where user_id = ${userId} and key = ${oldKeyOf(posted)} and msg = ${msg})
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
export const findEarlier = (db: Db, author: number, posted: Posted) =>
  earlierTweet(db).get({
    viewer: author,
    msg: posted.msg,
    key: oldKeyOf(posted) ?? '',
    digest: digestOf(posted) ?? '',
  })

/** A deleted tweet: its author and how many tweets of theirs are left; the tweet that it answered, and its replies left. */
export type Gone = {
  author: number
  left: number
  replyTo: number | null
  /** Null if it was no reply, or if the tweet that it answered is gone. */
  repliesLeft: number | null
}

/** Deletes a tweet of this author, or any tweet for an operator; undefined if there is no such tweet. */
export async function deleteTweet(
  db: Db,
  author: { id: number; operator: boolean },
  id: number,
): Promise<Gone | undefined> {
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
      replyTo: tweets.replyTo,
      repliesLeft: sql<
        number | null
      >`(select parent.reply_count - 1 from tweets parent where parent.id = tweets.reply_to)`,
    })
  return gone
}

// Writing and deleting tweets, and finding the one that was written before with the same key.
import { and, eq, isNull, sql } from 'drizzle-orm'

import { digest } from '../../base/digest.ts'
import { foundIn } from '../../base/parse-text.ts'
import { prepared, type Db } from '../../db/db.ts'
import { hideTweet, isSmallTweet } from '../../db/deletions.ts'
import { originalOf } from '../../db/originals.ts'
import { tweets } from '../../db/schema/index.ts'
import { tagsKept } from '../../db/tag-build.ts'
import { measured } from '../../telemetry/metrics.ts'
import { cardsOf } from './queries.ts'

/**
 * A validated post of a form or a program; an empty key means no key. `reply_to` and `quote` are ids of tweets, one of
 * them at most.
 */
export type Posted = {
  msg: string
  key?: string | undefined
  reply_to?: number | undefined
  quote?: number | undefined
}

/**
 * The digest that identifies a post among those of its author: of the key and all fields sent with it. Leave out fields
 * that a post does not have: then a new optional field does not change stored digests.
 */
const digestOf = ({ key, msg, reply_to: target, quote }: Posted) =>
  key
    ? digest([
        key,
        msg,
        ...(target === undefined ? [] : [`reply to ${target}`]),
        ...(quote === undefined ? [] : [`quote of ${quote}`]),
      ])
    : null

/**
 * The key as a version before the digests stored it: such rows are found by key and text. There were no replies and no
 * quotes then.
 */
const oldKeyOf = ({ key, reply_to: target, quote }: Posted) =>
  (target === undefined && quote === undefined && key) || null

/** The first so many different people whom a tweet mentions get a row. */
const mentionsMax = 10

/**
 * The statements that write whom a tweet mentions and its tags, for the batch that inserts it. Where it was not inserted
 * because it is there already, they find its rows or another tweet, and write nothing.
 */
function writeFound(db: Db, author: number, msg: string) {
  const { handles } = foundIn(msg)
  const tags = tagsKept(msg)
  const isNew = sql`tweet.id = (select max(id) from tweets) and tweet.user_id = ${author} and tweet.msg = ${msg}`
  const mentioned = sql`coalesce((select id from users where handle = value),
    (select user_id from former_handles where handle = value))`
  return [
    ...(handles.length === 0
      ? []
      : [
          db.run(sql`insert into mentions (tweet_id, user_id)
            select tweet.id, person.id from tweets tweet cross join json_each(${JSON.stringify(handles)}) list
            cross join users person on person.id = ${mentioned}
            where ${isNew} and person.id <> tweet.user_id and person.suspended_at is null
            group by person.id order by min(list.key) limit ${mentionsMax} on conflict do nothing`),
        ]),
    ...(tags.length === 0
      ? []
      : [
          db.run(sql`insert into tag_uses (tag, tweet_id, user_id, created_at)
            select value, tweet.id, tweet.user_id, tweet.created_at
            from tweets tweet cross join json_each(${JSON.stringify(tags)})
            where ${isNew} on conflict do nothing`),
        ]),
  ]
}

/**
 * Inserts a tweet and returns its id; undefined if its author has posted the same text with the same key before, or if
 * the tweet that it answers or quotes does not exist. One statement: of two such posts at the same time only one is
 * written. Mentions and tags are written in the same transaction.
 */
export async function createTweet(
  db: Db,
  userId: number,
  posted: Posted,
): Promise<number | undefined> {
  const { msg, reply_to: answered, quote } = posted
  const targetId = answered ?? quote
  const target = sql`target.id`
  const isThere =
    targetId === undefined
      ? sql`where`
      : sql`from ${tweets} target where target.id = ${originalOf(targetId)} and`
  // A reply to oneself goes on with what followers see; to anybody else, it is not for their timelines.
  const isInTimeline =
    answered === undefined ? sql`1` : sql`target.in_timeline = 1 and target.user_id = ${userId}`
  const insert = db.values<[number]>(sql`
    insert into ${tweets} (user_id, msg, key, created_at, reply_to, quote_of, in_timeline)
    select ${userId}, ${msg}, ${digestOf(posted)}, ${Date.now()}, ${answered === undefined ? null : target},
      ${quote === undefined ? null : target}, ${isInTimeline}
    ${isThere} not exists (
      select 1 from ${tweets} where user_id = ${userId} and key = ${oldKeyOf(posted)} and msg = ${msg})
    on conflict (user_id, key) where key is not null do nothing
    returning id`)
  const more = writeFound(db, userId, msg)
  const rows = more.length === 0 ? await insert : (await db.batch([insert, ...more]))[0]
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

/**
 * Deletes a tweet of this author, or any tweet for an operator; undefined if there is no such tweet. One with many
 * retweets or likes is hidden, and removed in the background.
 */
export async function deleteTweet(
  db: Db,
  author: { id: number; operator: boolean },
  id: number,
): Promise<Gone | undefined> {
  const mayDelete = author.operator
    ? eq(tweets.id, id)
    : and(eq(tweets.id, id), eq(tweets.userId, author.id))
  const facts = {
    author: tweets.userId,
    // Read before the trigger counts.
    left: sql<number>`(select tweet_count - (retweet_of is null) from users where id = user_id)`,
    replyTo: tweets.replyTo,
    repliesLeft: sql<
      number | null
    >`(select parent.reply_count - 1 from tweets parent where parent.id = tweets.reply_to)`,
  }
  const [gone] = await db
    .delete(tweets)
    .where(and(mayDelete, isSmallTweet(id)))
    .returning(facts)
  if (gone) return gone
  const large = await db
    .select(facts)
    .from(tweets)
    .where(and(mayDelete, isNull(tweets.retweetOf)))
    .get()
  if (large) await hideTweet(db, id)
  return large
}

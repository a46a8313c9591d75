// What an export consists of. A section more is one entry in `sections`.
import { and, asc, eq, gt, ne, sql } from 'drizzle-orm'
import { alias } from 'drizzle-orm/sqlite-core'

import type { Db } from '../../db/db.ts'
import {
  bookmarks,
  favorites,
  follows,
  formerHandles,
  tweets,
  users,
} from '../../db/schema/index.ts'

/** Rows are read by so many at a time. */
const pageRows = 500

/** `at` is where the next page begins; the rest is written. */
type Row = { at: number } & Record<string, unknown>

/** The rows of a person after a place in their list, oldest first, at most `pageRows`. */
type Section = (db: Db, userId: number, after: number) => Promise<Row[]>

const time = (ms: number) => new Date(ms).toISOString()
const author = alias(users, 'author')

/** Of other people: handle and name, as their profiles show them; never an address. */
const followSection =
  (mine: 'followerId' | 'followedId', other: 'followerId' | 'followedId'): Section =>
  async (db, userId, after) => {
    const rows = await db
      .select({ at: follows.id, handle: users.handle, name: users.name, since: follows.createdAt })
      .from(follows)
      .innerJoin(users, eq(users.id, follows[other]))
      .where(and(eq(follows[mine], userId), gt(follows.id, after), ne(users.name, '')))
      .orderBy(asc(follows.id))
      .limit(pageRows)
    return rows.map(({ since, ...row }) => ({ ...row, since: time(since) }))
  }

/** A tweet that is hidden, but not removed yet, is a retweet of itself (db/deletions.ts). */
const isNotHidden = sql`(${tweets.retweetOf} is null or ${tweets.retweetOf} <> ${tweets.id})`

const posts: Section = async (db, userId, after) => {
  const rows = await db
    .select({
      at: tweets.id,
      id: tweets.id,
      text: tweets.msg,
      createdAt: tweets.createdAt,
      reply_to: tweets.replyTo,
      quote_of: tweets.quoteOf,
      repost_of: tweets.retweetOf,
      like_count: tweets.likeCount,
      reply_count: tweets.replyCount,
      repost_count: tweets.retweetCount,
    })
    .from(tweets)
    .where(and(eq(tweets.userId, userId), gt(tweets.id, after), isNotHidden))
    .orderBy(asc(tweets.id))
    .limit(pageRows)
  return rows.map(({ createdAt, ...row }) => ({ ...row, created_at: time(createdAt) }))
}

/** The tweets that a person has marked, by a like or a bookmark, and when (as `name`); not those that are gone. */
const markSection =
  (marks: typeof favorites | typeof bookmarks, name: string): Section =>
  async (db, userId, after) => {
    const isThere = and(ne(tweets.msg, ''), ne(author.name, ''))
    const rows = await db
      .select({ at: marks.id, tweet: tweets.id, author: author.handle, since: marks.createdAt })
      .from(marks)
      .innerJoin(tweets, eq(tweets.id, marks.tweetId))
      .innerJoin(author, eq(author.id, tweets.userId))
      .where(and(eq(marks.userId, userId), gt(marks.id, after), isThere))
      .orderBy(asc(marks.id))
      .limit(pageRows)
    return rows.map(({ since, ...row }) => ({ ...row, [name]: time(since) }))
  }

/** The lists of an export, in its order. */
export const sections: Record<string, Section> = {
  tweets: posts,
  likes: markSection(favorites, 'liked_at'),
  bookmarks: markSection(bookmarks, 'bookmarked_at'),
  following: followSection('followerId', 'followedId'),
  followers: followSection('followedId', 'followerId'),
}

/** The person's own account, without what opens it; undefined when it is deleted. */
export async function profileOf(db: Db, userId: number) {
  const person = await db
    .select({
      id: users.id,
      handle: users.handle,
      name: users.name,
      bio: users.bio,
      mailaddress: users.mailaddress,
      createdAt: users.createdAt,
      formerHandles: sql<string>`(select json_group_array(${formerHandles.handle}) from ${formerHandles}
        where ${formerHandles.userId} = ${users.id})`,
    })
    .from(users)
    .where(and(eq(users.id, userId), ne(users.name, '')))
    .get()
  if (!person) return undefined
  const { createdAt, formerHandles: former, ...rest } = person
  return { ...rest, former_handles: JSON.parse(former) as string[], created_at: time(createdAt) }
}

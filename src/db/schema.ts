// Every table and index. Triggers (counters, search, trends) and STRICT are written by hand in drizzle/*.sql;
// test/schema.sql is the whole result, and a test compares it with what the migrations make.
import { sql } from 'drizzle-orm'
import { index, integer, real, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'

/** An id grows with time and is never given twice: lists are ordered by it and cursors are made of it. */
const id = () => integer().primaryKey({ autoIncrement: true })
/** Milliseconds since 1970, UTC. */
const createdAt = () => integer('created_at').notNull()
const count = (name: string) => integer(name).notNull().default(0)

export const users = sqliteTable(
  'users',
  {
    id: id(),
    name: text().notNull(),
    handle: text().notNull(),
    mailaddress: text().notNull(),
    passwordHash: text('password_hash').notNull(),
    bio: text().notNull().default(''),
    /** 1 for the people of the demo world: with DEMO=0 they cannot sign in. */
    demo: integer({ mode: 'boolean' }).notNull().default(false),
    suspendedAt: integer('suspended_at'),
    createdAt: createdAt(),
    tweetCount: count('tweet_count'),
    followerCount: count('follower_count'),
    followingCount: count('following_count'),
    favoriteCount: count('favorite_count'),
  },
  (t) => [
    uniqueIndex('users_handle').on(t.handle),
    uniqueIndex('users_mailaddress').on(t.mailaddress),
    // Those that a start has to normalise (addresses.ts): mostly none.
    index('users_wide_domain')
      .on(t.id)
      .where(sql`mailaddress glob '*@*[^ -~]*'`),
    index('users_followers').on(t.followerCount),
  ],
)

/** Handles of deleted accounts, written by a trigger: nobody gets one again, for old mentions would lead to a stranger. */
export const retiredHandles = sqliteTable('retired_handles', { handle: text().primaryKey() })

export const tweets = sqliteTable(
  'tweets',
  {
    id: id(),
    userId: integer('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    msg: text().notNull(),
    /** A digest of the form's key and the words, so that a repeated submit is one tweet (features/tweets/queries.ts). */
    key: text(),
    createdAt: createdAt(),
    likeCount: count('like_count'),
    /** Sum of the weights of its likes (trend-score.ts); only comparable with other tweets' scores. */
    trendScore: real('trend_score').notNull().default(0),
  },
  (t) => [
    index('tweets_user').on(t.userId, t.id),
    uniqueIndex('tweets_key')
      .on(t.userId, t.key)
      .where(sql`key is not null`),
    index('tweets_trending')
      .on(t.trendScore)
      .where(sql`like_count >= 2`),
  ],
)

export const favorites = sqliteTable(
  'favorites',
  {
    id: id(),
    userId: integer('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    tweetId: integer('tweet_id')
      .notNull()
      .references(() => tweets.id, { onDelete: 'cascade' }),
    /** What this like added to the tweet's trend score, so that unliking takes away just that. */
    weight: real().notNull(),
    createdAt: createdAt(),
  },
  (t) => [
    uniqueIndex('favorites_once').on(t.userId, t.tweetId),
    index('favorites_user').on(t.userId, t.id),
    index('favorites_tweet').on(t.tweetId, t.id),
  ],
)

export const follows = sqliteTable(
  'follows',
  {
    id: id(),
    followerId: integer('follower_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    followedId: integer('followed_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    createdAt: createdAt(),
  },
  (t) => [
    uniqueIndex('follows_once').on(t.followerId, t.followedId),
    index('follows_follower').on(t.followerId, t.id),
    index('follows_followed').on(t.followedId, t.id),
  ],
)

export const sessions = sqliteTable(
  'sessions',
  {
    /** SHA-256 of the token in the cookie, in hex: who reads the database cannot sign in with it. */
    tokenHash: text('token_hash').primaryKey(),
    userId: integer('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    createdAt: createdAt(),
    seenAt: integer('seen_at').notNull(),
  },
  (t) => [index('sessions_user').on(t.userId)],
)

/** One row: the moment that trend weights are counted from (trend-score.ts). */
export const trends = sqliteTable('trends', {
  id: integer().primaryKey(),
  epoch: integer().notNull(),
})

// The tables and indexes of people and posts; the files beside this one have the others. Triggers
// (counters, search, trends, notifications) and STRICT are written by hand in drizzle/*.sql.
// test/schema.sql is the complete schema. A test compares it with the result of the migrations.
import { sql } from 'drizzle-orm'
import {
  index,
  integer,
  primaryKey,
  real,
  sqliteTable,
  text,
  uniqueIndex,
  type AnySQLiteColumn,
} from 'drizzle-orm/sqlite-core'

/** Ids increase and are never reused: lists are ordered by id, and ids are used as cursors. */
export const id = () => integer().primaryKey({ autoIncrement: true })
/** Milliseconds since 1970, UTC. */
export const createdAt = () => integer('created_at').notNull()
const count = (name: string) => integer(name).notNull().default(0)
const gone = { onDelete: 'cascade' } as const
/** The person that a row is of, and goes with. */
export const ofUser = (name = 'user_id') =>
  integer(name)
    .notNull()
    .references(() => users.id, gone)
/** The tweet that a row is of, and goes with. */
export const ofTweet = () =>
  integer('tweet_id')
    .notNull()
    .references(() => tweets.id, gone)

export const users = sqliteTable(
  'users',
  {
    id: id(),
    name: text().notNull(),
    handle: text().notNull(),
    mailaddress: text().notNull(),
    passwordHash: text('password_hash').notNull(),
    bio: text().notNull().default(''),
    /** True for the users of the demo world. With DEMO=0 they cannot sign in. */
    demo: integer({ mode: 'boolean' }).notNull().default(false),
    suspendedAt: integer('suspended_at'),
    /** 1 for whom `npm run user -- operator` has made one; the addresses in OPERATORS come on top. */
    operator: integer({ mode: 'boolean' }).notNull().default(false),
    createdAt: createdAt(),
    tweetCount: count('tweet_count'),
    followerCount: count('follower_count'),
    followingCount: count('following_count'),
    favoriteCount: count('favorite_count'),
    /** The newest notification that this person has seen, by its id; an unseen one has a greater id. */
    notificationsSeen: count('notifications_seen'),
    /** How many rows of `hidden` (hidden.ts) say whom this person does not see. */
    hiddenCount: count('hidden_count'),
  },
  (t) => [
    uniqueIndex('users_handle').on(t.handle),
    uniqueIndex('users_mailaddress').on(t.mailaddress),
    // Those that a start has to normalise (addresses.ts): mostly none.
    index('users_wide_domain')
      .on(t.id)
      .where(sql`mailaddress glob '*@*[^ -~]*'`),
    index('users_followers').on(t.followerCount),
    index('users_suspended')
      .on(t.id)
      .where(sql`suspended_at is not null`),
  ],
)

/** Handles of deleted accounts, written by a trigger. Never reused: old mentions would link to another person. */
export const retiredHandles = sqliteTable('retired_handles', { handle: text().primaryKey() })

/** Handles that a living account had before, written by a trigger: they lead on to it, and nobody else gets one. */
export const formerHandles = sqliteTable(
  'former_handles',
  { handle: text().primaryKey(), userId: ofUser(), changedAt: integer('changed_at').notNull() },
  (t) => [index('former_handles_user').on(t.userId, t.changedAt)],
)

/** Links that let one person sign up. */
export const invitations = sqliteTable('invitations', {
  /** SHA-256 of the token in the link, in hex: who reads the database cannot sign up with it. */
  tokenHash: text('token_hash').primaryKey(),
  createdAt: createdAt(),
  /** The account that was made with it. Ids are never given twice, so it stays used when that account is deleted. */
  usedBy: integer('used_by'),
})

export const tweets = sqliteTable(
  'tweets',
  {
    id: id(),
    userId: ofUser(),
    msg: text().notNull(),
    /** A digest of the form's key and the text: submitting twice creates one tweet (features/tweets/queries.ts). */
    key: text(),
    createdAt: createdAt(),
    likeCount: count('like_count'),
    /** Sum of the weights of its likes (trend-score.ts). Only meaningful when compared with other scores. */
    trendScore: real('trend_score').notNull().default(0),
    /** The tweet that this one answers. Without a foreign key: a reply stays when its tweet is deleted. */
    replyTo: integer('reply_to'),
    /** The tweet that this one quotes; without a foreign key, likewise. */
    quoteOf: integer('quote_of'),
    /** The tweet that this row passes on: such a row has no words, and goes with its tweet. */
    retweetOf: integer('retweet_of').references((): AnySQLiteColumn => tweets.id, gone),
    /** Do followers see it in their timeline? Not a reply to somebody else. Set once, by the INSERT. */
    inTimeline: integer('in_timeline', { mode: 'boolean' }).notNull().default(true),
    replyCount: count('reply_count'),
    retweetCount: count('retweet_count'),
  },
  (t) => [
    index('tweets_user').on(t.userId, t.id),
    // Covers the ids of a timeline. The condition must be written like this in a query, not bound.
    index('tweets_timeline')
      .on(t.userId, t.id, t.retweetOf)
      .where(sql`in_timeline = 1`),
    // Partial indexes, because most tweets answer and pass on nothing.
    index('tweets_replies')
      .on(t.replyTo, t.id)
      .where(sql`reply_to is not null`),
    index('tweets_user_replies')
      .on(t.userId, t.id)
      .where(sql`reply_to is not null`),
    // The posts of everybody: a scan by id alone would pass over all replies and retweets.
    index('tweets_everybody')
      .on(t.id)
      .where(sql`in_timeline = 1 and reply_to is null and retweet_of is null`),
    uniqueIndex('tweets_retweeted_once')
      .on(t.userId, t.retweetOf)
      .where(sql`retweet_of is not null`),
    index('tweets_retweets')
      .on(t.retweetOf, t.id)
      .where(sql`retweet_of is not null`),
    uniqueIndex('tweets_key')
      .on(t.userId, t.key)
      .where(sql`key is not null`),
    index('tweets_trending')
      .on(t.trendScore)
      .where(sql`like_count >= 2`),
  ],
)

/** Whom a tweet mentions: the first 10 different people, without its author (features/tweets/writes.ts). */
export const mentions = sqliteTable('mentions', { tweetId: ofTweet(), userId: ofUser() }, (t) => [
  primaryKey({ columns: [t.tweetId, t.userId] }),
  index('mentions_user').on(t.userId, t.tweetId),
])

/**
 * The first 20 tags of each tweet, as their keys (base/tags.ts). Author and time are those of the tweet, which never
 * change: so the trending tags are read from one index, without counters that could be wrong.
 */
export const tagUses = sqliteTable(
  'tag_uses',
  {
    tag: text().notNull(),
    tweetId: ofTweet(),
    userId: integer('user_id').notNull(),
    createdAt: createdAt(),
  },
  (t) => [
    primaryKey({ columns: [t.tag, t.tweetId] }),
    index('tag_uses_tweet').on(t.tweetId, t.userId, t.createdAt),
  ],
)

export const favorites = sqliteTable(
  'favorites',
  {
    id: id(),
    userId: ofUser(),
    tweetId: ofTweet(),
    /** What this like added to the tweet's trend score. Taking the like back subtracts the same. */
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
    followerId: ofUser('follower_id'),
    followedId: ofUser('followed_id'),
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
    /** SHA-256 of the token in the cookie, in hex: the content of the database is not enough to sign in. */
    tokenHash: text('token_hash').primaryKey(),
    userId: ofUser(),
    createdAt: createdAt(),
    seenAt: integer('seen_at').notNull(),
  },
  (t) => [index('sessions_user').on(t.userId)],
)

/** One row: the epoch (ms UTC), the time at which a like weighs 1 (trend-score.ts). */
export const trends = sqliteTable('trends', {
  id: integer().primaryKey(),
  epoch: integer().notNull(),
})

// The tables of the notifications.
import { sql } from 'drizzle-orm'
import { index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'

import { createdAt, id, ofUser, tweets } from './people-and-posts.ts'

/** What others did to a person, written by triggers only; gone when its cause is undone. */
export const notifications = sqliteTable(
  'notifications',
  {
    id: id(),
    /** Who is told. */
    userId: ofUser(),
    kind: text({ enum: ['like', 'follow', 'reply', 'retweet', 'quote', 'mention'] }).notNull(),
    actorId: ofUser('actor_id'),
    /** Of a like or a retweet, the tweet of who is told; of a reply, a quote or a mention, the tweet that does it. */
    tweetId: integer('tweet_id').references(() => tweets.id, { onDelete: 'cascade' }),
    createdAt: createdAt(),
  },
  (t) => [
    index('notifications_user').on(t.userId, t.id),
    uniqueIndex('notifications_once').on(t.actorId, t.userId, t.kind, sql`coalesce(tweet_id, 0)`),
    index('notifications_tweet')
      .on(t.tweetId)
      .where(sql`tweet_id is not null`),
  ],
)

/** Causes up to these ids notify nobody: they are older than the notifications, or of a world that was made at once. */
export const notificationStarts = sqliteTable('notification_starts', {
  /** The name of a table. */
  cause: text().primaryKey(),
  afterId: integer('after_id').notNull(),
})

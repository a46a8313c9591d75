// The tables of what people do not want to see, and of what they report.
import { sql } from 'drizzle-orm'
import { index, integer, primaryKey, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'

import { createdAt, id, ofTweet, ofUser } from './people-and-posts.ts'

/**
 * Whom a person does not see. A mute is one row, a block two: 'block', and 'blocked' for the other side, which triggers
 * write and remove.
 */
export const hidden = sqliteTable(
  'hidden',
  {
    id: id(),
    viewerId: ofUser('viewer_id'),
    authorId: ofUser('author_id'),
    kind: text({ enum: ['mute', 'block', 'blocked'] }).notNull(),
    createdAt: createdAt(),
    /** 1 for a mute of somebody whom the viewer follows; triggers keep it. It saves the timeline a lookup of each followee. */
    followed: integer().notNull().default(0),
  },
  (t) => [
    uniqueIndex('hidden_once').on(t.viewerId, t.authorId, t.kind),
    index('hidden_author').on(t.authorId),
    index('hidden_own')
      .on(t.viewerId, t.id)
      .where(sql`kind <> 'blocked'`),
    index('hidden_followed')
      .on(t.viewerId, t.authorId)
      .where(sql`followed = 1`),
  ],
)

/** Causes by the actor up to these ids told the person nothing: they are from while the person hid the actor. */
export const notificationGaps = sqliteTable(
  'notification_gaps',
  {
    userId: ofUser(),
    actorId: ofUser('actor_id'),
    favorites: integer().notNull(),
    follows: integer().notNull(),
    tweets: integer().notNull(),
  },
  (t) => [
    primaryKey({ columns: [t.userId, t.actorId] }),
    index('notification_gaps_actor').on(t.actorId),
  ],
)

/** What people say about a tweet to those who run the site: once each. */
export const reports = sqliteTable(
  'reports',
  {
    id: id(),
    tweetId: ofTweet(),
    userId: ofUser(),
    reason: text().notNull(),
    createdAt: createdAt(),
    /** An operator has seen it and found nothing wrong. */
    dismissedAt: integer('dismissed_at'),
  },
  (t) => [
    uniqueIndex('reports_once').on(t.tweetId, t.userId),
    index('reports_user').on(t.userId),
    index('reports_open')
      .on(t.id)
      .where(sql`dismissed_at is null`),
  ],
)

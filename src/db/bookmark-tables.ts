// The table of the bookmarks; the others are in schema.ts.
import { index, integer, sqliteTable, uniqueIndex } from 'drizzle-orm/sqlite-core'

import { createdAt, id, tweets, users } from './schema.ts'

/** What people keep for themselves: nobody else sees who keeps what, nor how many do. */
export const bookmarks = sqliteTable(
  'bookmarks',
  {
    id: id(),
    userId: integer('user_id')
      .notNull()
      .references(() => users.id, { onDelete: 'cascade' }),
    tweetId: integer('tweet_id')
      .notNull()
      .references(() => tweets.id, { onDelete: 'cascade' }),
    createdAt: createdAt(),
  },
  (t) => [
    uniqueIndex('bookmarks_once').on(t.userId, t.tweetId),
    index('bookmarks_user').on(t.userId, t.id),
    index('bookmarks_tweet').on(t.tweetId),
  ],
)

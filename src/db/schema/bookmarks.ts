// The table of the bookmarks.
import { index, sqliteTable, uniqueIndex } from 'drizzle-orm/sqlite-core'

import { createdAt, id, ofTweet, ofUser } from './people-and-posts.ts'

/** What people keep for themselves: nobody else sees who keeps what, nor how many do. */
export const bookmarks = sqliteTable(
  'bookmarks',
  { id: id(), userId: ofUser(), tweetId: ofTweet(), createdAt: createdAt() },
  (t) => [
    uniqueIndex('bookmarks_once').on(t.userId, t.tweetId),
    index('bookmarks_user').on(t.userId, t.id),
    index('bookmarks_tweet').on(t.tweetId),
  ],
)

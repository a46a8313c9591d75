// The tables of link previews.
import { index, integer, sqliteTable, text } from 'drizzle-orm/sqlite-core'

import { tweets } from './people-and-posts.ts'

/** What pages say about themselves, by address (features/previews/). */
export const linkPreviews = sqliteTable(
  'link_previews',
  {
    url: text().primaryKey(),
    /** Null: there was none to be had. */
    title: text(),
    description: text().notNull().default(''),
    fetchedAt: integer('fetched_at').notNull(),
  },
  (t) => [index('link_previews_age').on(t.fetchedAt)],
)

/** The preview that a tweet shows: a copy, which stays when the row of `link_previews` is forgotten. */
export const tweetPreviews = sqliteTable('tweet_previews', {
  tweetId: integer('tweet_id')
    .primaryKey()
    .references(() => tweets.id, { onDelete: 'cascade' }),
  url: text().notNull(),
  title: text().notNull(),
  description: text().notNull().default(''),
})

// How far the work beside the requests is: building search indexes and lists of tags, removing what is deleted.
import { integer, primaryKey, sqliteTable, text } from 'drizzle-orm/sqlite-core'

/**
 * How far each search index is made: it has every row with this id and all after it. 1: all rows, but its parts are still
 * being merged; 0: it is whole (search-build.ts).
 */
export const searchBuilds = sqliteTable('search_builds', {
  name: text().primaryKey(),
  indexedFrom: integer('indexed_from').notNull(),
})

/** Tweets and accounts that are hidden, but not removed yet (deletions.ts). `takenUntil`: a process works on it (ms UTC). */
export const deletions = sqliteTable(
  'deletions',
  {
    kind: text({ enum: ['tweet', 'user'] }).notNull(),
    id: integer().notNull(),
    takenUntil: integer('taken_until').notNull().default(0),
  },
  (t) => [primaryKey({ columns: [t.kind, t.id] })],
)

/** Attempts to sign in and up, where several processes count them together (http/shared-limits.ts). `key` is a hash. */
export const attempts = sqliteTable('attempts', {
  key: text().primaryKey(),
  count: integer().notNull(),
  endsAt: integer('ends_at').notNull(),
})

/** One row: when a process last wrote it (ms UTC of the server's clock). Its age in a replica says how old that is (replica.ts). */
export const heartbeats = sqliteTable('heartbeats', {
  id: integer().primaryKey(),
  at: integer().notNull(),
})

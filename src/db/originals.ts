import { sql, type SQL } from 'drizzle-orm'

/** SQL for the id of a tweet; of a retweet, for that of its original. Null if there is none, or if it is hidden (deletions.ts) or its author is suspended. */
export const originalOf = (id: unknown): SQL<number> =>
  sql<number>`(select original.id from tweets given
    join tweets original on original.id = coalesce(given.retweet_of, given.id)
    join users author on author.id = original.user_id
    where given.id = ${id} and original.msg <> '' and author.suspended_at is null)`

import { sql, type SQL } from 'drizzle-orm'

/** SQL for the id of a tweet; of a retweet, for that of its original. Null if there is no such tweet. */
export const originalOf = (id: unknown): SQL<number> =>
  sql<number>`(select coalesce(given.retweet_of, given.id) from tweets given where given.id = ${id})`

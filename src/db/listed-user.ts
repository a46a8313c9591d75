import { sql } from 'drizzle-orm'

const user = sql.placeholder('user')

/**
 * SQL for the id of the person whose list is read: bind it as `user`, or 0 and a `handle`. So the list on a profile need
 * not wait for the query that finds the person.
 */
export const listedUser = sql`iif(${user} > 0, ${user},
  (select whose.id from users whose where whose.handle = ${sql.placeholder('handle')}))`

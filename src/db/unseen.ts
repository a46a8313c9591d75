import { sql } from 'drizzle-orm'

/** More unseen notifications than this are not counted: the navigation says 9+. */
export const unseenMax = 9

/**
 * SQL for how many notifications the person of a row of `users` has not seen; 10 for more than nine. It reads at most ten
 * entries of one index, however many there are.
 */
// `raw` is safe: the number is a constant.
export const unseenOf = sql<number>`(select count(*) from (select 1 from notifications n
  where n.user_id = users.id and n.id > users.notifications_seen limit ${sql.raw(String(unseenMax + 1))}))`

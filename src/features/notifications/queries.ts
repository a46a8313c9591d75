// Reading notifications, what is said about them together, and up to which one they are seen.
import { and, asc, desc, eq, gte, lt, sql, type SQL } from 'drizzle-orm'

import { prepared, type Db } from '../../db/db.ts'
import { shownName } from '../../db/hidden.ts'
import { notifications, tweets, users } from '../../db/schema/index.ts'
import { unseenOf } from '../../db/unseen.ts'
import { likeColumns } from '../favorites.tsx'
import { retweetColumns } from '../retweets.tsx'

/** How many rows a page reads at most, and groups. */
export const rowsRead = 200

const rowsWith = (db: Db, isListed: SQL, order: SQL) =>
  db
    .select({
      cursor: notifications.id,
      kind: notifications.kind,
      actorId: notifications.actorId,
      name: shownName,
      handle: users.handle,
      tweetId: notifications.tweetId,
      msg: tweets.msg,
      ...likeColumns,
      ...retweetColumns,
      replyCount: tweets.replyCount,
      createdAt: notifications.createdAt,
    })
    .from(notifications)
    .innerJoin(users, eq(users.id, notifications.actorId))
    .leftJoin(tweets, eq(tweets.id, notifications.tweetId))
    .where(and(eq(notifications.userId, sql.placeholder('viewer')), isListed))
    .orderBy(order)
    .limit(sql.placeholder('limit'))
    .prepare()

const at = sql.placeholder('cursor')

/** The two queries for `readFeed`; bind `viewer`. */
export const notificationsOf = prepared((db: Db) => ({
  older: rowsWith(db, lt(notifications.id, at), desc(notifications.id)),
  upTo: rowsWith(db, gte(notifications.id, at), asc(notifications.id)),
}))

export type Row = Awaited<ReturnType<ReturnType<typeof notificationsOf>['older']['all']>>[number]

/** Rows that one sentence tells: "Ann, Bob and 3 others liked your post". Newest first. */
export type Group = { cursor: number; rows: [Row, ...Row[]] }

/** Likes and retweets of one tweet belong together, and new followers; each other row stands alone. */
const together = ({ kind, tweetId, cursor }: Row) =>
  kind === 'like' || kind === 'retweet' || kind === 'follow'
    ? `${kind} ${tweetId}`
    : `alone ${cursor}`

/** Groups rows; a group stands where its newest row is. */
export function grouped(rows: Row[]): Group[] {
  const groups = new Map<string, Group>()
  for (const row of rows) {
    const key = together(row)
    const group = groups.get(key)
    if (group) group.rows.push(row)
    else groups.set(key, { cursor: row.cursor, rows: [row] })
  }
  return [...groups.values()]
}

/**
 * Marks all notifications up to this id as seen; returns how many are not. Never takes one back, and never marks what is
 * still to come: the newest one that there is counts.
 */
export async function markSeen(db: Db, userId: number, id: number): Promise<number> {
  const newest = sql`(select max(id) from ${notifications} where user_id = ${userId} and id <= ${id})`
  const [row] = await db
    .update(users)
    .set({ notificationsSeen: sql`max(${users.notificationsSeen}, coalesce(${newest}, 0))` })
    .where(eq(users.id, userId))
    .returning({ unseen: unseenOf })
  return row?.unseen ?? 0
}

import { sql, type SQL, type SQLWrapper } from 'drizzle-orm'

import { prepared, type Db } from '../../db/db.ts'
import { tweets } from '../../db/schema/index.ts'

/** How many new posts are counted; more are shown as this number and a plus. */
export const countedMax = 99

const bound = sql.placeholder

const newest = prepared((db: Db) =>
  db
    .select({ id: sql<number | null>`max(${tweets.id})` })
    .from(tweets)
    .prepare(),
)

/** The id of the newest row of `tweets`; 0 if there is none. */
export const newestId = async (db: Db): Promise<number> => (await newest(db).get())?.id ?? 0

/** Does this viewer hide neither who wrote a row of `tweets` nor whose post it passes on? */
const isSeenBy = (
  viewer: SQLWrapper,
  author: SQL,
  passedOn: SQL,
) => sql`not exists (select 1 from hidden
  where hidden.viewer_id = ${viewer} and hidden.author_id in (${author},
    (select original.user_id from tweets original where original.id = ${passedOn})))`

// `in_timeline = 1` as its index has it; a retweet and its original are one post.
const missed = prepared((db: Db) =>
  db
    .selectDistinct({ id: sql<number>`coalesce(retweet_of, ${tweets.id})` })
    .from(tweets)
    .where(
      sql`in_timeline = 1 and ${tweets.id} > ${bound('after')}
        and user_id in (select followed_id from follows where follower_id = ${bound('viewer')})
        and ${isSeenBy(bound('viewer'), sql`tweets.user_id`, sql`tweets.retweet_of`)}`,
    )
    .limit(countedMax + 1)
    .prepare(),
)

/** The posts for this viewer's timeline, by others, that are newer than a row. */
export const missedSince = async (db: Db, viewer: number, after: number): Promise<number[]> =>
  (await missed(db).all({ viewer, after })).map(({ id }) => id)

/**
 * For which of these viewers there are new rows, and which posts these show. Each row is looked up for each viewer, so the
 * caller bounds their product.
 */
export async function newFor(db: Db, viewers: number[], after: number, upTo: number) {
  const rows = await db.values<[number, number, number]>(sql`
    select viewer.value, post.id, coalesce(post.retweet_of, post.id)
    from tweets post cross join json_each(${JSON.stringify(viewers)}) viewer
      cross join follows on follower_id = viewer.value and followed_id = post.user_id
    where post.id > ${after} and post.id <= ${upTo} and post.in_timeline = 1
      and post.user_id <> viewer.value and ${isSeenBy(sql`follower_id`, sql`followed_id`, sql`post.retweet_of`)}`)
  // By index: the rows of a libSQL server are not arrays.
  return rows.map((row) => ({ viewer: row[0], row: row[1], post: row[2] }))
}

// Retweet and take it back. A retweet is a row of `tweets` without words; its id stands for the original everywhere.
import { and, eq, sql } from 'drizzle-orm'

import type { Db } from '../db/db.ts'
import { originalOf } from '../db/originals.ts'
import { tweets } from '../db/schema/index.ts'
import { action } from '../http/action.ts'
import { router } from '../http/context.ts'
import { traced } from '../http/request-span.ts'
import { PressButton } from '../ui/press-button.tsx'
import { pressing, stateOf, type StateIn } from './pressing.tsx'

/** The columns about retweets that each list of tweets selects; bind `viewer` (0 for a visitor without an account). */
export const retweetColumns = {
  retweetCount: tweets.retweetCount,
  // Qualified names, and the count first: see likeColumns.
  retweeted: sql<boolean>`iif(tweets.retweet_count = 0, 0, exists (select 1 from tweets mine
    where mine.user_id = ${sql.placeholder('viewer')} and mine.retweet_of = tweets.id))`.mapWith(
    Boolean,
  ),
}

const stateQuery = stateOf(retweetColumns)
type RetweetState = StateIn<typeof stateQuery>

/** One statement: a tweet that is gone is no row to retweet, and a retweet of a retweet is one of its original. */
async function retweet(db: Db, userId: number, tweetId: number): Promise<void> {
  await db.run(sql`
    insert into tweets (user_id, msg, created_at, retweet_of)
    select ${userId}, '', ${Date.now()}, id from ${tweets} where id = ${originalOf(tweetId)}
    on conflict (user_id, retweet_of) where retweet_of is not null do nothing`)
}

async function unretweet(db: Db, userId: number, tweetId: number): Promise<void> {
  await db
    .delete(tweets)
    .where(and(eq(tweets.userId, userId), eq(tweets.retweetOf, originalOf(tweetId))))
}

const repost = {
  kind: 'retweet',
  does: 'retweet',
  undoes: 'unretweet',
  label: 'Repost',
  counts: 'repost',
}
const button = ({ id, retweeted, retweetCount }: RetweetState) => ({
  verb: repost,
  id,
  pressed: retweeted,
  count: retweetCount,
})

export const RetweetButton = (state: RetweetState) => PressButton(button(state))

const pressed = pressing(stateQuery, button)

export const retweetRoutes = router()
  .post('/retweet/:id{[0-9]+}', traced('retweets.create'), ...action, pressed(retweet))
  .post('/unretweet/:id{[0-9]+}', traced('retweets.delete'), ...action, pressed(unretweet))

// Trends decay by half every few hours without ever touching old rows: a new like simply weighs more than an older
// one did ("forward decay"). A tweet's score is the sum of its likes' weights, kept by triggers.
import { gt, gte, sql, type SQL } from 'drizzle-orm'

import type { Db } from './db.ts'
import { favorites, trends, tweets } from './schema.ts'

/** A like weighs e times as much as one of four hours before. */
const tauMs = 4 * 3_600_000
const day = 86_400_000
/** exp() leaves the range of a double after 117 days at this tau. */
const epochAgeMax = 100 * day
const epochAgeNew = 30 * day

/** The weight of a like at a moment (ms UTC), as SQL for an INSERT: `exp()` is refused inside triggers. */
export const likeWeight = (now: number | SQL): SQL<number> =>
  sql`exp((${now} - (select ${trends.epoch} from ${trends})) / ${tauMs})`

/** The same weight outside of SQL. */
export const weightAt = (at: number, epoch: number): number => Math.exp((at - epoch) / tauMs)

/** Moves the epoch forward when the weights come near the end of a double. Likes from before it weigh nothing. */
export async function rebaseTrends(db: Db, now: number): Promise<void> {
  const row = await db.select({ epoch: trends.epoch }).from(trends).get()
  if (!row || now - row.epoch < epochAgeMax) return
  const epoch = now - epochAgeNew
  const factor = Math.exp((row.epoch - epoch) / tauMs)
  await db.batch([
    db
      .update(favorites)
      .set({ weight: sql`${favorites.weight} * ${factor}` })
      .where(gte(favorites.createdAt, epoch)),
    db
      .update(tweets)
      .set({ trendScore: sql`${tweets.trendScore} * ${factor}` })
      .where(gt(tweets.trendScore, 0)),
    db.update(trends).set({ epoch }),
  ])
}

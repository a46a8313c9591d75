// Trends decay by half every few hours without ever touching old rows: a new like simply weighs more than an older
// one did ("forward decay"). A tweet's score is the sum of its likes' weights, kept by triggers.
import { sql, type SQL } from 'drizzle-orm'

import type { Db } from './db.ts'
import { trends } from './schema.ts'

/** A like weighs e times as much as one of four hours before. */
const tauMs = 4 * 3_600_000
const hour = 3_600_000
const day = 86_400_000
/** The moment that weights are counted from lies so far back: chosen anew outside of min and max. */
const epochAge = { min: 10 * day, chosen: 30 * day, max: 100 * day }
/** SQL's exp() is an error above 709 and below -745, and no like may fail because of its weight: 110 days. */
const exponentMax = 660
/** Where people have paused, likes from before the epoch weigh at least this, so that their order stays. */
const exponentOfPause = -100
/** Two machines may differ by this much; a like from later than that is one from the future. */
export const clockSkewMs = 2 * hour

const bounded = (exponent: string) =>
  `exp(max(-${exponentMax}.0, min(${exponentMax}.0, ${exponent})))`

// `raw`: numbers of ours, here and in the statements below.
/** The weight of a like at a moment (ms UTC), as SQL for an INSERT: `exp()` is refused inside triggers. */
export const likeWeight = (at: number | SQL): SQL<number> =>
  sql`coalesce(exp(max(${sql.raw(`-${exponentMax}.0`)}, min(${sql.raw(`${exponentMax}.0`)},
    (${at} - (select ${trends.epoch} from ${trends})) / ${sql.raw(`${tauMs}.0`)}))), 0.0)`

/** The same weight outside of SQL. */
export const weightAt = (at: number, epoch: number): number =>
  Math.exp(Math.max(-exponentMax, Math.min(exponentMax, (at - epoch) / tauMs)))

/** Must the epoch be chosen anew? Too old after a long pause; in the future where a clock was, or is, wrong. */
const isEpochStale = (epoch: number | null, now: number): boolean =>
  epoch === null || now - epoch > epochAge.max || now - epoch < epochAge.min

// A like from the future counts as one of now, or it would be at the top until its time has come.
const momentAt = (now: number) => `iif(created_at > ${now + clockSkewMs}, ${now}, created_at)`
const exponentOf = (moment: string, epoch: string | number) => `(${moment} - ${epoch}) / ${tauMs}.0`
const keptEpoch = '(SELECT epoch FROM trends)'

/** As SQL: the weight that a row of `favorites` should have at `now`; one from the future, at most. */
export const rightWeight = (now: number, epoch: string | number = keptEpoch): string =>
  bounded(exponentOf(momentAt(now), epoch))

/** As SQL: the weight of a like at `now`. */
export const weightOf = (now: number): string => bounded(exponentOf(String(now), keptEpoch))

/**
 * The statements that count every score from the times of its likes, for one transaction; the epoch is chosen anew
 * where it is too old or too new. They write only what changes, and nothing when the epoch is no longer `known`:
 * another process has done it meanwhile.
 */
export function rescoring(known: number | null, now: number): string[] {
  const stays = known !== null && !isEpochStale(known, now)
  const epoch = stays ? known : now - epochAge.chosen
  const right = rightWeight(now, epoch)
  // A like from the future that weighs less already has been counted before: as of that day, and not of each new one.
  const mayGrow = stays ? `created_at <= ${now + clockSkewMs} OR weight > ${right}` : 'true'
  const unchanged = `${keptEpoch} IS ${known}`
  // A year without a like must not take all old ones to nothing: they move together, and keep their order.
  const newestOld = `coalesce((SELECT max(created_at) FROM favorites WHERE created_at < ${epoch}), ${epoch})`
  const lift = `max(0.0, ${exponentOfPause}.0 - ${exponentOf(newestOld, epoch)})`
  const oldWeight = bounded(`${exponentOf('created_at', epoch)} + ${lift}`)
  return [
    `UPDATE favorites SET weight = ${right} WHERE created_at >= ${epoch}
      AND abs(weight - ${right}) > 1e-9 * ${right} AND (${mayGrow}) AND ${unchanged}`,
    `UPDATE tweets SET trend_score = score FROM
      (SELECT tweet_id, sum(iif(created_at < ${epoch}, ${oldWeight}, weight)) AS score
        FROM favorites WHERE ${unchanged} GROUP BY tweet_id)
      WHERE id = tweet_id AND abs(trend_score - score) > 1e-9 * score`,
    `INSERT INTO trends (id, epoch) SELECT 1, ${epoch} WHERE ${unchanged}
      ON CONFLICT (id) DO UPDATE SET epoch = excluded.epoch`,
  ]
}

/** How many tweets are looked at: what a wrong weight lifts, or no longer lifts, is among the first. */
const lookedAt = 20

// 1 where one of them has another score than its likes make. Those from before the epoch add at most 1 each.
const isAnyWrong = (now: number) => `
  WITH top AS MATERIALIZED (SELECT id, trend_score FROM tweets WHERE like_count >= 2
    ORDER BY trend_score DESC LIMIT ${lookedAt})
  SELECT max(abs(trend_score - right) > 0.001 * right + likes) FROM (
    SELECT trend_score, count(*) AS likes, sum(CASE
      WHEN created_at < ${keptEpoch} THEN 0.0
      WHEN created_at > ${now + clockSkewMs} THEN min(weight, ${rightWeight(now)})
      ELSE ${rightWeight(now)} END) AS right
    FROM top JOIN favorites ON tweet_id = top.id GROUP BY top.id)`

/**
 * Counts all scores anew where their epoch is too old, or where a clock was wrong when they were counted; always when
 * `clockMoved`. Gives the reason, or undefined when there was none. `patient` may wait for longer.
 */
export async function rebaseTrends(
  db: Db,
  now: number,
  { clockMoved = false, patient = db } = {},
): Promise<'pause' | 'clock' | undefined> {
  const [row] = await db.values<[number | null, number | null]>(
    sql.raw(`SELECT ${keptEpoch}, (${isAnyWrong(now)})`),
  )
  const epoch = row?.[0] ?? null
  const isWrong = clockMoved || row?.[1] === 1
  if (!isWrong && !isEpochStale(epoch, now)) return undefined
  const [first, ...others] = rescoring(epoch, now).map((text) => patient.run(sql.raw(text)))
  await patient.batch([first!, ...others])
  return isWrong || epoch === null || epoch > now - epochAge.min ? 'clock' : 'pause'
}

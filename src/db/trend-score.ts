// Trend scores with "forward decay": instead of reducing old likes, each new like weighs more than the likes before it.
// So old rows never change. A tweet's score is the sum of its likes' weights, which triggers maintain.
import { sql, type SQL } from 'drizzle-orm'

import type { Db } from './db.ts'
import { trends } from './schema/index.ts'

/** A like weighs e (2.72) times as much as one from four hours before. */
export const tauMs = 4 * 3_600_000
const hour = 3_600_000
const day = 86_400_000
/** The epoch is the time at which a like weighs 1. When its age leaves min to max, a new one of age `chosen` is set. */
const epochAge = { min: 10 * day, chosen: 30 * day, max: 100 * day }
/** A bound for exponents: SQL's exp() fails above 709 and below -745, and a like must not fail. It means 110 days. */
const exponentMax = 660
/** After a long time without likes, the newest like from before the epoch keeps at least this exponent. */
const exponentOfPause = -100
/** The clocks of two machines may differ by this much (ms). A like that is later than that is from the future. */
export const clockSkewMs = 2 * hour

const bounded = (exponent: string) =>
  `exp(max(-${exponentMax}.0, min(${exponentMax}.0, ${exponent})))`

// `sql.raw` is safe here and below: it gets only our own numbers.
/** SQL for the weight of a like at `at` (ms UTC). For the INSERT, because SQLite does not allow `exp()` in triggers. */
export const likeWeight = (at: number | SQL): SQL<number> =>
  sql`coalesce(exp(max(${sql.raw(`-${exponentMax}.0`)}, min(${sql.raw(`${exponentMax}.0`)},
    (${at} - (select ${trends.epoch} from ${trends})) / ${sql.raw(`${tauMs}.0`)}))), 0.0)`

/** The same weight, computed in JavaScript. */
export const weightAt = (at: number, epoch: number): number =>
  Math.exp(Math.max(-exponentMax, Math.min(exponentMax, (at - epoch) / tauMs)))

/** Does it need a new epoch? It is too old after a long pause, and too new when a clock was or is wrong. */
const isEpochStale = (epoch: number | null, now: number): boolean =>
  epoch === null || now - epoch > epochAge.max || now - epoch < epochAge.min

// A like from the future counts as a like from now. Else its tweet would be at the top until that time.
const momentAt = (now: number) => `iif(created_at > ${now + clockSkewMs}, ${now}, created_at)`
const exponentOf = (moment: string, epoch: string | number) => `(${moment} - ${epoch}) / ${tauMs}.0`
const keptEpoch = '(SELECT epoch FROM trends)'

/** SQL for the weight that a row of `favorites` should have. A like from the future weighs as one of `now` (ms UTC). */
export const rightWeight = (now: number, epoch: string | number = keptEpoch): string =>
  bounded(exponentOf(momentAt(now), epoch))

/** SQL for the weight of a like at `now` (ms UTC). */
export const weightOf = (now: number): string => bounded(exponentOf(String(now), keptEpoch))

/**
 * The SQL statements that compute all scores from the times of the likes, for one transaction. They set a new epoch
 * when the `known` one is too old or too new. They write only rows that change, and none when the epoch is no longer
 * `known`, because then another process has done this already.
 */
export function rescoring(known: number | null, now: number): string[] {
  const stays = known !== null && !isEpochStale(known, now)
  const epoch = stays ? known : now - epochAge.chosen
  const right = rightWeight(now, epoch)
  // A like from the future that already weighs less than `right` was corrected before, to the weight of that day. It
  // must not grow to the weight of today.
  const mayGrow = stays ? `created_at <= ${now + clockSkewMs} OR weight > ${right}` : 'true'
  const unchanged = `${keptEpoch} IS ${known}`
  // After a year without likes the old weights would all become 0. So they are raised together and keep their order.
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

/** Number of trending tweets that are checked: a wrong weight changes the order of these first. */
const tweetsChecked = 20

// SQL: 1 when one of these scores differs from that of its likes. Likes from before the epoch add at most 1 each.
const isAnyWrong = (now: number) => `
  WITH top AS MATERIALIZED (SELECT id, trend_score FROM tweets WHERE like_count >= 2
    ORDER BY trend_score DESC LIMIT ${tweetsChecked})
  SELECT max(abs(trend_score - right) > 0.001 * right + likes) FROM (
    SELECT trend_score, count(*) AS likes, sum(CASE
      WHEN created_at < ${keptEpoch} THEN 0.0
      WHEN created_at > ${now + clockSkewMs} THEN min(weight, ${rightWeight(now)})
      ELSE ${rightWeight(now)} END) AS right
    FROM top JOIN favorites ON tweet_id = top.id GROUP BY top.id)`

/**
 * Computes all scores again when the epoch is too old or too new, when a clock was wrong while they were computed, or
 * when `clockMoved`. Returns the reason; undefined when nothing had to be done, or another process did it meanwhile. `now` is ms UTC. `patient` is the
 * database with the longer timeout.
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
  const done = await patient.batch([first!, ...others])
  // The last statement writes the epoch, unless another process has done all this meanwhile.
  if (done.at(-1)?.rowsAffected === 0) return undefined
  return isWrong || epoch === null || epoch > now - epochAge.min ? 'clock' : 'pause'
}

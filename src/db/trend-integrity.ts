// Checks trend scores: is each score the sum of its likes' weights, and is none of the times in the future?
import type Database from 'libsql'

import { rowsMax, rowsOf, type Check } from './integrity-query.ts'
import { rescoring, rightWeight, weightOf } from './trend-score.ts'

const epoch = '(SELECT epoch FROM trends)'
const scored = `FROM favorites WHERE created_at >= ${epoch}`

/** SQL for the score that a row of `tweets` should have. */
export const rightScore = `coalesce((SELECT sum(weight) ${scored} AND tweet_id = tweets.id), 0)`

// When a like is taken back, the score keeps a rounding error in the last digits of the largest weight. If the newest
// like was taken back, the largest weight was at most the weight of a like at `now`.
const largestWeight = (now: number) => `(SELECT iif(
    (SELECT seq FROM sqlite_sequence WHERE name = 'favorites') > (SELECT coalesce(max(id), 0) FROM favorites),
    ${weightOf(now)}, (SELECT coalesce(max(weight), 0) ${scored})))`

/** SQL for the allowed difference. Likes from before the epoch are not summed up here and weigh at most 1 each. */
export const scoreTolerance = (now: number): string =>
  `like_count + 1e-6 * (1 + ${rightScore} + ${largestWeight(now)})`

/**
 * Lists problems that a wrong clock has left, one sentence each. `now` is ms UTC. A separate check, because it reports
 * correct data as wrong when the clock is wrong now.
 */
export function* findClockProblems(now: number): Check<string[]> {
  const [row] = (yield* rowsOf('SELECT epoch FROM trends')) as number[][]
  const from = row?.[0]
  if (from === undefined) return ['trends: the epoch that scores are counted from is missing']
  if (from > now) {
    return [`trends: scores are counted from ${dayOf(from)}, but today is ${dayOf(now)}`]
  }
  const heavy = (yield* rowsOf(
    `SELECT id, created_at ${scored} AND weight > 1.001 * ${rightWeight(now)} LIMIT ${rowsMax}`,
  )) as number[][]
  return heavy.map(
    ([id, at]) => `favorites ${id}: weighs more than a like of ${dayOf(at!)} may on ${dayOf(now)}`,
  )
}

/** Computes all scores again. Call it inside a transaction. `now` is ms UTC. */
export function rescore(db: Database.Database, now: number): void {
  const row = db.prepare('SELECT epoch FROM trends').raw().all([])[0] as number[] | undefined
  for (const text of rescoring(row?.[0] ?? null, now)) db.exec(text)
  db.exec('UPDATE tweets SET trend_score = 0 WHERE like_count = 0 AND trend_score <> 0')
}

// A damaged row may hold any number, also one that is not a valid date.
function dayOf(at: number): string {
  const date = new Date(at)
  return Number.isNaN(date.getTime()) ? `time ${at}` : date.toISOString().slice(0, 10)
}

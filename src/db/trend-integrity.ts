// Trend scores seen from outside: are they those of their likes, and of times that have come?
import type Database from 'libsql'

import { rescoring, rightWeight, weightOf } from './trend-score.ts'

const epoch = '(SELECT epoch FROM trends)'
const scored = `FROM favorites WHERE created_at >= ${epoch}`

/** What the score of a row of `tweets` should be, as SQL. */
export const rightScore = `coalesce((SELECT sum(weight) ${scored} AND tweet_id = tweets.id), 0)`

// Taking a like away again leaves a rest in the last digits of what was the largest weight. Where the newest like is
// the one that was taken away, that is the weight of now.
const largestWeight = (now: number) => `(SELECT iif(
    (SELECT seq FROM sqlite_sequence WHERE name = 'favorites') > (SELECT coalesce(max(id), 0) FROM favorites),
    ${weightOf(now)}, (SELECT coalesce(max(weight), 0) ${scored})))`

/** By how much it may differ. Likes from before the epoch, which nobody sums up, add at most 1 each. */
export const scoreTolerance = (now: number): string =>
  `like_count + 1e-6 * (1 + ${rightScore} + ${largestWeight(now)})`

const shown = 20

/** What a wrong clock has left, a sentence each. Apart from all other checks: on a wrong clock it finds what is right. */
export function findClockProblems(db: Database.Database, now: number): string[] {
  const rows = (sql: string) => db.prepare(sql).raw().all([]) as number[][]
  const from = rows('SELECT epoch FROM trends')[0]?.[0]
  if (from === undefined) return ['trends: the moment that scores are counted from is missing']
  if (from > now) {
    return [`trends: scores are counted from ${dayOf(from)}, but today is ${dayOf(now)}`]
  }
  return rows(
    `SELECT id, created_at ${scored} AND weight > 1.001 * ${rightWeight(now)} LIMIT ${shown}`,
  ).map(
    ([id, at]) => `favorites ${id}: weighs more than a like of ${dayOf(at!)} may on ${dayOf(now)}`,
  )
}

/** Counts all scores anew, inside a transaction. */
export function rescore(db: Database.Database, now: number): void {
  const row = db.prepare('SELECT epoch FROM trends').raw().all([])[0] as number[] | undefined
  for (const text of rescoring(row?.[0] ?? null, now)) db.exec(text)
  db.exec('UPDATE tweets SET trend_score = 0 WHERE like_count = 0 AND trend_score <> 0')
}

// Any number may stand in a damaged row, also one that is no date.
function dayOf(at: number): string {
  const date = new Date(at)
  return Number.isNaN(date.getTime()) ? `moment ${at}` : date.toISOString().slice(0, 10)
}

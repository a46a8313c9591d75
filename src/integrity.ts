// Does the database hold what its rules promise? Checked from outside, by counting anew what triggers have counted.
import type Database from 'libsql'

type Counter = { table: string; column: string; truth: string }

const counters: Counter[] = [
  {
    table: 'users',
    column: 'tweet_count',
    truth: 'SELECT count(*) FROM tweets WHERE user_id = users.id',
  },
  {
    table: 'users',
    column: 'follower_count',
    truth: 'SELECT count(*) FROM follows WHERE followed_id = users.id',
  },
  {
    table: 'users',
    column: 'following_count',
    truth: 'SELECT count(*) FROM follows WHERE follower_id = users.id',
  },
  {
    table: 'users',
    column: 'favorite_count',
    truth: 'SELECT count(*) FROM favorites WHERE user_id = users.id',
  },
  {
    table: 'tweets',
    column: 'like_count',
    truth: 'SELECT count(*) FROM favorites WHERE tweet_id = tweets.id',
  },
]

const score = `coalesce((SELECT sum(weight) FROM favorites
  WHERE tweet_id = tweets.id AND created_at >= (SELECT epoch FROM trends)), 0)`
// Taking a like away again leaves a rest in the last digits of what was the largest weight.
const tolerance = `1e-6 * (1 + ${score} + (SELECT coalesce(max(weight), 0) FROM favorites))`

const rowsOf = (db: Database.Database, sql: string) => db.prepare(sql).raw().all([]) as unknown[][]

/** Everything that is wrong, a sentence each; nothing when all is well. Reads only. */
export function findProblems(db: Database.Database): string[] {
  const problems: string[] = []
  for (const [verdict] of rowsOf(db, 'PRAGMA integrity_check(20)')) {
    if (verdict !== 'ok') problems.push(`damaged: ${String(verdict)}`)
  }
  for (const [table, row, parent] of rowsOf(db, 'PRAGMA foreign_key_check')) {
    problems.push(
      `${String(table)} row ${String(row)} points at a row of ${String(parent)} that is not there`,
    )
  }
  for (const { table, column, truth } of counters) {
    const wrong = rowsOf(
      db,
      `SELECT id, ${column}, (${truth}) AS truth FROM ${table} WHERE ${column} <> truth LIMIT 20`,
    )
    for (const [id, kept, right] of wrong) {
      problems.push(
        `${table} ${String(id)}: ${column} is ${String(kept)}, counted ${String(right)}`,
      )
    }
  }
  for (const [id] of rowsOf(
    db,
    `SELECT id FROM tweets WHERE abs(trend_score - ${score}) > ${tolerance} LIMIT 20`,
  )) {
    problems.push(`tweets ${String(id)}: trend_score is not the sum of its likes`)
  }
  try {
    db.exec("INSERT INTO tweets_fts (tweets_fts, rank) VALUES ('integrity-check', 1)")
  } catch (error) {
    problems.push(`search index: ${error instanceof Error ? error.message : String(error)}`)
  }
  return problems
}

/** Counts everything anew and rebuilds the search index, in one transaction. */
export function repair(db: Database.Database): void {
  db.exec('BEGIN IMMEDIATE')
  for (const { table, column, truth } of counters) {
    db.exec(`UPDATE ${table} SET ${column} = (${truth}) WHERE ${column} <> (${truth})`)
  }
  db.exec(`UPDATE tweets SET trend_score = ${score}`)
  db.exec("INSERT INTO tweets_fts (tweets_fts) VALUES ('rebuild')")
  db.exec('COMMIT')
}

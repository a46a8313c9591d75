// Does the database hold what its rules promise? Checked from outside, by counting anew what triggers have counted.
import type Database from 'libsql'

import { findDamage, isDamage, isOfSearch } from './damage.ts'
import { findUnsearchable } from './search-integrity.ts'
import { findClockProblems, rescore, rightScore, scoreTolerance } from './trend-integrity.ts'

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

const rowsOf = (db: Database.Database, sql: string) => db.prepare(sql).raw().all([]) as unknown[][]
const shown = 20

/** Everything that is wrong, a sentence each; nothing when all is well. Reads only, as of one moment. */
export function findProblems(db: Database.Database): string[] {
  db.exec('BEGIN')
  try {
    const damage = findDamage(db, 'integrity_check')
    if (damage.some(isDamage)) return damage // there, counting only makes noise
    const unsearchable = damage.some(isOfSearch) ? [] : findUnsearchable(db)
    return [...damage, ...findOrphans(db), ...findMiscounts(db), ...unsearchable]
  } finally {
    db.exec('ROLLBACK')
  }
}

/** The same, and what a wrong clock has left: on a machine with a wrong clock it finds what is right. */
export function findAllProblems(db: Database.Database): string[] {
  const problems = findProblems(db)
  return problems.some(isDamage) ? problems : [...problems, ...findClockProblems(db, Date.now())]
}

function findOrphans(db: Database.Database): string[] {
  return rowsOf(db, 'PRAGMA foreign_key_check').map(
    ([table, row, parent]) =>
      `${String(table)} row ${String(row)} points at a row of ${String(parent)} that is not there`,
  )
}

function findMiscounts(db: Database.Database): string[] {
  const miscounts = counters.flatMap(({ table, column, truth }) =>
    rowsOf(
      db,
      `SELECT id, ${column}, (${truth}) AS truth FROM ${table} WHERE ${column} <> truth LIMIT ${shown}`,
    ).map(
      ([id, kept, right]) =>
        `${table} ${String(id)}: ${column} is ${String(kept)}, counted ${String(right)}`,
    ),
  )
  const scores = rowsOf(
    db,
    `SELECT id FROM tweets WHERE abs(trend_score - ${rightScore}) > ${scoreTolerance(Date.now())} LIMIT ${shown}`,
  ).map(([id]) => `tweets ${String(id)}: trend_score is not the sum of its likes`)
  return [...miscounts, ...scores]
}

/** Counts everything anew, in one transaction. */
export function repair(db: Database.Database): void {
  db.exec('BEGIN IMMEDIATE')
  for (const { table, column, truth } of counters) {
    db.exec(`UPDATE ${table} SET ${column} = (${truth}) WHERE ${column} <> (${truth})`)
  }
  rescore(db, Date.now())
  db.exec('COMMIT')
}

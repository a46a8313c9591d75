// Checks the integrity of the data: orphaned rows, counters and scores (by counting again what triggers have counted),
// tags, notifications, and the search index.
import type Database from 'libsql'

import { findDamage, isDamage, isOfSearch } from './damage.ts'
import { findHalfBlocks, hiddenCounter, knowsHidden, repairBlocks } from './hidden-integrity.ts'
import { findMisnotified, renotify } from './notification-integrity.ts'
import { findUnsearchable } from './search-integrity.ts'
import { findTagProblems, repairTags } from './tag-integrity.ts'
import { findClockProblems, rescore, rightScore, scoreTolerance } from './trend-integrity.ts'

const rowsOf = (db: Database.Database, sql: string) => db.prepare(sql).raw().all([]) as unknown[][]

type Counter = { table: string; column: string; truth: string }

const postsOfUser = 'SELECT count(*) FROM tweets WHERE user_id = users.id'

const counters: Counter[] = [
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

/** The counters of a database from before replies and retweets: a backup may be one. */
const olderCounters: Counter[] = [
  ...counters,
  { table: 'users', column: 'tweet_count', truth: postsOfUser },
]

const newerCounters: Counter[] = [
  ...counters,
  { table: 'users', column: 'tweet_count', truth: `${postsOfUser} AND retweet_of IS NULL` },
  {
    table: 'tweets',
    column: 'reply_count',
    truth: 'SELECT count(*) FROM tweets other WHERE other.reply_to = tweets.id',
  },
  {
    table: 'tweets',
    column: 'retweet_count',
    truth: 'SELECT count(*) FROM tweets other WHERE other.retweet_of = tweets.id',
  },
]

function countersOf(db: Database.Database): Counter[] {
  const columns = rowsOf(db, "SELECT name FROM pragma_table_info('tweets')")
  const known = columns.some(([name]) => name === 'reply_count') ? newerCounters : olderCounters
  return knowsHidden(db) ? [...known, hiddenCounter] : known
}

/** At most this many problems of one kind are listed. */
const rowsMax = 20

/** Lists problems, one sentence each. Reads only, in one transaction. */
export function findProblems(db: Database.Database): string[] {
  db.exec('BEGIN')
  try {
    const damage = findDamage(db, 'integrity_check')
    if (damage.some(isDamage)) return damage // counting damaged tables only adds noise
    const unsearchable = damage.some(isOfSearch) ? [] : findUnsearchable(db)
    return [
      ...damage,
      ...findOrphans(db),
      ...findHalfBlocks(db),
      ...findMiscounts(db),
      ...findTagProblems(db),
      ...findMisnotified(db),
      ...findForgotten(db),
      ...unsearchable,
    ]
  } finally {
    db.exec('ROLLBACK')
  }
}

/** The same, with the problems that a wrong clock has left. When the clock is wrong now, correct data is listed. */
export function findAllProblems(db: Database.Database): string[] {
  const problems = findProblems(db)
  return problems.some(isDamage) ? problems : [...problems, ...findClockProblems(db, Date.now())]
}

function findOrphans(db: Database.Database): string[] {
  // Rows of tags and mentions have no number that could be said (tag-integrity.ts).
  const named = rowsOf(db, 'PRAGMA foreign_key_check').filter(
    ([table]) => table !== 'tag_uses' && table !== 'mentions',
  )
  return named.map(
    ([table, row, parent]) =>
      `${String(table)} row ${String(row)} refers to a row of ${String(parent)} that does not exist`,
  )
}

/** What is hidden is to be removed (deletions.ts): without its row in `deletions` it would stay for ever. */
const forgotten = `SELECT 'tweet', id FROM tweets WHERE retweet_of IS NOT NULL AND retweet_of = id
    AND NOT EXISTS (SELECT 1 FROM deletions d WHERE d.kind = 'tweet' AND d.id = tweets.id)
  UNION ALL SELECT 'user', id FROM users WHERE name = ''
    AND NOT EXISTS (SELECT 1 FROM deletions d WHERE d.kind = 'user' AND d.id = users.id)`

const knowsDeletions = (db: Database.Database) =>
  rowsOf(db, "SELECT 1 FROM sqlite_schema WHERE name = 'deletions'").length > 0

function findForgotten(db: Database.Database): string[] {
  if (!knowsDeletions(db)) return [] // a backup from before
  return rowsOf(db, `${forgotten} LIMIT ${rowsMax}`).map(
    ([kind, id]) => `${String(kind)}s ${String(id)}: deleted, but never to be removed`,
  )
}

function findMiscounts(db: Database.Database): string[] {
  const miscounts = countersOf(db).flatMap(({ table, column, truth }) =>
    rowsOf(
      db,
      `SELECT id, ${column}, (${truth}) AS truth FROM ${table} WHERE ${column} <> truth LIMIT ${rowsMax}`,
    ).map(
      ([id, kept, right]) =>
        `${table} ${String(id)}: ${column} is ${String(kept)}, counted ${String(right)}`,
    ),
  )
  const scores = rowsOf(
    db,
    `SELECT id FROM tweets WHERE abs(trend_score - ${rightScore}) > ${scoreTolerance(Date.now())} LIMIT ${rowsMax}`,
  ).map(([id]) => `tweets ${String(id)}: trend_score is not the sum of its likes`)
  return [...miscounts, ...scores]
}

/** Counts all counters and trend scores again and writes missing tags and notifications, in one transaction. */
export function repair(db: Database.Database): void {
  db.exec('BEGIN IMMEDIATE')
  repairBlocks(db)
  for (const { table, column, truth } of countersOf(db)) {
    db.exec(`UPDATE ${table} SET ${column} = (${truth}) WHERE ${column} <> (${truth})`)
  }
  repairTags(db)
  rescore(db, Date.now())
  renotify(db)
  if (knowsDeletions(db)) db.exec(`INSERT INTO deletions (kind, id) ${forgotten}`)
  db.exec('COMMIT')
}

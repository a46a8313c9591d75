// Checks the integrity of the data: orphaned rows, counters and scores (by counting again what triggers have counted),
// tags, notifications, and the search index.
import type Database from 'libsql'

import { findDamage, isDamage, isOfSearch } from './damage.ts'
import { findHalfBlocks, hiddenCounters, repairBlocks } from './hidden-integrity.ts'
import {
  countOf,
  hasTable,
  onFile,
  rowsMax,
  rowsOf,
  type Check,
  type Counter,
} from './integrity-query.ts'
import { findMisnotified, renotify } from './notification-integrity.ts'
import { findUnsearchable } from './search-integrity.ts'
import { findTagProblems, repairTags } from './tag-integrity.ts'
import { findClockProblems, rescore, rightScore, scoreTolerance } from './trend-integrity.ts'

const postsOfUser = countOf('tweets WHERE user_id = users.id')

const counters: Counter[] = [
  ['users', 'follower_count', countOf('follows WHERE followed_id = users.id')],
  ['users', 'following_count', countOf('follows WHERE follower_id = users.id')],
  ['users', 'favorite_count', countOf('favorites WHERE user_id = users.id')],
  ['tweets', 'like_count', countOf('favorites WHERE tweet_id = tweets.id')],
]

/** The counters of a database from before replies and retweets: a backup may be one. */
const olderCounters: Counter[] = [...counters, ['users', 'tweet_count', postsOfUser]]

const newerCounters: Counter[] = [
  ...counters,
  ['users', 'tweet_count', `${postsOfUser} AND retweet_of IS NULL`],
  ['tweets', 'reply_count', countOf('tweets other WHERE other.reply_to = tweets.id')],
  ['tweets', 'retweet_count', countOf('tweets other WHERE other.retweet_of = tweets.id')],
]

function* countersHere(): Check<Counter[]> {
  const columns = yield* rowsOf("SELECT name FROM pragma_table_info('tweets')")
  const known = columns.some(([name]) => name === 'reply_count') ? newerCounters : olderCounters
  return [...known, ...(yield* hiddenCounters())]
}

/** Lists problems, one sentence each. Reads only, in one transaction. */
export function findProblems(db: Database.Database): string[] {
  db.exec('BEGIN')
  try {
    const damage = findDamage(db, 'integrity_check')
    if (damage.some(isDamage)) return damage // counting damaged tables only adds noise
    const unsearchable = damage.some(isOfSearch) ? [] : findUnsearchable(db)
    return [...damage, ...onFile(db, findWrongRows()), ...unsearchable]
  } finally {
    db.exec('ROLLBACK')
  }
}

/** The same, with the problems that a wrong clock has left. When the clock is wrong now, correct data is listed. */
export function findAllProblems(db: Database.Database): string[] {
  const problems = findProblems(db)
  return problems.some(isDamage)
    ? problems
    : [...problems, ...onFile(db, findClockProblems(Date.now()))]
}

/** All that can be found with queries: neither damage of a file nor the search indexes. Each query is whole in itself. */
function* findWrongRows(): Check<string[]> {
  return [
    ...(yield* findOrphans()),
    ...(yield* findHalfBlocks()),
    ...(yield* findMiscounts()),
    ...(yield* findTagProblems()),
    ...(yield* findMisnotified()),
    ...(yield* findForgotten()),
  ]
}

/** What can be found on a libSQL server, while the app is running. */
export function* findProblemsOfServer(): Check<string[]> {
  return [...(yield* findWrongRows()), ...(yield* findClockProblems(Date.now()))]
}

function* findOrphans(): Check<string[]> {
  // Rows of tags and mentions have no number that could be said (tag-integrity.ts).
  const named = (yield* rowsOf('SELECT * FROM pragma_foreign_key_check')).filter(
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

function* findForgotten(): Check<string[]> {
  if (!(yield* hasTable('deletions'))) return [] // a backup from before
  return (yield* rowsOf(`${forgotten} LIMIT ${rowsMax}`)).map(
    ([kind, id]) => `${String(kind)}s ${String(id)}: deleted, but never to be removed`,
  )
}

function* findMiscounts(): Check<string[]> {
  const problems: string[] = []
  for (const [table, column, truth] of yield* countersHere()) {
    const rows = yield* rowsOf(
      `SELECT id, ${column}, (${truth}) AS truth FROM ${table} WHERE ${column} <> truth LIMIT ${rowsMax}`,
    )
    for (const [id, kept, right] of rows)
      problems.push(
        `${table} ${String(id)}: ${column} is ${String(kept)}, counted ${String(right)}`,
      )
  }
  const scores = yield* rowsOf(
    `SELECT id FROM tweets WHERE abs(trend_score - ${rightScore}) > ${scoreTolerance(Date.now())} LIMIT ${rowsMax}`,
  )
  return [
    ...problems,
    ...scores.map(([id]) => `tweets ${String(id)}: trend_score is not the sum of its likes`),
  ]
}

/** Counts all counters and trend scores again and writes missing tags and notifications, in one transaction. */
export function repair(db: Database.Database): void {
  db.exec('BEGIN IMMEDIATE')
  repairBlocks(db)
  for (const [table, column, truth] of onFile(db, countersHere())) {
    db.exec(`UPDATE ${table} SET ${column} = (${truth}) WHERE ${column} <> (${truth})`)
  }
  repairTags(db)
  rescore(db, Date.now())
  renotify(db)
  if (onFile(db, hasTable('deletions'))) db.exec(`INSERT INTO deletions (kind, id) ${forgotten}`)
  db.exec('COMMIT')
}

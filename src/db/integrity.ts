// Checks the integrity of the data: orphaned rows, counters and scores (by counting again what triggers have counted),
// and the search index.
import type Database from 'libsql'

import { findDamage, isDamage, isOfSearch } from './damage.ts'
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
/** At most this many problems of one kind are listed. */
const rowsMax = 20

/** Lists problems, one sentence each. Reads only, in one transaction. */
export function findProblems(db: Database.Database): string[] {
  db.exec('BEGIN')
  try {
    const damage = findDamage(db, 'integrity_check')
    if (damage.some(isDamage)) return damage // counting damaged tables only adds noise
    const unsearchable = damage.some(isOfSearch) ? [] : findUnsearchable(db)
    return [...damage, ...findOrphans(db), ...findMiscounts(db), ...unsearchable]
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
  return rowsOf(db, 'PRAGMA foreign_key_check').map(
    ([table, row, parent]) =>
      `${String(table)} row ${String(row)} refers to a row of ${String(parent)} that does not exist`,
  )
}

function findMiscounts(db: Database.Database): string[] {
  const miscounts = counters.flatMap(({ table, column, truth }) =>
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

/**
 * Compares the search index, word by word, with a new one in a temporary database. FTS5's own check is an INSERT, which
 * would need the write lock of a running app.
 */
function findUnsearchable(db: Database.Database): string[] {
  try {
    return compareSearch(db)
  } catch (error) {
    return [`search index: ${error instanceof Error ? error.message : String(error)}`]
  }
}

function compareSearch(db: Database.Database): string[] {
  db.exec(`
    CREATE VIRTUAL TABLE temp.fresh USING fts5 (msg, content='', tokenize='unicode61');
    INSERT INTO temp.fresh (rowid, msg) SELECT id, msg FROM main.tweets;
    CREATE VIRTUAL TABLE temp.kept_words USING fts5vocab (main, tweets_fts, instance);
    CREATE VIRTUAL TABLE temp.fresh_words USING fts5vocab (temp, fresh, instance)`)
  const words = (table: string) => `SELECT term, doc, "offset" FROM temp.${table}`
  const ids = rowsOf(
    db,
    `SELECT DISTINCT doc FROM (
      SELECT * FROM (${words('kept_words')} EXCEPT ${words('fresh_words')}) UNION ALL
      SELECT * FROM (${words('fresh_words')} EXCEPT ${words('kept_words')})
    ) ORDER BY doc LIMIT ${rowsMax}`,
  )
  const differs = (what: string) =>
    rowsOf(
      db,
      `SELECT 1 WHERE EXISTS (${what.replaceAll('$', 'main.tweets_fts')} EXCEPT ${what.replaceAll('$', 'temp.fresh')})
        OR EXISTS (${what.replaceAll('$', 'temp.fresh')} EXCEPT ${what.replaceAll('$', 'main.tweets_fts')})`,
    ).length > 0
  const sizes = 'SELECT id, sz FROM $_docsize'
  // This row holds the number of tweets and words.
  const totals = 'SELECT block FROM $_data WHERE id = 1'
  // The index may contain a word and a search may still not find it. So search for one tweet of each word, and of each
  // prefix length that has its own index.
  const lost = [
    `SELECT '"' || term || '"' AS word, min(doc) AS doc FROM temp.fresh_words GROUP BY term`,
    ...[2, 3, 4].map(
      (
        length,
      ) => `SELECT '"' || substr(term, 1, ${length}) || '"*' AS word, min(doc) AS doc FROM temp.fresh_words
        WHERE length(term) > ${length} GROUP BY substr(term, 1, ${length})`,
    ),
  ].flatMap((samples) =>
    rowsOf(
      db,
      `SELECT word FROM (${samples}) AS sample WHERE NOT EXISTS
        (SELECT 1 FROM main.tweets_fts WHERE tweets_fts MATCH sample.word AND rowid = sample.doc) LIMIT 1`,
    ).map(([word]) => `search index: ${String(word)} is not found`),
  )
  return [
    ...lost.slice(0, 1),
    ...ids.map(
      ([id]) => `tweets ${String(id)}: the words in the search index differ from the text`,
    ),
    ...(differs(sizes) || differs(totals) ? ['search index: its counts of words are wrong'] : []),
  ]
}

/** Counts all counters and trend scores again, in one transaction. */
export function repair(db: Database.Database): void {
  db.exec('BEGIN IMMEDIATE')
  for (const { table, column, truth } of counters) {
    db.exec(`UPDATE ${table} SET ${column} = (${truth}) WHERE ${column} <> (${truth})`)
  }
  rescore(db, Date.now())
  db.exec('COMMIT')
}

// Do the search indexes have the words of their tables, and are these found?
import type Database from 'libsql'

import { expectedParts, rowsOf } from './damage.ts'

type Index = {
  name: string
  /** The statement of the migrations that makes it: its tokenizer is in there and nowhere else. */
  create: string
  table: string
  columns: string
  /** It has the rows from this id on; the others are still to come. */
  from: number
}

const shown = 20

/**
 * Compares each search index, word by word, with a fresh one beside the database: FTS5's own comparison is an INSERT,
 * which would ask a running app for the write lock.
 */
export function findUnsearchable(db: Database.Database): string[] {
  try {
    return indexesOf(db).flatMap((index) => compare(db, index))
  } catch (error) {
    return [`search index: ${error instanceof Error ? error.message : String(error)}`]
  }
}

/** The indexes that are in use: the old one of tweets only until the new one is whole. */
function indexesOf(db: Database.Database): Index[] {
  const parts = expectedParts(db)
  const of = (name: string, table: string, columns: string): Index[] => {
    const create = parts.find((part) => part.name === name)?.sql
    return create ? [{ name, create, table, columns, from: 0 }] : []
  }
  const old = of('tweets_fts', 'tweets', 'msg')
  if (!parts.some(({ name }) => name === 'search_builds')) return old
  const built = [
    ...of('tweets_search', 'tweets', 'msg'),
    ...of('people_search', 'users', 'name, handle'),
  ].map((index) => ({ ...index, from: indexedFrom(db, index.name) }))
  return built.find(({ name }) => name === 'tweets_search')?.from === 0 ? built : [...old, ...built]
}

function indexedFrom(db: Database.Database, name: string): number {
  const found = rowsOf(db, `SELECT indexed_from FROM search_builds WHERE name = '${name}'`)
  if (found.length === 0) throw new Error(`search_builds has no row of ${name}`)
  return Number(found[0]![0])
}

function compare(db: Database.Database, index: Index): string[] {
  const { name, create, table, columns, from } = index
  // The same tokenizer and columns, but with rows of its own and without indexes of beginnings, which are compared below.
  const fresh = create
    .replace(name, 'temp.fresh')
    .replace(/content='\w+', content_rowid='id'/, "content=''")
    .replace(/, prefix='[\d ]+'/, '')
  db.exec(`
    ${fresh};
    INSERT INTO temp.fresh (rowid, ${columns}) SELECT id, ${columns} FROM main.${table} WHERE id >= ${from};
    CREATE VIRTUAL TABLE temp.kept_words USING fts5vocab (main, ${name}, instance);
    CREATE VIRTUAL TABLE temp.fresh_words USING fts5vocab (temp, fresh, instance)`)
  try {
    return [...findLost(db, index).slice(0, 1), ...findOthers(db, index), ...findMissized(db, name)]
  } finally {
    db.exec('DROP TABLE temp.fresh_words; DROP TABLE temp.kept_words; DROP TABLE temp.fresh')
  }
}

/** Words are there, but are they found? One row of each word, and of each beginning that has an index of its own. */
function findLost(db: Database.Database, { name, create }: Index): string[] {
  const lengths = /prefix='([\d ]+)'/.exec(create)?.[1]!.split(' ') ?? []
  return [
    `SELECT '"' || term || '"' AS word, min(doc) AS doc FROM temp.fresh_words GROUP BY term`,
    ...lengths.map(
      (
        length,
      ) => `SELECT '"' || substr(term, 1, ${length}) || '"*' AS word, min(doc) AS doc FROM temp.fresh_words
        WHERE length(term) > ${length} GROUP BY substr(term, 1, ${length})`,
    ),
  ].flatMap((samples) =>
    rowsOf(
      db,
      `SELECT word FROM (${samples}) AS sample WHERE NOT EXISTS
        (SELECT 1 FROM main.${name} WHERE ${name} MATCH sample.word AND rowid = sample.doc) LIMIT 1`,
    ).map(([word]) => `search index: ${String(word)} is not found`),
  )
}

function findOthers(db: Database.Database, { table }: Index): string[] {
  const words = (list: string) => `SELECT term, doc, col, "offset" FROM temp.${list}`
  const ids = rowsOf(
    db,
    `SELECT DISTINCT doc FROM (
      SELECT * FROM (${words('kept_words')} EXCEPT ${words('fresh_words')}) UNION ALL
      SELECT * FROM (${words('fresh_words')} EXCEPT ${words('kept_words')})
    ) ORDER BY doc LIMIT ${shown}`,
  )
  return ids.map(([id]) => `${table} ${String(id)}: the search index has other words`)
}

function findMissized(db: Database.Database, name: string): string[] {
  const differs = (what: string) =>
    rowsOf(
      db,
      `SELECT 1 WHERE EXISTS (${what.replaceAll('$', `main.${name}`)} EXCEPT ${what.replaceAll('$', 'temp.fresh')})
        OR EXISTS (${what.replaceAll('$', 'temp.fresh')} EXCEPT ${what.replaceAll('$', `main.${name}`)})`,
    ).length > 0
  const sizes = 'SELECT id, sz FROM $_docsize'
  // The first row holds how many rows and words there are.
  const totals = 'SELECT block FROM $_data WHERE id = 1'
  return differs(sizes) || differs(totals) ? ['search index: its counts of words are wrong'] : []
}

// What is wrong with a database file itself, below the rules that it keeps: damage, and parts of its schema that are
// missing. The search indexes are told apart: they can be made anew from the tables, whatever has happened to them.
import { readFileSync } from 'node:fs'

import Database from 'libsql'

import { migrationsFolder } from '../paths.ts'
import { readJournal } from './migrate.ts'

const indexes = ['tweets_fts', 'tweets_search', 'people_search']
const shown = 20
const isPartOfIndex = (name: string) => indexes.some((index) => name.startsWith(`${index}_`))
const isOfIndex = (name: string) => indexes.includes(name) || isPartOfIndex(name)

type Rows = unknown[][]
const rowsOf = (db: Database.Database, sql: string) => db.prepare(sql).raw().all([]) as Rows

/** How thoroughly a file is checked: `quick_check` reads every page, `integrity_check` also every entry of an index. */
export type Check = 'quick_check' | 'integrity_check'

/** A sentence for each damage: `damaged: …` for what only a backup cures, `search index: …` and `schema: …` for the rest. */
export function findDamage(db: Database.Database, check: Check): string[] {
  const verdicts = verdictsOf(db, check)
  if (verdicts.length === 0) return findMissing(db, check)
  const tables = tablesOf(db)
  const damaged = tables?.flatMap((name) => verdictsOf(db, check, name)) ?? verdicts
  if (damaged.length > 0) return damaged.map((verdict) => `damaged: ${verdict}`)
  return verdicts.map((verdict) => `search index: ${verdict}`)
}

/** Is this a problem that only a backup cures? */
export const isDamage = (problem: string): boolean => problem.startsWith('damaged')

function verdictsOf(db: Database.Database, check: Check, table?: string): string[] {
  try {
    return rowsOf(db, `PRAGMA ${check}(${table === undefined ? shown : `"${table}"`})`)
      .flatMap(([verdict]) => String(verdict).split('\n'))
      .filter((verdict) => verdict !== 'ok' && !verdict.startsWith('***'))
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)]
  }
}

/** All tables but those of the search indexes; undefined when not even their list can be read. */
function tablesOf(db: Database.Database): string[] | undefined {
  try {
    const rows = rowsOf(
      db,
      "SELECT name FROM sqlite_schema WHERE type = 'table' AND rootpage > 0",
    ) as [string][]
    return rows.map(([name]) => name).filter((name) => !isOfIndex(name))
  } catch {
    return undefined
  }
}

type Part = { type: string; name: string; sql: string | null }

const partsOf = (db: Database.Database): Part[] =>
  (
    rowsOf(db, 'SELECT type, name, sql FROM sqlite_schema') as [string, string, string | null][]
  ).map(([type, name, sql]) => ({ type, name, sql }))

/** What the migrations that this database has seen have made. */
export function promisedParts(db: Database.Database): Part[] {
  const isMigrated = rowsOf(db, "SELECT 1 FROM sqlite_schema WHERE name = '__drizzle_migrations'")
  if (isMigrated.length === 0) return []
  const last = Number(rowsOf(db, 'SELECT max(created_at) FROM __drizzle_migrations')[0]?.[0] ?? 0)
  const model = new Database(':memory:')
  try {
    for (const { when, tag } of readJournal())
      if (when <= last) model.exec(readFileSync(`${migrationsFolder}/${tag}.sql`, 'utf8'))
    return partsOf(model)
  } finally {
    model.close()
  }
}

/** Triggers and indexes can be made anew without touching a row; a table that differs cannot. */
const isRemade = ({ type, name }: Part) => type === 'trigger' || type === 'index' || isOfIndex(name)

/** What the migrations have made and is not there any more; a thorough check also compares the words. */
export function findMissing(db: Database.Database, check: Check): string[] {
  const there = new Map(partsOf(db).map((part) => [part.name, part]))
  return promisedParts(db).flatMap((part) => {
    const found = there.get(part.name)
    const kind = isOfIndex(part.name) ? 'search index' : isRemade(part) ? 'schema' : 'damaged'
    if (!found) return [`${kind}: the ${part.type} ${part.name} is missing`]
    if (check === 'integrity_check' && isRemade(part) && found.sql !== part.sql)
      return [`${kind}: the ${part.type} ${part.name} is not the one of the migrations`]
    return []
  })
}

/**
 * Makes the search index anew, and the triggers and indexes that are missing. To be called while nothing else uses the
 * database. When it fails half-way it can be called again.
 */
export function rebuildSchema(path: string): void {
  const inDatabase = <T>(job: (db: Database.Database) => T): T => {
    const db = new Database(path, { timeout: 10_000 })
    try {
      return job(db)
    } finally {
      db.close()
    }
  }
  const isOut = inDatabase(
    (db) => findDamage(db, 'integrity_check').some(isOfSearch) && takeOutIndexes(db),
  )
  // In new connections, which have never heard of the old indexes.
  if (isOut) inDatabase((db) => db.exec('VACUUM'))
  inDatabase(makeAnew)
}

/** Is this a problem of a search index alone? */
export const isOfSearch = (problem: string): boolean => problem.startsWith('search index')

/**
 * Takes the search indexes out of the list of tables: a damaged one cannot be dropped, and dropping damaged pages could
 * free those of others. They stay behind until the VACUUM that has to follow.
 */
function takeOutIndexes(db: Database.Database): true {
  const isOf = indexes.map((index) => `tbl_name = '${index}' OR tbl_name GLOB '${index}_*'`)
  db.exec(`PRAGMA writable_schema=ON;
    DELETE FROM sqlite_schema WHERE type <> 'trigger' AND (${isOf.join(' OR ')});
    PRAGMA writable_schema=RESET`)
  return true
}

function makeAnew(db: Database.Database): void {
  const there = new Map(partsOf(db).map(({ name, sql }) => [name, sql]))
  const wanted = promisedParts(db).filter(
    // FTS5 makes its own tables.
    (part) => isRemade(part) && part.sql !== null && !isPartOfIndex(part.name),
  )
  db.exec('BEGIN IMMEDIATE')
  for (const { type, name, sql } of wanted) {
    const found = there.get(name)
    if (found === sql) continue
    if (found !== undefined) db.exec(`DROP ${type} "${name}"`)
    db.exec(sql!)
  }
  for (const name of indexes) {
    if (!wanted.some((part) => part.name === name)) continue
    // Once the new index of tweets is whole, nothing asks or fills the old one.
    const isOld = name === 'tweets_fts' && wanted.some((part) => part.name === 'tweets_search')
    db.exec(`INSERT INTO ${name} (${name}) VALUES ('${isOld ? 'delete-all' : 'rebuild'}')`)
    if (name === 'tweets_fts') continue
    db.exec(`INSERT INTO ${name} (${name}, rank) VALUES ('automerge', 4), ('crisismerge', 16);
      INSERT INTO search_builds (name, indexed_from) VALUES ('${name}', 0)
        ON CONFLICT (name) DO UPDATE SET indexed_from = 0`)
  }
  db.exec('COMMIT')
}

// Finds and repairs damage to a database file: damaged pages and missing parts of the schema. The search indexes
// are a separate case, because they can always be rebuilt from the tables.
import { hash } from 'node:crypto'

import type { Client } from '@libsql/core/api'
import type Database from 'libsql'

import { inDatabase, inModel } from './files.ts'

const indexes = ['tweets_fts', 'tweets_search', 'people_search']
/** At most this many problems are listed. */
const problemsMax = 20
const isPartOfIndex = (name: string) => indexes.some((index) => name.startsWith(`${index}_`))
const isOfIndex = (name: string) => indexes.includes(name) || isPartOfIndex(name)

/** The rows of a query as arrays. */
export const rowsOf = (db: Database.Database, sql: string) =>
  db.prepare(sql).raw().all([]) as unknown[][]

/** How thorough a check is: `quick_check` reads every page, `integrity_check` also compares every index entry. */
export type Check = 'quick_check' | 'integrity_check'

/**
 * Lists the damage, one sentence each. `damaged: …` can only be cured by a backup. `search index: …` and `schema: …`
 * can be repaired by `rebuildSchema`.
 */
export function findDamage(db: Database.Database, check: Check): string[] {
  const verdicts = verdictsOf(db, check)
  if (verdicts.length === 0) return findMissing(db, check)
  const tables = tablesOf(db)
  const damaged = tables?.flatMap((name) => verdictsOf(db, check, name)) ?? verdicts
  if (damaged.length > 0) return damaged.map((verdict) => `damaged: ${verdict}`)
  return verdicts.map((verdict) => `search index: ${verdict}`)
}

/** Can this problem only be cured by a backup? */
export const isDamage = (problem: string): boolean => problem.startsWith('damaged')

function verdictsOf(db: Database.Database, check: Check, table?: string): string[] {
  try {
    return rowsOf(db, `PRAGMA ${check}(${table === undefined ? problemsMax : `"${table}"`})`)
      .flatMap(([verdict]) => String(verdict).split('\n'))
      .filter((verdict) => verdict !== 'ok' && !verdict.startsWith('***'))
  } catch (error) {
    return [error instanceof Error ? error.message : String(error)]
  }
}

/** The names of all tables except those of the search indexes; undefined when the list of tables cannot be read. */
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

/** The parts of the schema that the migrations applied to this database create. */
export function expectedParts(db: Database.Database): Part[] {
  const isMigrated = rowsOf(db, "SELECT 1 FROM sqlite_schema WHERE name = '__drizzle_migrations'")
  if (isMigrated.length === 0) return []
  const last = Number(rowsOf(db, 'SELECT max(created_at) FROM __drizzle_migrations')[0]?.[0] ?? 0)
  return inModel(partsOf, last)
}

/** Can this part be created again without changing rows? Triggers and indexes can, tables cannot. */
const isRebuildable = ({ type, name }: Part) =>
  type === 'trigger' || type === 'index' || isOfIndex(name)

/** A number for the names of all parts of a schema: 32 bits, which `user_version` can hold. */
const fingerprintOf = (names: string[]): number =>
  Buffer.from(hash('sha256', names.toSorted().join('\n')), 'hex').readInt32BE()

/** Notes in the file that its schema has all parts now, so that `quick_check` need not build a model to compare it with. */
export async function markComplete(client: Client): Promise<void> {
  const { rows } = await client.execute('SELECT name FROM sqlite_schema')
  const fingerprint = fingerprintOf(rows.map((row) => String(row[0])))
  const noted = await client.execute('PRAGMA user_version')
  if (noted.rows[0]?.[0] !== fingerprint)
    await client.executeMultiple(`PRAGMA user_version=${fingerprint}`)
}

/** Lists the parts of the schema that are missing. With `integrity_check` also those whose SQL differs. */
export function findMissing(db: Database.Database, check: Check): string[] {
  const present = new Map(partsOf(db).map((part) => [part.name, part]))
  const isNoted = rowsOf(db, 'PRAGMA user_version')[0]?.[0] === fingerprintOf([...present.keys()])
  if (check === 'quick_check' && isNoted) return []
  return expectedParts(db).flatMap((part) => {
    const found = present.get(part.name)
    const kind = isOfIndex(part.name) ? 'search index' : isRebuildable(part) ? 'schema' : 'damaged'
    if (!found) return [`${kind}: the ${part.type} ${part.name} is missing`]
    if (check === 'integrity_check' && isRebuildable(part) && found.sql !== part.sql)
      return [`${kind}: the ${part.type} ${part.name} differs from the migrations`]
    return []
  })
}

/**
 * Rebuilds the search index, and the triggers and indexes that are missing or differ. Call it only while nothing else
 * uses the database. If it fails half-way, call it again.
 */
export function rebuildSchema(path: string): void {
  const isRemoved = inDatabase(
    path,
    (db) => findDamage(db, 'integrity_check').some(isOfSearch) && removeIndexes(db),
  )
  // In new connections, which have not loaded the old index.
  if (isRemoved) inDatabase(path, (db) => db.exec('VACUUM'))
  inDatabase(path, rebuildParts)
}

/** Is only a search index affected by this problem? */
export const isOfSearch = (problem: string): boolean => problem.startsWith('search index')

/**
 * Deletes the search indexes from the list of tables. DROP TABLE fails on a damaged index, and could free pages of other
 * tables. The pages of the index stay in the file until the VACUUM that must follow.
 */
function removeIndexes(db: Database.Database): true {
  const isOf = indexes.map((index) => `tbl_name = '${index}' OR tbl_name GLOB '${index}_*'`)
  db.exec(`PRAGMA writable_schema=ON;
    DELETE FROM sqlite_schema WHERE type <> 'trigger' AND (${isOf.join(' OR ')});
    PRAGMA writable_schema=RESET`)
  return true
}

function rebuildParts(db: Database.Database): void {
  const present = new Map(partsOf(db).map(({ name, sql }) => [name, sql]))
  const wanted = expectedParts(db).filter(
    // FTS5 creates its own tables.
    (part) => isRebuildable(part) && part.sql !== null && !isPartOfIndex(part.name),
  )
  db.exec('BEGIN IMMEDIATE')
  for (const { type, name, sql } of wanted) {
    const found = present.get(name)
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

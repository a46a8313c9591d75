// Moves all rows of one database into another, empty one: a file or a libSQL server each. In batches, so that memory is
// bounded. Until the last batch the target has neither triggers nor migrations, but `unfinished_move`: no app starts on it.
import type { Client, InStatement, InValue } from '@libsql/core/api'

import { StartError } from '../config/start-error.ts'
import { lastApplied, readJournal, unfinishedMove } from './migrate.ts'
import { movedSchema, type MovedTable } from './move-tables.ts'

/** Receives the name of each step, and the number of rows moved since the last call. */
type MoveReport = {
  total: (rows: number) => void
  step: (name: string) => void
  rows: (count: number) => void
}
export type Move = { source: Client; target: Client; report: MoveReport; signal: AbortSignal }

/** With the longest texts these are 5 MB; a server sends up to 10 MB at once. */
const rowsAtOnce = 1000
const searchedAtOnce = 10_000
const migrations = '__drizzle_migrations'
const searches = [
  { name: 'tweets_search', table: 'tweets', columns: 'msg' },
  { name: 'people_search', table: 'users', columns: 'name, handle' },
] as const

/** Moves everything, and compares the counts; returns them by table. Throws a StartError when it refuses to. */
export async function moveRows(move: Move): Promise<Map<string, number>> {
  const { source, target, report, signal } = move
  await refuseOtherVersion(source)
  const schema = movedSchema()
  const begun = await stateOf(source, schema.tables)
  report.total(
    sum(begun.counts) +
      sum(new Map(searches.map((one) => [one.name, begun.counts.get(one.table) ?? 0]))),
  )
  await clear(target)
  await target.migrate([
    `CREATE TABLE ${unfinishedMove} (begun_at integer NOT NULL) STRICT`,
    ...schema.empty,
  ])
  for (const table of schema.tables) await moveTable(move, table)
  for (const index of schema.indexes) {
    signal.throwIfAborted()
    report.step(`index ${/`(\w+)`/.exec(index)?.[1] ?? ''}`)
    await target.migrate([index])
  }
  for (const search of searches) await fillSearch(move, search)
  report.step('comparing')
  const [left, arrived] = [
    await stateOf(source, schema.tables),
    await stateOf(target, schema.tables),
  ]
  refuseDifference(begun, left, arrived)
  await target.migrate([...schema.triggers, ...(await finishing(source))])
  return arrived.counts
}

async function refuseOtherVersion(source: Client): Promise<void> {
  const applied = await lastApplied(source)
  if (applied === 0)
    throw new StartError(
      'There is no data of Tracewren in the database of DATABASE_URL: nothing to move.',
    )
  const newest = Math.max(...readJournal().map(({ when }) => when))
  if (applied === newest) return
  throw new StartError(
    applied < newest
      ? 'The database was made by an older Tracewren than this one. Start this one on it once, stop it, then move it.'
      : 'The database was made by a newer Tracewren than this one. Move it with the newer one.',
  )
}

type State = { counts: Map<string, number>; sequence: string }

/** What tells whether a database was written to meanwhile: its counts, and the ids given so far. */
async function stateOf(client: Client, tables: MovedTable[]): Promise<State> {
  const counts = new Map<string, number>()
  for (const { name } of tables) {
    const { rows } = await client.execute(`SELECT count(*) FROM ${name}`)
    counts.set(name, Number(rows[0]![0]))
  }
  return { counts, sequence: JSON.stringify(await sequenceOf(client)) }
}

const sequenceOf = (client: Client) =>
  valuesOf(client, 'SELECT name, seq FROM sqlite_sequence ORDER BY name')

const sum = (counts: Map<string, number>) =>
  [...counts.values()].reduce((one, other) => one + other, 0)

/** Removes what a move left that was broken off. Throws a StartError when there is anything else. */
async function clear(target: Client): Promise<void> {
  const found = (await valuesOf(
    target,
    `SELECT name, sql LIKE 'CREATE VIRTUAL%' FROM sqlite_schema
    WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY 2 DESC, rowid`,
  )) as [string, number][]
  if (found.length === 0) return
  if (!found.some(([name]) => name === unfinishedMove))
    throw new StartError(
      `The target is not empty: it has the table ${found[0]![0]}. Name an empty database; nothing was written.`,
    )
  const virtual = found.filter((one) => one[1] === 1).map(([name]) => name)
  const isPart = (name: string) => virtual.some((index) => name.startsWith(`${index}_`))
  const rest = found
    .map(([name]) => name)
    .filter((name) => !isPart(name) && name !== unfinishedMove)
  // One by one, the mark last: a target that is broken off here is still one of a broken move.
  for (const name of [...rest, unfinishedMove]) await target.migrate([`DROP TABLE ${name}`])
}

/** The rows as arrays, whatever the client makes of them. */
async function valuesOf(client: Client, sql: string, args: InValue[] = []): Promise<InValue[][]> {
  const { rows, columns } = await client.execute({ sql, args })
  return rows.map((row) => Array.from(columns, (_, at) => row[at] ?? null))
}

async function moveTable(
  { source, target, report, signal }: Move,
  table: MovedTable,
): Promise<void> {
  const { name, columns, key } = table
  report.step(name)
  const [listed, keys] = [quoted(columns), quoted(key)]
  const after = `WHERE (${keys}) > (${key.map(() => '?').join()})`
  const at = key.map((column) => columns.indexOf(column))
  const read = (last?: InValue[]) =>
    valuesOf(
      source,
      `SELECT ${listed} FROM ${name} ${last ? after : ''} ORDER BY ${keys} LIMIT ${rowsAtOnce}`,
      last && at.map((index) => last[index]!),
    )
  const sql = `INSERT INTO ${name} (${listed}) SELECT ${columns.map((_, index) => `value ->> ${index}`).join()}
    FROM json_each(?)`
  for (let rows = await read(); rows.length > 0;) {
    signal.throwIfAborted()
    const writing = target.migrate([{ sql, args: [JSON.stringify(rows)] }])
    // The next rows are read while these are written.
    const [next] = await Promise.all([rows.length < rowsAtOnce ? [] : read(rows.at(-1)), writing])
    report.rows(rows.length)
    rows = next
  }
}

const quoted = (names: string[]) => names.map((name) => `"${name}"`).join()

async function fillSearch(
  { target, report, signal }: Move,
  search: (typeof searches)[number],
): Promise<void> {
  const { name, table, columns } = search
  report.step(name)
  const last = Number((await valuesOf(target, `SELECT coalesce(max(id), 0) FROM ${table}`))[0]![0])
  for (let from = 0; from < last; from += searchedAtOnce) {
    signal.throwIfAborted()
    const [added] = await target.migrate([
      {
        sql: `INSERT INTO ${name} (rowid, ${columns}) SELECT id, ${columns} FROM ${table}
          WHERE id > ? AND id <= ? ORDER BY id`,
        args: [from, from + searchedAtOnce],
      },
    ])
    report.rows(added!.rowsAffected)
  }
}

function refuseDifference(begun: State, left: State, arrived: State): void {
  for (const [name, count] of left.counts)
    if (begun.counts.get(name) !== count || begun.sequence !== left.sequence)
      throw new StartError(
        'The source was written to while it was moved. Stop every app that uses it, then move it again.',
      )
  for (const [name, count] of arrived.counts)
    if (left.counts.get(name) !== count)
      throw new StartError(
        `${name}: the source has ${left.counts.get(name)} rows, ${count} arrived. Run npm run db:check on the source.`,
      )
}

/** The last batch: what makes the target a database that an app may use. */
async function finishing(source: Client): Promise<InStatement[]> {
  const applied = await valuesOf(
    source,
    `SELECT hash, created_at FROM ${migrations} ORDER BY created_at`,
  )
  const { rows } = await source.execute(
    `SELECT sql FROM sqlite_schema WHERE name = '${migrations}'`,
  )
  const insert = (into: string, values: InValue[][]): InStatement => ({
    sql: `INSERT INTO ${into} SELECT value ->> 0, value ->> 1 FROM json_each(?)`,
    args: [JSON.stringify(values)],
  })
  return [
    `INSERT INTO search_builds (name, indexed_from) VALUES ${searches.map(({ name }) => `('${name}', 0)`).join()}
      ON CONFLICT (name) DO UPDATE SET indexed_from = 0`,
    // Ids of deleted rows are never given again.
    'DELETE FROM sqlite_sequence',
    insert('sqlite_sequence (name, seq)', await sequenceOf(source)),
    String(rows[0]![0]),
    insert(`${migrations} (hash, created_at)`, applied),
    `DROP TABLE ${unfinishedMove}`,
  ]
}

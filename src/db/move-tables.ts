// The schema that a moved database gets: that of the migrations, whatever the source lacks or has besides.
import { inModel } from './files.ts'

/** A table whose rows are moved, in the order of its primary key. */
export type MovedTable = { name: string; columns: string[]; key: string[] }

/** The SQL of the newest schema, by the moment when a move runs it, and the tables that have rows. */
type MovedSchema = {
  tables: MovedTable[]
  /** Creates tables and search indexes. */
  empty: string[]
  /** Creates indexes, each for minutes at most; it is faster after the rows. */
  indexes: string[]
  triggers: string[]
}

/** Reads the schema from the migrations, in a database in memory. */
export const movedSchema = (): MovedSchema =>
  inModel((model) => {
    const rowsOf = (sql: string, ...args: string[]) =>
      model.prepare(sql).raw().all(args) as string[][]
    const parts = rowsOf(`SELECT type, name, sql FROM sqlite_schema s WHERE sql IS NOT NULL
      AND name NOT LIKE 'sqlite_%' AND NOT EXISTS (SELECT 1 FROM sqlite_schema v
        WHERE v.sql LIKE 'CREATE VIRTUAL%' AND s.name GLOB v.name || '_*') ORDER BY rowid`)
    const of = (type: string) => parts.filter((part) => part[0] === type)
    const sqlOf = (some: string[][]) => some.map(([, , sql]) => sql!)
    const tables = of('table').filter(([, , sql]) => !sql!.startsWith('CREATE VIRTUAL'))
    return {
      tables: tables.map(([, name]) => ({
        name: name!,
        columns: rowsOf('SELECT name FROM pragma_table_info(?)', name!).flat(),
        key: rowsOf('SELECT name FROM pragma_table_info(?) WHERE pk > 0 ORDER BY pk', name!).flat(),
      })),
      empty: sqlOf(of('table')),
      indexes: sqlOf(of('index')),
      triggers: sqlOf(of('trigger')),
    }
  })

// Which tables refer to tweets and users, read from the schema, so that a new table is removed in slices without a word here.
import { getTableName, is } from 'drizzle-orm'
import { getTableConfig, SQLiteTable } from 'drizzle-orm/sqlite-core'

import { lazy } from '../base/lazy.ts'
import * as schema from './schema/index.ts'

/** A column that refers to a deleted row, and the primary key of its table. */
export type Dependent = { table: string; column: string; keys: string[] }

function readDependents(parent: string): Dependent[] {
  const tables = Object.values(schema).filter((one) => is(one, SQLiteTable))
  return tables.flatMap((table) => {
    const { name, columns, foreignKeys, primaryKeys } = getTableConfig(table)
    const keys = (primaryKeys[0]?.columns ?? columns.filter(({ primary }) => primary)).map(
      (column) => column.name,
    )
    return foreignKeys
      .map((key) => key.reference())
      .filter(({ foreignTable }) => getTableName(foreignTable) === parent)
      .map(({ columns: [column] }) => ({ table: name, column: column!.name, keys }))
  })
}

/** Follows first, so that timelines forget a person soon; retweets last, because each of them costs most. */
const rankOf = ({ table }: Dependent) => (table === 'follows' ? 0 : table === 'tweets' ? 2 : 1)

const read = (parent: string) =>
  readDependents(parent).toSorted((one, other) => rankOf(one) - rankOf(other))
const dependents = { tweets: lazy(() => read('tweets')), users: lazy(() => read('users')) }

/** What refers to rows of this table, in the order in which it is removed. */
export const dependentsOf = (parent: 'tweets' | 'users'): readonly Dependent[] =>
  dependents[parent]()

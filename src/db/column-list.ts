// Derives the SELECT, the row mapping, the comparison and the cache key from one list of columns, so that none of them
// can miss a column.
import { Column, is, noopDecoder, type SQL } from 'drizzle-orm'
import type { SelectResultField } from 'drizzle-orm/query-builders/select.types'
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core'

type Selected = SQLiteColumn | SQL
type Decoder = { mapFromDriverValue: (value: unknown) => unknown }

/** In a list of columns, `read(column)` stands for the value of the column. */
export type Read = <C extends Selected>(column: C) => SelectResultField<C>

const decoderOf = (column: Selected): Decoder =>
  is(column, Column) ? column : (column as unknown as { decoder: Decoder }).decoder

/** Does the decoder return every value unchanged? Then it need not be called for each row. */
const isIdentity = (decoder: Decoder) =>
  [Column.prototype, noopDecoder].some(
    (plain) => plain.mapFromDriverValue === decoder.mapFromDriverValue,
  )

const isBoolean = (column: Selected) =>
  is(column, Column)
    ? column.dataType === 'boolean'
    : decoderOf(column).mapFromDriverValue === Boolean

/**
 * Derives functions from a list of columns. `list` returns an object whose values are all `read(column)`. It is called
 * once to collect the columns for the SELECT, and then for each row to read the values. That is as fast as a mapping
 * written by hand; a loop over names makes a page 5 % slower. Create columns outside of `list`, or each row creates
 * them again. Throws a TypeError when `list` does anything else.
 */
export function rowsFrom<Row extends { id: number; cursor: number }>(list: (read: Read) => Row) {
  const selected: Selected[] = []
  const columns = list((column) => {
    selected.push(column)
    return column as never
  }) as unknown as Record<string, Selected>
  const listedAgain: unknown[] = Object.values(list((column) => column as never))
  if (
    listedAgain.length !== selected.length ||
    listedAgain.some((one, index) => one !== selected[index])
  )
    throw new TypeError('A list of columns must read each column once and return it unchanged.')

  const decoders = selected.map(decoderOf).map((one) => (isIdentity(one) ? undefined : one))
  const flags = (Object.keys(columns) as (keyof Row)[]).filter((_, at) => isBoolean(selected[at]!))
  let values: ArrayLike<unknown> = []
  let next = 0
  const read = () => {
    const value = values[next]
    const decoder = decoders[next++]
    const isRaw = decoder === undefined || value === null
    return (isRaw ? value : decoder.mapFromDriverValue(value)) as never
  }
  const toRow = (ofRow: ArrayLike<unknown>): Row => {
    values = ofRow
    next = 0
    return list(read)
  }
  /** Are two rows equal, apart from their cursors? Values that are objects never count as equal. */
  const isSame = (one: Row, other: Row): boolean => {
    let name: keyof Row
    for (name in one) if (name !== 'cursor' && one[name] !== other[name]) return false
    return true
  }
  /** A cache key: the id and a bit for each boolean, because viewers share a cache and most booleans depend on them. */
  const keyOf = (row: Row, id = row.id): number => {
    let key = id
    for (const name of flags) key = 2 * key + (row[name] === true ? 1 : 0)
    return key
  }
  return { columns, toRow, isSame, keyOf }
}

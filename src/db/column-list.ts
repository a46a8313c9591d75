// One list of columns gives the SELECT, the row, its comparison and its key: none of them can forget a column.
import { Column, is, noopDecoder, type SQL } from 'drizzle-orm'
import type { SelectResultField } from 'drizzle-orm/query-builders/select.types'
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core'

type Selected = SQLiteColumn | SQL
type Decoder = { mapFromDriverValue: (value: unknown) => unknown }

/** Stands for the value of a column in a list of columns. */
export type Read = <C extends Selected>(column: C) => SelectResultField<C>

const decoderOf = (column: Selected): Decoder =>
  is(column, Column) ? column : (column as unknown as { decoder: Decoder }).decoder

/** Does it leave every value as it is? Twenty rows then save their calls. */
const isPlain = (decoder: Decoder) =>
  [Column.prototype, noopDecoder].some(
    (plain) => plain.mapFromDriverValue === decoder.mapFromDriverValue,
  )

const isYesOrNo = (column: Selected) =>
  is(column, Column)
    ? column.dataType === 'boolean'
    : decoderOf(column).mapFromDriverValue === Boolean

/**
 * What follows from a list of columns: a function that gives an object of `read(column)` and nothing else. It runs with
 * the columns, for the SELECT, and then for each row: as fast as a mapping by hand, where a loop over names makes a page
 * 5 % slower. Columns are made outside of it, or each row would make them again.
 */
export function rowsFrom<Row extends { id: number; cursor: number }>(list: (read: Read) => Row) {
  const asked: Selected[] = []
  const columns = list((column) => {
    asked.push(column)
    return column as never
  }) as unknown as Record<string, Selected>
  const again: unknown[] = Object.values(list((column) => column as never))
  if (again.length !== asked.length || again.some((column, index) => column !== asked[index]))
    throw new TypeError('A list of columns reads each one once, and neither makes nor changes any.')

  const decoders = asked.map(decoderOf).map((one) => (isPlain(one) ? undefined : one))
  const flags = (Object.keys(columns) as (keyof Row)[]).filter((_, at) => isYesOrNo(asked[at]!))
  let values: ArrayLike<unknown> = []
  let next = 0
  const read = () => {
    const value = values[next]
    const decoder = decoders[next++]
    const isAsItIs = decoder === undefined || value === null
    return (isAsItIs ? value : decoder.mapFromDriverValue(value)) as never
  }
  const toRow = (ofRow: ArrayLike<unknown>): Row => {
    values = ofRow
    next = 0
    return list(read)
  }
  /** Do two rows show the same? Their places in a list are not shown. A value that is an object never is. */
  const isSame = (one: Row, other: Row): boolean => {
    let name: keyof Row
    for (name in one) if (name !== 'cursor' && one[name] !== other[name]) return false
    return true
  }
  /** The id, and a bit for each yes or no: most of these are the viewer's own, and two viewers share one cache. */
  const keyOf = (row: Row): number => {
    let key = row.id
    for (const name of flags) key = 2 * key + (row[name] === true ? 1 : 0)
    return key
  }
  return { columns, toRow, isSame, keyOf }
}

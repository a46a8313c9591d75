// Inserts many rows into one table, 200 rows a statement: that takes a third of the time of one row a statement.
import type Database from 'libsql'

type Value = string | number | null
const rowsAtOnce = 200

/** Collects rows and inserts them in blocks; call `flush` at the end. */
export class Bulk {
  readonly #db: Database.Database
  readonly #insert: string
  readonly #row: string
  readonly #columns: number
  readonly #many: Database.Statement
  #values: Value[] = []

  /** `into` is a table with its columns: `users (id, name)`. */
  constructor(db: Database.Database, into: string) {
    this.#db = db
    this.#columns = into.split(',').length
    this.#insert = `INSERT INTO ${into} VALUES `
    this.#row = `(${Array<string>(this.#columns).fill('?').join()})`
    this.#many = db.prepare(this.#insert + Array<string>(rowsAtOnce).fill(this.#row).join())
  }

  add(...row: Value[]): void {
    this.#values.push(...row)
    if (this.#values.length < rowsAtOnce * this.#columns) return
    this.#many.run(this.#values)
    this.#values = []
  }

  /** Writes the rows that are left. */
  flush(): void {
    const rows = this.#values.length / this.#columns
    if (rows === 0) return
    this.#db.prepare(this.#insert + Array<string>(rows).fill(this.#row).join()).run(this.#values)
    this.#values = []
  }
}

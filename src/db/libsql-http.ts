// Our own `Client` for a libSQL server: each call is one HTTP request, SQL over HTTP as JSON ("Hrana" version 2). The
// stock one (@libsql/client 0.18) takes six times the CPU time for the same rows; docs/decisions/0055 has the figures.
import {
  LibsqlError,
  type Client,
  type InArgs,
  type InStatement,
  type InValue,
  type ResultSet,
  type Row,
  type TransactionMode,
} from '@libsql/core/api'

import { toSql, writes } from './libsql-statement.ts'
import { isConnectionLost, ServerConnections } from './server-connections.ts'

type Value =
  | { type: 'null' }
  | { type: 'integer' | 'text'; value: string }
  | { type: 'float'; value: number }
  | { type: 'blob'; base64: string }
type Failure = { message: string; code?: string | null }
type Result = {
  cols: { name: string | null }[]
  rows: Value[][]
  affected_row_count: number
  last_insert_rowid: string | null
}
type BatchResult = { step_results: (Result | null)[]; step_errors: (Failure | null)[] }
type Reply<R> = { type: 'ok'; response: { result: R } } | { type: 'error'; error: Failure }
type Statement = { sql: string; args: Value[] }

/** The `@libsql/client` interface for the server at `url`. Rows are plain arrays. No call lasts longer than `timeoutMs`. */
export function serverClient(url: URL, timeoutMs: number, authToken: string | undefined): Client {
  const connections = new ServerConnections(url, timeoutMs, authToken)
  const ask = async <R>(request: object): Promise<R> => {
    const text = await connections.post(JSON.stringify({ requests: [request, { type: 'close' }] }))
    const reply = parsed(text) as Reply<R>
    if (reply.type === 'error') throw asError(reply.error)
    return reply.response.result
  }
  /** Asks once more when a read finds its connection closed, as it may be while nobody uses it. Never for a write. */
  const askFor = async <R>(request: object, isRead: boolean): Promise<R> => {
    try {
      return await ask<R>(request)
    } catch (error) {
      if (!isRead || !isConnectionLost(error)) throw error
      return ask<R>(request)
    }
  }
  const client: Client = {
    protocol: 'http',
    closed: false,
    async execute(given: InStatement, args?: InArgs) {
      const stmt = toStatement(given, args)
      return toResultSet(await askFor<Result>({ type: 'execute', stmt }, !writes(stmt.sql)))
    },
    async batch(given: (InStatement | [string, InArgs?])[], mode: TransactionMode = 'deferred') {
      const all = given.map((one) =>
        Array.isArray(one) ? toStatement(one[0], one[1]) : toStatement(one),
      )
      const batch = { steps: transaction(begins[mode], all) }
      const isRead = !all.some(({ sql }) => writes(sql))
      return resultsOf(await askFor<BatchResult>({ type: 'batch', batch }, isRead), all.length)
    },
    async migrate(given: InStatement[]) {
      const all = given.map((one) => toStatement(one))
      // A migration may rebuild a table. The server forgets this setting with the request.
      const off = { stmt: { sql: 'PRAGMA foreign_keys=off', args: [] } }
      const batch = { steps: transaction(begins.deferred, all, [off]) }
      return resultsOf(await ask<BatchResult>({ type: 'batch', batch }), all.length, 2)
    },
    async executeMultiple(sql: string) {
      await ask({ type: 'sequence', sql })
    },
    transaction: () =>
      Promise.reject(new Error('No interactive transactions here: write one batch instead.')),
    sync: () => Promise.resolve(undefined),
    reconnect: () => undefined,
    close() {
      client.closed = true
      connections.close()
    },
  }
  return client
}

const begins: Record<TransactionMode, string> = {
  write: 'BEGIN IMMEDIATE',
  read: 'BEGIN TRANSACTION READONLY',
  deferred: 'BEGIN DEFERRED',
}

type Step = { stmt: Statement; condition?: object }

/** The steps of a batch, after those in `before`. Each runs only if the one before it did; else nothing of them stays. */
function transaction(begin: string, statements: Statement[], before: Step[] = []): Step[] {
  const begun = before.length
  const ran = (step: number) => ({ type: 'ok', step })
  const committed = begun + statements.length + 1
  return [
    ...before,
    { stmt: { sql: begin, args: [] } },
    ...statements.map((stmt, index) => ({ stmt, condition: ran(begun + index) })),
    { stmt: { sql: 'COMMIT', args: [] }, condition: ran(committed - 1) },
    { stmt: { sql: 'ROLLBACK', args: [] }, condition: { type: 'not', cond: ran(committed) } },
  ]
}

/** The results of `count` steps from `first` on. Throws the first failure: those after it follow from it. */
function resultsOf(batch: BatchResult, count: number, first = 1): ResultSet[] {
  const failure = batch.step_errors.find((one) => one !== null)
  if (failure) throw asError(failure)
  return batch.step_results.slice(first, first + count).map((one) => toResultSet(one!))
}

/** The first result in an answer. A proxy may have answered in place of the server. */
function parsed(text: string): unknown {
  try {
    return (JSON.parse(text) as { results: [unknown] }).results[0]
  } catch (error) {
    throw new LibsqlError(`This is no answer of a libSQL server: ${String(error)}`, 'SERVER_ERROR')
  }
}

const asError = ({ message, code }: Failure) => new LibsqlError(message, code ?? 'UNKNOWN')

function toStatement(given: InStatement, named?: InArgs): Statement {
  const { sql, args } = toSql(given, named)
  return { sql, args: args.map(toValue) }
}

/** A number goes as a float, also a whole one, as the client for files binds it. */
function toValue(value: InValue): Value {
  if (value === null) return { type: 'null' }
  if (typeof value === 'string') return { type: 'text', value }
  if (typeof value === 'number') return { type: 'float', value }
  if (typeof value === 'bigint') return { type: 'integer', value: String(value) }
  if (value instanceof Uint8Array || value instanceof ArrayBuffer)
    return { type: 'blob', base64: Buffer.from(value as Uint8Array).toString('base64') }
  return { type: 'float', value: Number(value) }
}

function fromValue(given: Value): string | number | null | Buffer {
  if (given.type === 'text' || given.type === 'float') return given.value
  if (given.type === 'null') return null
  if (given.type === 'blob') return Buffer.from(given.base64, 'base64')
  const number = Number(given.value)
  if (!Number.isSafeInteger(number)) throw new RangeError('A number in the database is too large.')
  return number
}

function toResultSet({ cols, rows, ...done }: Result): ResultSet {
  const columns = cols.map(({ name }) => name ?? '')
  const read = rows.map((row) => row.map(fromValue)) as unknown as Row[]
  return {
    columns,
    columnTypes: [],
    rows: read,
    rowsAffected: done.affected_row_count,
    lastInsertRowid: done.last_insert_rowid === null ? undefined : BigInt(done.last_insert_rowid),
    toJSON() {
      return { columns, rows: read, rowsAffected: this.rowsAffected }
    },
  }
}

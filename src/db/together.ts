// Reads of one page that do not depend on one another: on a server they share a round trip.
import type { Client, InStatement, ResultSet } from '@libsql/core/api'

import type { Db } from './drizzle.ts'

type Asked = {
  statement: InStatement
  resolve: (result: ResultSet) => void
  reject: (error: unknown) => void
}
type Gather = <T>(ask: () => T) => T

const gatherers = new WeakMap<Db, { gather: Gather; isRemote: boolean }>()

/** Does each query cost a round trip over the network? Then a query that may turn out needless is cheaper than one more. */
export const isRemote = (db: Db): boolean => gatherers.get(db)?.isRemote === true

/**
 * Runs `ask`. All queries that it has begun when it returns, before any `await`, go to a server as one batch, in one
 * round trip and one span. On a file they run one after the other, so that their spans do not overlap.
 */
export const together: <T>(db: Db, ask: () => T) => T = (db, ask) => {
  const known = gatherers.get(db)
  return known ? known.gather(ask) : ask()
}

/** A client that can gather statements, and what tells `together` of the database on it. */
export function gathering(
  client: Client,
  remote: boolean,
): { client: Client; note: (db: Db) => void } {
  const send = remote ? sendBatch : sendEach
  let gathered: Asked[] | undefined
  const gather: Gather = (ask) => {
    if (gathered) return ask()
    const asked: Asked[] = (gathered = [])
    try {
      return ask()
    } finally {
      gathered = undefined
      void send(client, asked)
    }
  }
  const execute = (statement: InStatement) =>
    gathered
      ? new Promise<ResultSet>((resolve, reject) => {
          gathered!.push({ statement, resolve, reject })
        })
      : client.execute(statement)
  return {
    client: Object.assign(Object.create(client) as Client, { execute }),
    note: (db) => gatherers.set(db, { gather, isRemote: remote }),
  }
}

async function sendEach(client: Client, asked: Asked[]): Promise<void> {
  for (const { statement, resolve, reject } of asked)
    await client.execute(statement).then(resolve, reject)
}

async function sendBatch(client: Client, asked: Asked[]): Promise<void> {
  if (asked.length === 0) return
  try {
    const statements = asked.map(({ statement }) => statement)
    const results =
      statements.length === 1
        ? [await client.execute(statements[0]!)]
        : await client.batch(statements)
    for (const [index, one] of asked.entries()) one.resolve(results[index]!)
  } catch (error) {
    for (const { reject } of asked) reject(error)
  }
}

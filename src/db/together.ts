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
 * round trip and one span. On a file they run one after the other, so that their spans do not overlap. After one that
 * fails, those that wait fail with it.
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
  const { execute, gather } = remote ? inOneBatch(client) : inTurn(client)
  return {
    client: Object.assign(Object.create(client) as Client, { execute }),
    note: (db) => gatherers.set(db, { gather, isRemote: remote }),
  }
}

type Gathering = { execute: (statement: InStatement) => Promise<ResultSet>; gather: Gather }

/** In development: called when a query is asked for that waits for its turn; what it returns is called at its turn. */
export const turns: { note: (() => () => void) | undefined } = { note: undefined }

function inTurn(client: Client): Gathering {
  let before: Promise<unknown> | undefined
  return {
    gather: (ask) => {
      if (before) return ask()
      before = Promise.resolve()
      try {
        return ask()
      } finally {
        before = undefined
      }
    },
    execute(statement) {
      if (!before) return client.execute(statement)
      const takeTurn = turns.note?.()
      const result = before.then(() => {
        takeTurn?.()
        return client.execute(statement)
      })
      before = result
      return result
    },
  }
}

function inOneBatch(client: Client): Gathering {
  let gathered: Asked[] | undefined
  return {
    gather: (ask) => {
      if (gathered) return ask()
      const asked: Asked[] = (gathered = [])
      try {
        return ask()
      } finally {
        gathered = undefined
        void send(client, asked)
      }
    },
    execute: (statement) =>
      gathered
        ? new Promise<ResultSet>((resolve, reject) => {
            gathered!.push({ statement, resolve, reject })
          })
        : client.execute(statement),
  }
}

async function send(client: Client, asked: Asked[]): Promise<void> {
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

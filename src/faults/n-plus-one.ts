import type { Client, InStatement, ResultSet, TransactionMode } from '@libsql/core/api'

import type { Fault } from './fault.ts'

const authorOf = 'SELECT name, handle FROM users WHERE id = ?'

export const nPlusOne: Fault = {
  name: 'n-plus-one',
  kind: 'application',
  title: 'N+1 queries',
  does: 'After a list of posts has been read, the author of each post is looked up again, one query after the other.',
  moves:
    'app.db.query_count and the query spans of the route: one SELECT users for each post; db.client.operation.duration gets many short operations.',
  find: '/routes: "Queries" of a row is far above its two or three. "Slowest" opens a trace: a staircase of the same short query.',
  cure: 'Read the authors in the query of the list, with a JOIN, or in one query for all ids.',
  strength: { what: 'Lookups for each post', unit: 'queries', min: 1, max: 10, default: 1 },
  takesRoute: true,
  start({ around, database, strength }) {
    const db = database.through((client) => lookingUpEach(client, strength))
    around((c, next) => {
      c.set('db', db)
      return next()
    })
  },
}

/** A client that looks up the author of each row of a list of cards, whatever its list. */
function lookingUpEach(client: Client, times: number): Client {
  const lookUp = async (result: ResultSet): Promise<ResultSet> => {
    const author = result.columns.includes('msg') ? result.columns.indexOf('user_id') : -1
    for (const row of author < 0 ? [] : result.rows)
      for (let time = 0; time < times; time++)
        await client.execute({ sql: authorOf, args: [row[author] ?? null] })
    return result
  }
  const execute = async (statement: InStatement) => lookUp(await client.execute(statement))
  const batch = async (statements: InStatement[], mode?: TransactionMode) => {
    const results = await client.batch(statements, mode)
    for (const result of results) await lookUp(result)
    return results
  }
  return Object.assign(Object.create(client) as Client, { execute, batch })
}

import type { Client, InStatement } from '@libsql/core/api'

import { withinBounds } from './busy.ts'
import { fileOnly } from './database-place.ts'
import type { Fault } from './fault.ts'

export const fullScan: Fault = {
  name: 'full-scan',
  kind: 'database',
  title: 'Full scan',
  does: 'The queries for lists of posts read many rows that no index narrows.',
  moves:
    'db.client.operation.duration of the queries of posts; app.db.duration_ms of the route; nodejs.eventloop.delay, because a query of a file keeps the thread. The number of queries and rows stays.',
  find: '/routes?by=query: one query with tweets has most of the time. A trace of the route shows one long query; its plan has SCAN where others have SEARCH.',
  cure: 'Add the index that the WHERE needs, and look at the plan again.',
  strength: { what: 'Rows read for nothing', unit: 'thousands', min: 1, max: 400, default: 200 },
  takesRoute: true,
  refusal: fileOnly,
  start({ around, database, strength }) {
    const db = database.through((client) => scanning(client, strength * 1000))
    around((c, next) => {
      c.set('db', db)
      return next()
    })
  },
}

/** A client whose queries for posts scan so many rows, too. Their result is the same. */
function scanning(client: Client, rows: number): Client {
  // As many steps as rows, however few posts there are: each post again and again.
  const again = `(WITH RECURSIVE time(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM time LIMIT ${rows}) SELECT n FROM time)`
  const scan = `(SELECT count(*) FROM (SELECT scanned.msg FROM tweets scanned NOT INDEXED CROSS JOIN ${again} LIMIT ${rows}))`
  const execute = (statement: InStatement) => {
    const text = typeof statement === 'string' ? statement : statement.sql
    const args = typeof statement === 'string' ? [] : (statement.args ?? [])
    if (!/^\s*select\b[^]*\btweets\b[^]*\bmsg\b|^\s*select\b[^]*\bmsg\b[^]*\btweets\b/i.test(text))
      return client.execute(statement)
    return withinBounds(
      () => client.execute({ sql: `SELECT * FROM (${text}) WHERE ${scan} >= 0`, args }),
      () => client.execute(statement),
    )
  }
  return Object.assign(Object.create(client) as Client, { execute })
}

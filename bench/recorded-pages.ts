// The work of the packages for a page: its SQL with arguments, and the bytes of its answer. Recorded from the
// app itself, so that both stay the same.
import { writeFileSync } from 'node:fs'

import type { Client, InStatement, InValue } from '@libsql/core/api'

import { createApp } from '../src/app.tsx'
import { readSettings } from '../src/config/env.ts'
import { openFile } from '../src/db/database-file.ts'
import { drizzleOn } from '../src/db/drizzle.ts'
import { toSql } from '../src/db/libsql-statement.ts'
import { addressOf } from '../src/demo/accounts.ts'
import { setLogLevel } from '../src/telemetry/log.ts'
import type { Case } from './cases.ts'
import { folder, viewers } from './world.ts'

export type RecordedPage = {
  queries: { sql: string; args: InValue[] }[]
  /** The page, split before each card: the app caches cards and joins them, too. */
  pieces: string[]
  headers: Record<string, string>
}
/** Recorded pages by path and index of the viewer. */
export type RecordedPages = Record<string, RecordedPage>

export const recordedCases = ['GET /timeline', 'GET /', 'GET /user/:id']
/** The number of requests of each case: each pair of a viewer and one of the 200 requested profiles. */
const requests = 200

/** Requests the pages of `recordedCases` from the app on this database; returns the path of the recording. */
export async function recordPages(path: string, cases: Case[]): Promise<string> {
  setLogLevel('silent')
  const settings = readSettings({ DATABASE_URL: `file:${path}`, INSPECT: '0' })
  const opened = await openFile(settings)
  let queries: RecordedPage['queries'] = []
  const client = listen(opened.client, (statement) => queries.push(statement))
  const db = drizzleOn(client)
  const app = createApp({
    database: { ...opened, db, patient: db, through: (wrap) => drizzleOn(wrap(client)) },
    settings,
    state: { stopping: false },
  })
  const send = async (url: string, init: RequestInit) =>
    app.fetch(new Request(`http://localhost${url}`, init))
  const cookies: string[] = []
  for (const id of viewers) {
    const body = new URLSearchParams({ mailaddress: addressOf(id), password: 'password123' })
    const answer = await send('/login', { method: 'POST', body })
    cookies.push(answer.headers.getSetCookie()[0]!.split(';')[0]!)
  }
  const pages: RecordedPages = {}
  // The first pass fills the caches of the app; the second pass is as on a busy instance.
  for (const time of [1, 2]) {
    for (const one of cases.filter(({ name }) => recordedCases.includes(name))) {
      for (let count = 0; count < requests; count++) {
        const viewer = count % viewers.length
        const { path: url, headers } = one.ask(count, viewer)
        queries = []
        const cookie = one.visitor ? {} : { Cookie: cookies[viewer]! }
        const answer = await send(url, { headers: { ...headers, ...cookie } })
        const text = await answer.text()
        if (answer.status !== 200) throw new Error(`${answer.status} for ${url}: ${text}`)
        if (time === 1) continue
        const own = [...answer.headers].filter(([name]) => name !== 'content-length')
        pages[`${url} ${viewer}`] = {
          queries,
          pieces: text.split(/(?=<article)/),
          headers: Object.fromEntries(own),
        }
      }
    }
  }
  await opened.close()
  const file = `${folder}/pages.json`
  writeFileSync(file, JSON.stringify(pages))
  return file
}

/** A database client that reports each statement before it runs. */
function listen(client: Client, tell: (statement: { sql: string; args: InValue[] }) => void) {
  const told = (statement: InStatement) => {
    tell(toSql(statement, undefined))
    return statement
  }
  const execute = (statement: InStatement) => client.execute(told(statement))
  const batch = (statements: InStatement[]) => client.batch(statements.map(told), 'write')
  return Object.assign(Object.create(client) as Client, { execute, batch })
}

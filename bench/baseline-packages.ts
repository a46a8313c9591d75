// The cost of the packages without our code: Hono on node-server, and a database opened by libSQL. It answers a
// page by running the same SQL with the same arguments as the app; then it joins bytes that it has loaded at the start.
import { readFileSync } from 'node:fs'

import { serve } from '@hono/node-server'
import { hash } from '@node-rs/bcrypt'
import { trace } from '@opentelemetry/api'
import { integer, sqliteTable } from 'drizzle-orm/sqlite-core'
import { Hono, type Context } from 'hono'
import Database from 'libsql'

import type { RecordedPages } from './recorded-pages.ts'

// Loaded as in the app, so that `npm run bench -- start` can compare start and memory.
const loaded = [hash, trace, sqliteTable('users', { id: integer() })].length
const database = new Database((process.env['DATABASE_URL'] ?? '').replace('file:', ''))
database.exec('PRAGMA cache_size=-20000; PRAGMA foreign_keys=ON')

const statements = new Map<string, Database.Statement>()
/** Each statement is prepared once, as in the app. */
function prepare(sql: string): Database.Statement {
  const known = statements.get(sql) ?? database.prepare(sql).raw()
  statements.set(sql, known)
  return known
}

const file = process.argv[3]
const recorded = file ? (JSON.parse(readFileSync(file, 'utf8')) as RecordedPages) : {}
const pages = new Map(
  Object.entries(recorded).map(([key, { queries, pieces, headers }]) => [
    key,
    { queries, pieces: pieces.map((piece) => Buffer.from(piece)), headers },
  ]),
)

function answer(c: Context): Response {
  const page = pages.get(`${c.req.path} ${c.req.header('x-viewer')}`)
  if (!page) return c.text('This page was not recorded.', 404)
  for (const { sql, args } of page.queries) prepare(sql).all(args)
  return c.body(Buffer.concat(page.pieces), 200, page.headers)
}

const app = new Hono()
  .get('/timeline', answer)
  .get('/user/:id', answer)
  .get('/*', (c) =>
    pages.size > 0 && c.req.path === '/'
      ? answer(c)
      : c.text(`${loaded} ${prepare('SELECT 1').all([]).length}`),
  )
serve({ fetch: app.fetch, port: Number(process.argv[2]), hostname: '127.0.0.1' })

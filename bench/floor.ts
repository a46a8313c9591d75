// What the packages need before a line of ours runs: a server with one route, a database opened by libSQL.
import { serve } from '@hono/node-server'
import { hash } from '@node-rs/bcrypt'
import { trace } from '@opentelemetry/api'
import { integer, sqliteTable } from 'drizzle-orm/sqlite-core'
import { Hono } from 'hono'
import Database from 'libsql'

const database = new Database((process.env['DATABASE_URL'] ?? '').replace('file:', ''))
const loaded = [hash, trace, sqliteTable('users', { id: integer() })].length
const app = new Hono().get('/*', (c) =>
  c.text(`${loaded} ${database.prepare('SELECT 1').raw().all([]).length}`),
)
serve({ fetch: app.fetch, port: Number(process.argv[2]), hostname: '127.0.0.1' })

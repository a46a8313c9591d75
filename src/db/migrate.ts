import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

import type { Client } from '@libsql/core/api'
import { migrate as applyMigrations } from 'drizzle-orm/libsql/migrator'

import { behindQuery } from '../base/query-error.ts'
import { StartError } from '../config/start-error.ts'
import { migrationsFolder } from '../paths.ts'
import { log } from '../telemetry/log.ts'
import { drizzleOn } from './drizzle.ts'
import { isBusy } from './libsql-statement.ts'

/** The list of migrations, in order. `when` is ms UTC, `tag` the name of the SQL file. */
export function readJournal(): { when: number; tag: string }[] {
  const journal = JSON.parse(readFileSync(`${migrationsFolder}/meta/_journal.json`, 'utf8')) as {
    entries: { when: number; tag: string }[]
  }
  return journal.entries
}

/**
 * Applies the missing migrations, through the client `patient`. Throws a StartError when a newer version of Tracewren has
 * migrated the database.
 */
export async function migrate(client: Client, patient = client): Promise<void> {
  await refuseUnfinishedMove(client)
  const newest = Math.max(...readJournal().map(({ when }) => when))
  const applied = await lastApplied(client)
  if (applied > newest) {
    throw new StartError(
      'The database was made by a newer Tracewren than this one. Start the newer one, or restore an older backup.',
    )
  }
  if (applied < newest) await applyOnce(patient, newest)
}

/** While this table is there, `npm run db:move` has not finished: rows, indexes and triggers are missing. */
export const unfinishedMove = 'unfinished_move'

async function refuseUnfinishedMove(client: Client): Promise<void> {
  const { rows } = await client.execute(
    `SELECT 1 FROM sqlite_master WHERE name = '${unfinishedMove}'`,
  )
  if (rows.length > 0)
    throw new StartError(
      'A move into this database has not been finished. Run npm run db:move again; it begins anew.',
    )
}

/** How often a migration is tried that another process makes at the same time, on a server. */
const triesMax = 5
const againMs = 200
/** How long it is waited for another process that holds the lock of the database, perhaps for a long migration. */
const lockedMs = 600_000

/** Of several processes that start at once on a server, one migrates; the others fail whole, wait, and find it done. */
async function applyOnce(client: Client, newest: number): Promise<void> {
  const until = performance.now() + lockedMs
  for (let tries = 1; ; tries++) {
    try {
      return await applyMigrations(drizzleOn(client), { migrationsFolder })
    } catch (error) {
      const isLocked = isBusy(behindQuery(error))
      if (tries === 1 && isLocked) log.info('waiting for another process that writes the database')
      await pause(againMs)
      if ((await lastApplied(client)) >= newest)
        return log.info('another process has migrated the database')
      if (isLocked ? performance.now() > until : tries >= triesMax) throw error
    }
  }
}

/** The name of the first migration that the database lacks; undefined when it has all, or none because it is empty. */
export async function nextMigration(client: Client): Promise<string | undefined> {
  const applied = await lastApplied(client)
  return applied === 0 ? undefined : readJournal().find(({ when }) => when > applied)?.tag
}

/** The time of the newest migration that was applied (`when` of the list); 0 for none. */
export async function lastApplied(client: Client): Promise<number> {
  const table = await client.execute(
    "SELECT 1 FROM sqlite_master WHERE name = '__drizzle_migrations'",
  )
  if (table.rows.length === 0) return 0
  const last = await client.execute('SELECT max(created_at) FROM __drizzle_migrations')
  return Number(last.rows[0]?.[0] ?? 0)
}

/** Has this database never had a user? Call it after `migrate`. */
export async function isNew(client: Client): Promise<boolean> {
  const ever = await client.execute("SELECT 1 FROM sqlite_sequence WHERE name = 'users'")
  return ever.rows.length === 0
}

/** Which search indexes and lists of tags have all rows, as far as this process knows (search-build.ts, tag-build.ts). */
export type WholeIndexes = { tweets_search: boolean; people_search: boolean; tag_uses: boolean }

/** Reads which search indexes are whole in the migrated database. */
export async function readWholeIndexes(client: Client): Promise<WholeIndexes> {
  const { rows } = await client.execute('SELECT name FROM search_builds WHERE indexed_from = 0')
  const names = new Set(rows.map((row) => row[0]))
  return {
    tweets_search: names.has('tweets_search'),
    people_search: names.has('people_search'),
    tag_uses: names.has('tag_uses'),
  }
}

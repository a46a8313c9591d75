// How long sessions live, and which have ended: for what outlives a request, as an open stream does.
import { sql } from 'drizzle-orm'

import type { Db } from '../db/db.ts'
import { sessions, users } from '../db/schema/index.ts'

const day = 86_400_000
export const idleMs = 30 * day
export const absoluteMs = 90 * day

/** How often this process has ended sessions. Count here whatever ends some: open streams look at it. */
export const sessionsEnded = { count: 0 }

/** Those of these sessions, by the hashes of their tokens, that have ended or expired, or whose user is suspended. */
export async function endedSessions(db: Db, tokenHashes: string[]): Promise<Set<string>> {
  const now = Date.now()
  const rows = await db.values<[string]>(sql`
    select value from json_each(${JSON.stringify(tokenHashes)}) where not exists (
      select 1 from ${sessions} join ${users} on ${users.id} = user_id where token_hash = value
      and seen_at > ${now - idleMs} and ${sessions.createdAt} > ${now - absoluteMs} and suspended_at is null)`)
  return new Set(rows.map((row) => row[0]))
}

// Limits of sign-ins and sign-ups that all processes on one libSQL server count together, in its database.
import { hash } from 'node:crypto'

import { eq, gt, lte, or, sql } from 'drizzle-orm'

import type { Rate, RateName } from '../config/env.ts'
import type { Db } from '../db/db.ts'
import { attempts } from '../db/schema/index.ts'

/** The limits that count together: their requests hash a password, or write, anyway. */
export const sharedLimits: ReadonlySet<RateName> = new Set([
  'LIMIT_LOGIN_CLIENT',
  'LIMIT_LOGIN_ACCOUNT',
  'LIMIT_REGISTER',
  'LIMIT_REGISTER_ATTEMPT',
  'LIMIT_REGISTER_PROBE',
])

/** Addresses of people and machines are not stored. */
const keyOf = (name: RateName, key: string): string => hash('sha256', `${name} ${key}`)

const { count, endsAt } = attempts

/**
 * Counts one action of a key, in one statement. Returns the ms until the count starts again, and whether the action is
 * `refused` (which takes a second one).
 */
export async function countShared(
  db: Db,
  { name, key, rate }: { name: RateName; key: string; rate: Rate },
): Promise<{ refused: boolean; msBeforeNext: number }> {
  const known = keyOf(name, key)
  const now = Date.now()
  const end = now + rate.seconds * 1000
  // Also over when it lies too far ahead: the clock of a process was wrong.
  const isOver = sql`(${endsAt} <= ${now} or ${endsAt} > ${end})`
  const [row] = await db
    .insert(attempts)
    .values({ key: known, count: 1, endsAt: end })
    .onConflictDoUpdate({
      target: attempts.key,
      set: {
        count: sql`iif(${isOver}, 1, ${count} + 1)`,
        endsAt: sql`iif(${isOver}, ${end}, ${endsAt})`,
      },
      // What is refused does not count, or what is given back would not allow anything.
      setWhere: sql`${isOver} or ${count} < ${rate.count}`,
    })
    .returning({ endsAt })
  if (row) return { refused: false, msBeforeNext: row.endsAt - now }
  const full = await db.select({ endsAt }).from(attempts).where(eq(attempts.key, known)).get()
  return { refused: true, msBeforeNext: (full?.endsAt ?? now) - now }
}

/** Undoes one count that was not refused. */
export const uncountShared = (db: Db, name: RateName, key: string) =>
  db
    .update(attempts)
    .set({ count: sql`${count} - 1` })
    .where(sql`${attempts.key} = ${keyOf(name, key)} and ${count} > 0`)

/** The most counts that are kept: who tries many accounts or has many addresses must not fill the database. */
const countsMax = 100_000

/** Deletes the counts that are over at `now` (ms UTC), those of a clock that was a day ahead, and those beyond `most`. */
export async function forgetAttempts(db: Db, now: number, most = countsMax): Promise<void> {
  const beyond = sql`${attempts.key} in
    (select key from ${attempts} order by ${endsAt} desc limit -1 offset ${most})`
  await db.delete(attempts).where(or(lte(endsAt, now), gt(endsAt, now + 86_400_000), beyond))
}

const sweepEveryMs = 60_000
let sweptAt = performance.now()

/** Is it a minute ago that this process has called `forgetAttempts`? Then it is to do so now. */
export function isSweepDue(): boolean {
  const at = performance.now()
  if (at < sweptAt + sweepEveryMs) return false
  sweptAt = at
  return true
}

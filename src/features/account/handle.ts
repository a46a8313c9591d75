// Another handle for one's own account: once a month, and the one before leads on for ever.
import { and, eq, gt, lte, max, notExists, sql } from 'drizzle-orm'

import { fullTime } from '../../base/format.ts'
import { isConstraint, type Db } from '../../db/db.ts'
import { formerHandles, users } from '../../db/schema/index.ts'

const day = 86_400_000
const waitMs = 30 * day

/** Changes that count now. One from the future was made while a clock was ahead, and must lock nobody out. */
const recent = (userId: number, now: number) =>
  and(
    eq(formerHandles.userId, userId),
    gt(formerHandles.changedAt, now - waitMs),
    lte(formerHandles.changedAt, now + day),
  )

/** From when on this account may change its handle; undefined when it may now. */
export async function mayRenameAt(db: Db, userId: number): Promise<number | undefined> {
  const row = await db
    .select({ last: max(formerHandles.changedAt) })
    .from(formerHandles)
    .where(recent(userId, Date.now()))
    .get()
  return row?.last ? row.last + waitMs : undefined
}

/** Gives an account another handle: one conditional write. Says why not, when it cannot. */
async function rename(
  db: Db,
  userId: number,
  handle: string,
): Promise<'taken' | 'too soon' | undefined> {
  const changes = db
    .select({ one: sql`1` })
    .from(formerHandles)
    .where(recent(userId, Date.now()))
  try {
    const changed = await db
      .update(users)
      .set({ handle })
      .where(and(eq(users.id, userId), notExists(changes)))
      .returning({ id: users.id })
    return changed.length > 0 ? undefined : 'too soon'
  } catch (error) {
    if (isConstraint(error, 'UNIQUE: users.handle')) return 'taken'
    throw error
  }
}

/** Renames; gives the sentence of why not, when it could not be done. */
export async function whyNotRenamed(
  db: Db,
  userId: number,
  handle: string,
): Promise<string | undefined> {
  const problem = await rename(db, userId, handle)
  if (problem === 'taken') return 'Somebody has this handle, or has had it.'
  if (problem === undefined) return undefined
  const when = await mayRenameAt(db, userId)
  return `A handle changes once a month. You can change yours again from ${fullTime(when ?? Date.now())}.`
}

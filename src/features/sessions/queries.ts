import { and, desc, eq, inArray, sql } from 'drizzle-orm'

import { normalAddress } from '../../base/mail-address.ts'
import { Refusal } from '../../base/refusal.ts'
import { isConstraint, prepared, type Db } from '../../db/db.ts'
import { handleOf, numbered } from '../../db/handles.ts'
import { users } from '../../db/schema.ts'

export type User = { id: number; passwordHash: string; demo: boolean; suspendedAt: number | null }

const userQuery = prepared((db: Db) =>
  db
    .select({
      id: users.id,
      passwordHash: users.passwordHash,
      demo: users.demo,
      suspendedAt: users.suspendedAt,
    })
    .from(users)
    .where(inArray(users.mailaddress, [sql.placeholder('spelled'), sql.placeholder('normal')]))
    .orderBy(desc(eq(users.mailaddress, sql.placeholder('spelled'))))
    .limit(1)
    .prepare(),
)

/** Who has this address: in the very spelling, which two accounts of old may differ in, else in the normal one. */
export const findUser = (db: Db, spelled: string): Promise<User | undefined> =>
  userQuery(db).get({ spelled, normal: normalAddress(spelled) })

/** Stores a password anew that was hashed as it was typed; not if it has been changed meanwhile. */
export async function renewPassword(db: Db, user: User, passwordHash: string): Promise<void> {
  await db
    .update(users)
    .set({ passwordHash })
    .where(and(eq(users.id, user.id), eq(users.passwordHash, user.passwordHash)))
}

/**
 * Writes a new user under the first handle that the name suggests and nobody has or has had; undefined when the address
 * is taken.
 */
export async function createUser(
  db: Db,
  given: { name: string; mailaddress: string; passwordHash: string },
): Promise<number | undefined> {
  const base = handleOf(given.name)
  // The name suggests none: u<id>, with the id that this very row gets.
  const own = (suffix: string) =>
    sql`(select 'u' || (coalesce(max(seq), 0) + 1) || ${suffix} from sqlite_sequence where name = 'users')`
  for (let attempt = 1; attempt <= 8; attempt++) {
    const suffix = attempt === 2 ? 2 : Math.floor(Math.random() * 10 ** attempt)
    const handle =
      base === undefined
        ? own(attempt === 1 ? '' : `_${suffix}`)
        : attempt === 1
          ? base
          : numbered(base, suffix)
    try {
      const [row] = await db
        .insert(users)
        .values({ ...given, handle, createdAt: Date.now() })
        .returning({ id: users.id })
      return row!.id
    } catch (error) {
      if (isConstraint(error, 'UNIQUE: users.mailaddress')) return undefined
      if (!isConstraint(error, 'UNIQUE: users.handle')) throw error
    }
  }
  throw new Refusal(503, 'No free handle was found for this name. Try again.', {
    code: 'no_handle',
  })
}

import { eq, sql } from 'drizzle-orm'

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
    .where(eq(users.mailaddress, sql.placeholder('mailaddress')))
    .prepare(),
)

export const findUser = (db: Db, mailaddress: string): Promise<User | undefined> =>
  userQuery(db).get({ mailaddress })

/**
 * Inserts a user and returns the id; undefined if the email address is taken. The handle is derived from the name, with
 * a number if somebody has or had it.
 */
export async function createUser(
  db: Db,
  given: { name: string; mailaddress: string; passwordHash: string },
): Promise<number | undefined> {
  const base = handleOf(given.name)
  // If no handle can be derived from the name: u<id>, with the id of the new row.
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

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

import { and, count, desc, eq, inArray, ne, sql, type SQL } from 'drizzle-orm'

import { normalAddress } from '../../base/mail-address.ts'
import { Refusal } from '../../base/refusal.ts'
import { isConstraint, prepared, type Db } from '../../db/db.ts'
import { handleOf, numbered } from '../../db/handles.ts'
import { sessions, users } from '../../db/schema/index.ts'
import { useInvitation, whereUnused } from '../../http/invitations.ts'

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

/** What another account has already. */
export type Taken = 'mailaddress' | 'handle' | 'invitation'

type Row = { name: string; mailaddress: string; passwordHash: string; operator?: true }
type Wishes = { handle?: string | undefined; invitation?: string | undefined }

/**
 * Writes a new user and gives the id, or what is taken: under the handle that they want, or else the first one that the
 * name suggests and nobody has or has had. An invitation (its token hash) is used up.
 */
export async function createUser(
  db: Db,
  { handle: wanted, invitation, ...row }: Row & Wishes,
): Promise<number | Taken> {
  const base = wanted || handleOf(row.name)
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
      return (await insertUser(db, { ...row, handle }, invitation)) ?? 'invitation'
    } catch (error) {
      if (isConstraint(error, 'UNIQUE: users.mailaddress')) return 'mailaddress'
      if (!isConstraint(error, 'UNIQUE: users.handle')) throw error
      if (wanted) return 'handle'
    }
  }
  throw new Refusal(503, 'No free handle was found for this name. Try again.', {
    code: 'no_handle',
  })
}

/** Writes one row and gives its id; undefined when the invitation has been used in the meantime. */
async function insertUser(
  db: Db,
  { handle, ...row }: Row & { handle: string | SQL },
  invitation: string | undefined,
): Promise<number | undefined> {
  const createdAt = Date.now()
  if (invitation === undefined) {
    const made = await db
      .insert(users)
      .values({ ...row, handle, createdAt })
      .returning({ id: users.id })
    return made[0]!.id
  }
  // One transaction with two conditional writes: of two people with one link, the second finds both conditions false.
  const [made] = await db.batch([
    db.all<{
      id: number
    }>(sql`insert into users (name, handle, mailaddress, password_hash, created_at)
      select ${row.name}, ${handle}, ${row.mailaddress}, ${row.passwordHash}, ${createdAt}
      where ${whereUnused(invitation)} returning id`),
    useInvitation(db, invitation, row.mailaddress),
  ])
  return made[0]?.id
}

/** How many sessions a user has beside the one with this token hash. */
export async function otherSessions(db: Db, userId: number, tokenHash: string): Promise<number> {
  const mine = and(eq(sessions.userId, userId), ne(sessions.tokenHash, tokenHash))
  return (await db.select({ count: count() }).from(sessions).where(mine).get())?.count ?? 0
}

// Links that let one person sign up: the way in where registration is closed.
import { hash, randomBytes } from 'node:crypto'

import { and, eq, isNull, lte, sql, type SQL } from 'drizzle-orm'

import { prepared, type Db } from '../db/db.ts'
import { invitations, users } from '../db/schema/index.ts'

const validMs = 7 * 86_400_000

const hashOf = (token: string) => hash('sha256', token)

/** Makes an invitation and gives the path of its link. Those that nobody has used in time are deleted. */
export async function createInvitation(db: Db): Promise<string> {
  const token = randomBytes(32).toString('base64url')
  const now = Date.now()
  await db.batch([
    db.insert(invitations).values({ tokenHash: hashOf(token), createdAt: now }),
    db
      .delete(invitations)
      .where(and(isNull(invitations.usedBy), lte(invitations.createdAt, now - validMs))),
  ])
  return `/register?invitation=${token}`
}

const invitationQuery = prepared((db: Db) =>
  db
    .select({ createdAt: invitations.createdAt, usedBy: invitations.usedBy, of: users.mailaddress })
    .from(invitations)
    .leftJoin(users, eq(users.id, invitations.usedBy))
    .where(eq(invitations.tokenHash, sql.placeholder('tokenHash')))
    .prepare(),
)

/**
 * The hash of this token when it lets the owner of an address sign up: nobody has used it yet, or the account with this
 * very address was made with it, and its form has come a second time.
 */
export async function findInvitation(
  db: Db,
  token: string,
  mailaddress?: string,
): Promise<string | undefined> {
  if (!/^[\w-]{43}$/.test(token)) return undefined
  const tokenHash = hashOf(token)
  const row = await invitationQuery(db).get({ tokenHash })
  const isOpen = row?.usedBy === null && row.createdAt > Date.now() - validMs
  return isOpen || (row?.of && row.of === mailaddress) ? tokenHash : undefined
}

/** The condition that an invitation may still be used; for the very statement that depends on it. */
const isUnused = (tokenHash: string): SQL =>
  sql`token_hash = ${tokenHash} and used_by is null and created_at > ${Date.now() - validMs}`

/** The same as a condition of another table's statement. */
export const whereUnused = (tokenHash: string): SQL =>
  sql`exists (select 1 from invitations where ${isUnused(tokenHash)})`

/** The statement that uses an invitation up, for the batch that makes the account with this address. */
export const useInvitation = (db: Db, tokenHash: string, mailaddress: string) =>
  db.run(sql`update invitations set used_by = (select id from users where mailaddress = ${mailaddress})
    where ${isUnused(tokenHash)}`)

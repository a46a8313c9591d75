// The person whose page is read.
import { and, eq, ne, sql } from 'drizzle-orm'

import { prepared, type Db } from '../../db/db.ts'
import { formerHandles, users } from '../../db/schema/index.ts'
import { followColumns } from '../follows/queries.ts'

const profile = (db: Db) =>
  db
    .select({
      id: users.id,
      name: users.name,
      handle: users.handle,
      bio: users.bio,
      createdAt: users.createdAt,
      suspendedAt: users.suspendedAt,
      tweetCount: users.tweetCount,
      followingCount: users.followingCount,
      favoriteCount: users.favoriteCount,
      ...followColumns,
    })
    .from(users)

export const byHandle = prepared((db: Db) =>
  profile(db)
    .where(eq(users.handle, sql.placeholder('handle')))
    .prepare(),
)
export const byId = prepared((db: Db) =>
  profile(db)
    // Without those who are hidden (db/deletions.ts).
    .where(and(eq(users.id, sql.placeholder('id')), ne(users.name, '')))
    .prepare(),
)

export type Profile = NonNullable<Awaited<ReturnType<ReturnType<typeof byId>['get']>>>

/** The handle that the account has now which had this one before. */
export const leadsTo = async (db: Db, former: string): Promise<string | undefined> =>
  (
    await db
      .select({ handle: users.handle })
      .from(formerHandles)
      .innerJoin(users, eq(users.id, formerHandles.userId))
      .where(eq(formerHandles.handle, former))
      .get()
  )?.handle

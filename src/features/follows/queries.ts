import { and, asc, desc, eq, gte, lt, ne, sql } from 'drizzle-orm'
import { alias } from 'drizzle-orm/sqlite-core'

import { prepared, type Db } from '../../db.ts'
import { readFeed, type Slice } from '../../feed.tsx'
import { follows, users } from '../../schema.ts'

/** What everything that shows a person selects about follows; bind `viewer` (0 for a visitor). */
export const followColumns = {
  followerCount: users.followerCount,
  // Names in full: see likeColumns.
  following: sql<boolean>`exists (select 1 from follows mine
    where mine.follower_id = ${sql.placeholder('viewer')} and mine.followed_id = users.id)`.mapWith(
    Boolean,
  ),
}

const personColumns = {
  id: users.id,
  name: users.name,
  handle: users.handle,
  bio: users.bio,
  ...followColumns,
}

export type FollowState = { id: number; name: string; followerCount: number; following: boolean }
export type Person = FollowState & { handle: string; bio: string }

const stateQuery = prepared((db: Db) =>
  db
    .select({ id: users.id, name: users.name, ...followColumns })
    .from(users)
    .where(eq(users.id, sql.placeholder('id')))
    .prepare(),
)

export const followState = (db: Db, viewer: number, id: number) =>
  stateQuery(db).get({ viewer, id })

export async function follow(db: Db, followerId: number, followedId: number): Promise<void> {
  await db
    .insert(follows)
    .values({ followerId, followedId, createdAt: Date.now() })
    .onConflictDoNothing()
}

export async function unfollow(db: Db, followerId: number, followedId: number): Promise<void> {
  await db
    .delete(follows)
    .where(and(eq(follows.followerId, followerId), eq(follows.followedId, followedId)))
}

const mostFollowedQuery = prepared((db: Db) =>
  db
    .select(personColumns)
    .from(users)
    .where(ne(users.id, sql.placeholder('viewer')))
    .orderBy(desc(users.followerCount))
    .limit(5)
    .prepare(),
)

/** The five most followed people: for somebody who follows nobody. */
export const mostFollowed = (db: Db, viewer: number) => mostFollowedQuery(db).all({ viewer })

export type Side = 'followers' | 'following'

const list = alias(follows, 'list')

/** The people on one side of somebody's follows, newest follow first; its id is the cursor. */
const people = (side: Side, order: 'asc' | 'desc') => {
  const [mine, theirs] =
    side === 'followers' ? [list.followedId, list.followerId] : [list.followerId, list.followedId]
  return prepared((db: Db) =>
    db
      .select({ ...personColumns, cursor: list.id })
      .from(list)
      .innerJoin(users, eq(users.id, theirs))
      .where(
        and(
          eq(mine, sql.placeholder('user')),
          order === 'asc'
            ? gte(list.id, sql.placeholder('cursor'))
            : lt(list.id, sql.placeholder('cursor')),
        ),
      )
      .orderBy(order === 'asc' ? asc(list.id) : desc(list.id))
      .limit(sql.placeholder('limit'))
      .prepare(),
  )
}

const sides = {
  followers: { older: people('followers', 'desc'), upTo: people('followers', 'asc') },
  following: { older: people('following', 'desc'), upTo: people('following', 'asc') },
}

/** A slice of somebody's followers, or of the people that somebody follows. */
export const readPeople = (
  db: Db,
  side: Side,
  { user, viewer, slice }: { user: number; viewer: number; slice: Slice },
) =>
  readFeed(slice, {
    older: (bounds) => sides[side].older(db).all({ user, viewer, ...bounds }),
    upTo: (bounds) => sides[side].upTo(db).all({ user, viewer, ...bounds }),
  })

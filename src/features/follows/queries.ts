import { and, asc, desc, eq, gte, isNull, lt, ne, sql, type SQL } from 'drizzle-orm'
import { alias } from 'drizzle-orm/sqlite-core'

import { prepared, type Db } from '../../db/db.ts'
import { notHidden, shownName } from '../../db/hidden.ts'
import { listedUser } from '../../db/listed-user.ts'
import { follows, users } from '../../db/schema/index.ts'
import type { Reader } from '../../http/sessions.ts'

const me = sql.placeholder('viewer')

/** The columns about follows that each query of people selects; bind `viewer` (0 for a visitor without an account). */
export const followColumns = {
  followerCount: users.followerCount,
  // Qualified names: see likeColumns.
  following: sql<boolean>`exists (select 1 from follows mine
    where mine.follower_id = ${me} and mine.followed_id = users.id)`.mapWith(Boolean),
  followsViewer: sql<boolean>`exists (select 1 from follows mine
    where mine.follower_id = users.id and mine.followed_id = ${me})`.mapWith(Boolean),
}

/** What a list of people shows; bind `viewer`. */
export const personColumns = {
  id: users.id,
  name: shownName,
  handle: users.handle,
  bio: users.bio,
  ...followColumns,
}

const stateQuery = prepared((db: Db) =>
  db
    .select({
      id: users.id,
      name: users.name,
      handle: users.handle,
      ...followColumns,
      /** How many the viewer follows now. */
      viewerFollows: sql<number>`(select mine.following_count from users mine where mine.id = ${me})`,
    })
    .from(users)
    .where(and(eq(users.id, sql.placeholder('id')), ne(users.name, '')))
    .prepare(),
)

export const followState = (db: Db, viewer: number, id: number) =>
  stateQuery(db).get({ viewer, id })

export type FollowState = NonNullable<Awaited<ReturnType<typeof followState>>>

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

const mostFollowedQuery = (isSeen?: SQL) =>
  prepared((db: Db) =>
    db
      .select(personColumns)
      .from(users)
      .where(and(ne(users.id, me), isNull(users.suspendedAt), isSeen))
      .orderBy(desc(users.followerCount))
      .limit(5)
      .prepare(),
  )
const mostFollowedOfAll = mostFollowedQuery()
const mostFollowedSeen = mostFollowedQuery(notHidden)

/** The five most followed people: suggestions for somebody who follows nobody. */
export const mostFollowed = (db: Db, { viewer, hiding }: Reader) =>
  (hiding ? mostFollowedSeen : mostFollowedOfAll)(db).all({ viewer })

export type Person = Awaited<ReturnType<typeof mostFollowed>>[number]

export type Side = 'followers' | 'following'

const list = alias(follows, 'list')

/** The followers or the followed people of a user, newest follow first; the id of the follow is the cursor. */
const people = (side: Side, isSeen?: SQL) => {
  const [mine, theirs] =
    side === 'followers' ? [list.followedId, list.followerId] : [list.followerId, list.followedId]
  const at = sql.placeholder('cursor')
  return prepared((db: Db) => {
    const query = (isListed: SQL, order: SQL) =>
      db
        .select({ ...personColumns, cursor: list.id })
        .from(list)
        .innerJoin(users, eq(users.id, theirs))
        .where(and(eq(mine, listedUser), isListed, isSeen))
        .orderBy(order)
        .limit(sql.placeholder('limit'))
        .prepare()
    return {
      older: query(lt(list.id, at), desc(list.id)),
      upTo: query(gte(list.id, at), asc(list.id)),
    }
  })
}

/** The queries for the followers of a user and the people that a user follows; bind `user`, `handle` and `viewer`. */
export const sides = { followers: people('followers'), following: people('following') }
/** The same without people whom the viewer hides. */
export const sidesSeen = {
  followers: people('followers', notHidden),
  following: people('following', notHidden),
}

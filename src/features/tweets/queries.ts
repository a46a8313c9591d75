import { and, desc, eq, gte, lt, sql, type SQL } from 'drizzle-orm'

import { prepared, type Db } from '../../db.ts'
import { measured } from '../../metrics.ts'
import { tweets, users } from '../../schema.ts'
import { likeColumns } from '../favorites.tsx'

/** What a card shows; bind `viewer` (0 for a visitor). */
const cardColumns = {
  id: tweets.id,
  msg: tweets.msg,
  createdAt: tweets.createdAt,
  userId: tweets.userId,
  name: users.name,
  handle: users.handle,
  ...likeColumns,
}

/**
 * The cards that `ids` names (a SELECT of `id` and `cursor`). The ids stand in a subquery of their own and the joins
 * outside: in one SELECT the planner starts from the users and takes 400 times as long (docs/decisions.md).
 */
export function cardsOf(db: Db, ids: SQL, order: 'asc' | 'desc') {
  const query = db
    .select({ cursor: sql<number>`ids.cursor`.as('at'), ...cardColumns })
    .from(sql`(${ids}) ids`)
    .innerJoin(tweets, sql`${tweets.id} = ids.id`)
    .innerJoin(users, eq(users.id, tweets.userId))
    .orderBy(order === 'asc' ? sql`ids.cursor` : sql`ids.cursor desc`)
    .prepare()
  const all = async (bound: Record<string, number | string>) =>
    ((await query.values(bound)) as Values[]).map(toCard)
  return { all, get: async (bound: Record<string, number | string>) => (await all(bound))[0] }
}

type Values = [number, number, string, number, number, string, string, number, number]

/** The columns above, in their order: drizzle's own mapping takes ten times as long, on every page. */
const toCard = (row: Values) => ({
  cursor: row[0],
  id: row[1],
  msg: row[2],
  createdAt: row[3],
  userId: row[4],
  name: row[5],
  handle: row[6],
  likeCount: row[7],
  liked: row[8] === 1,
})

export type Card = ReturnType<typeof toCard>

/** Somebody's tweets, for the two ways to read a list; bind `user`, `cursor`, `limit` and `viewer`. */
const ids = (db: Db, order: 'asc' | 'desc') =>
  db
    .select({ id: sql`${tweets.id}`.as('id'), cursor: sql`${tweets.id}`.as('cursor') })
    .from(tweets)
    .where(
      and(
        eq(tweets.userId, sql.placeholder('user')),
        order === 'asc'
          ? gte(tweets.id, sql.placeholder('cursor'))
          : lt(tweets.id, sql.placeholder('cursor')),
      ),
    )
    .orderBy(order === 'asc' ? tweets.id : desc(tweets.id))
    .limit(sql.placeholder('limit'))
    .getSQL()

export const tweetsOfUser = {
  older: prepared((db: Db) => cardsOf(db, ids(db, 'desc'), 'desc')),
  upTo: prepared((db: Db) => cardsOf(db, ids(db, 'asc'), 'asc')),
}

const oneTweet = prepared((db: Db) => {
  const one = sql`select ${sql.placeholder('id')} as id, ${sql.placeholder('id')} as cursor`
  return cardsOf(db, one, 'desc')
})

export const findTweet = (db: Db, viewer: number, id: number) => oneTweet(db).get({ viewer, id })

/** Writes a tweet and gives its id. With a key that this author has used before, it gives that tweet's id. */
export async function createTweet(
  db: Db,
  userId: number,
  msg: string,
  key?: string,
): Promise<number> {
  const [row] = await db
    .insert(tweets)
    .values({ userId, msg, key: key ?? null, createdAt: Date.now() })
    .onConflictDoUpdate({
      target: [tweets.userId, tweets.key],
      targetWhere: sql`key is not null`,
      set: { key: sql`excluded.key` },
    })
    .returning({ id: tweets.id })
  measured().tweets.add(1)
  return row!.id
}

/** Deletes a tweet of this author, or anybody's for an operator; false when there is none. */
export async function deleteTweet(
  db: Db,
  author: { id: number; operator: boolean },
  id: number,
): Promise<boolean> {
  const mayDelete = author.operator
    ? eq(tweets.id, id)
    : and(eq(tweets.id, id), eq(tweets.userId, author.id))
  const gone = await db.delete(tweets).where(mayDelete).returning({ id: tweets.id })
  return gone.length > 0
}

// What people report, and what operators read of it.
import { and, asc, desc, eq, gte, isNull, lt, sql, type SQL } from 'drizzle-orm'
import { alias } from 'drizzle-orm/sqlite-core'

import { prepared, type Db } from '../../db/db.ts'
import { originalOf } from '../../db/originals.ts'
import { reports, tweets, users } from '../../db/schema/index.ts'

/** Who wrote a tweet that can be reported; of a retweet, its original. */
export async function authorOf(
  db: Db,
  id: number,
): Promise<{ id: number; userId: number } | undefined> {
  return db
    .select({ id: tweets.id, userId: tweets.userId })
    .from(tweets)
    .where(eq(tweets.id, originalOf(id)))
    .get()
}

/** One of a person about a tweet: a second one changes nothing. */
export async function report(
  db: Db,
  { tweetId, userId, reason }: { tweetId: number; userId: number; reason: string },
): Promise<void> {
  await db
    .insert(reports)
    .values({ tweetId, userId, reason, createdAt: Date.now() })
    .onConflictDoNothing()
}

const reporter = alias(users, 'reporter')

/** The two queries for `readFeed`: reports that nobody has dismissed, newest first. */
export const openReports = prepared((db: Db) => {
  const at = sql.placeholder('cursor')
  const list = (isListed: SQL, order: SQL) =>
    db
      .select({
        cursor: reports.id,
        reason: reports.reason,
        createdAt: reports.createdAt,
        tweetId: reports.tweetId,
        msg: tweets.msg,
        authorId: users.id,
        name: users.name,
        handle: users.handle,
        suspendedAt: users.suspendedAt,
        reporterName: reporter.name,
        reporterHandle: reporter.handle,
      })
      .from(reports)
      .innerJoin(tweets, eq(tweets.id, reports.tweetId))
      .innerJoin(users, eq(users.id, tweets.userId))
      .innerJoin(reporter, eq(reporter.id, reports.userId))
      // As the partial index has it.
      .where(and(isNull(reports.dismissedAt), isListed))
      .orderBy(order)
      .limit(sql.placeholder('limit'))
      .prepare()
  return {
    older: list(lt(reports.id, at), desc(reports.id)),
    upTo: list(gte(reports.id, at), asc(reports.id)),
  }
})

export type Report = Awaited<ReturnType<ReturnType<typeof openReports>['older']['all']>>[number]

/** Returns false if there is no such report; a second time changes nothing. */
export async function dismiss(db: Db, id: number): Promise<boolean> {
  const found = await db
    .update(reports)
    .set({ dismissedAt: sql`coalesce(${reports.dismissedAt}, ${Date.now()})` })
    .where(eq(reports.id, id))
    .returning({ id: reports.id })
  return found.length > 0
}

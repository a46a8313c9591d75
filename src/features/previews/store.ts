// Previews in the database: by address, and the copy that a tweet shows.
import { and, eq, lt, or, gt, sql } from 'drizzle-orm'

import type { Db } from '../../db/db.ts'
import { originalOf } from '../../db/originals.ts'
import { linkPreviews, tweetPreviews, tweets } from '../../db/schema/index.ts'
import type { Words } from './text.ts'

const hour = 3_600_000
const week = 7 * 24 * hour
/** So many addresses are remembered. */
const rowsMax = 10_000

/** What is remembered of an address: its words, or that there were none. Undefined if it has to be read (again). */
export async function remembered(
  db: Db,
  url: string,
  now: number,
): Promise<{ words: Words | undefined } | undefined> {
  const [row] = await db.select().from(linkPreviews).where(eq(linkPreviews.url, url))
  if (row === undefined) return undefined
  const { title, description, fetchedAt } = row
  const age = now - fetchedAt
  // Below 0, the clock was wrong then, or is now.
  if (age < 0 || age > (title === null ? hour : week)) return undefined
  return { words: title === null ? undefined : { title, description } }
}

type Found = {
  /** The address that was read. */
  key: string
  words: Words | undefined
  now: number
}

/** Remembers what an address has, and forgets the oldest beyond the bound: one write. */
export async function remember(db: Db, { key, words, now }: Found): Promise<void> {
  const values = {
    title: words?.title ?? null,
    description: words?.description ?? '',
    fetchedAt: now,
  }
  await db.batch([
    db
      .insert(linkPreviews)
      .values({ url: key, ...values })
      .onConflictDoUpdate({ target: linkPreviews.url, set: values }),
    db.delete(linkPreviews).where(
      sql`rowid in (select rowid from link_previews order by fetched_at desc, rowid desc
        limit -1 offset ${rowsMax})`,
    ),
  ])
}

/** Shows words under a tweet, if it is still there. */
export async function showUnder(db: Db, tweetId: number, shown: Words & { url: string }) {
  await db.run(sql`insert into ${tweetPreviews} (tweet_id, url, title, description)
    select id, ${shown.url}, ${shown.title}, ${shown.description} from ${tweets} where id = ${tweetId}
    on conflict do nothing`)
}

/** Forgets what is too old to be used again. Previews under tweets stay. */
export async function forgetOldPreviews(db: Db, now: number): Promise<void> {
  const { title, fetchedAt } = linkPreviews
  await db
    .delete(linkPreviews)
    .where(
      or(
        lt(fetchedAt, now - week),
        gt(fetchedAt, now + hour),
        and(sql`${title} is null`, lt(fetchedAt, now - hour)),
      ),
    )
}

/** Whose the tweet is; undefined if it is gone. A retweet stands for its original. */
export async function authorOf(db: Db, tweetId: number): Promise<number | undefined> {
  const [tweet] = await db
    .select({ author: tweets.userId })
    .from(tweets)
    .where(eq(tweets.id, originalOf(tweetId)))
  return tweet?.author
}

/** Takes the preview of a tweet away, for good. */
export async function removePreview(db: Db, tweetId: number): Promise<void> {
  await db.delete(tweetPreviews).where(eq(tweetPreviews.tweetId, originalOf(tweetId)))
}

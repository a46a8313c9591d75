// Bookmark and take it back: the column that each query of tweets selects, the button, the two actions. Bookmarks are
// private: there is no count of them.
import { and, eq, sql } from 'drizzle-orm'

import type { Db } from '../db/db.ts'
import { originalOf } from '../db/originals.ts'
import { bookmarks, tweets } from '../db/schema/index.ts'
import { action } from '../http/action.ts'
import { router } from '../http/context.ts'
import { traced } from '../http/request-span.ts'
import { PressButton } from '../ui/press-button.tsx'
import { pressing, stateOf, type StateIn } from './pressing.tsx'

/** The column about bookmarks that each list of tweets selects; bind `viewer` (0 for a visitor without an account). */
export const bookmarkColumns = {
  // Qualified names: see likeColumns. Most tweets on a page are newer than all that one keeps: one lookup for all of them.
  bookmarked: sql<boolean>`iif(tweets.id <= (select max(mine.tweet_id) from bookmarks mine
    where mine.user_id = ${sql.placeholder('viewer')}), exists (select 1 from bookmarks mine
    where mine.user_id = ${sql.placeholder('viewer')} and mine.tweet_id = tweets.id), 0)`.mapWith(
    Boolean,
  ),
}

const stateQuery = stateOf(bookmarkColumns)
type BookmarkState = StateIn<typeof stateQuery>

/** One statement: a tweet that is gone is no row to keep, and a retweet stands for its original. */
async function bookmark(db: Db, userId: number, tweetId: number): Promise<void> {
  await db.run(sql`
    insert into bookmarks (user_id, tweet_id, created_at)
    select ${userId}, id, ${Date.now()} from ${tweets} where id = ${originalOf(tweetId)}
    on conflict do nothing`)
}

async function unbookmark(db: Db, userId: number, tweetId: number): Promise<void> {
  await db
    .delete(bookmarks)
    .where(and(eq(bookmarks.userId, userId), eq(bookmarks.tweetId, originalOf(tweetId))))
}

const keep = { kind: 'bookmark', does: 'bookmark', undoes: 'unbookmark', label: 'Bookmark' }
const button = ({ id, bookmarked }: BookmarkState) => ({ verb: keep, id, pressed: bookmarked })

export const BookmarkButton = (state: BookmarkState) => PressButton(button(state))

const pressed = pressing(stateQuery, button)

export const bookmarkRoutes = router()
  .post('/bookmark/:id{[0-9]+}', traced('bookmarks.create'), ...action, pressed(bookmark))
  .post('/unbookmark/:id{[0-9]+}', traced('bookmarks.delete'), ...action, pressed(unbookmark))

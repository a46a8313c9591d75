// Like and unlike: the columns that each query of tweets selects, the button, the two actions.
import { and, eq, sql } from 'drizzle-orm'

import type { Db } from '../db/db.ts'
import { originalOf } from '../db/originals.ts'
import { favorites, tweets } from '../db/schema/index.ts'
import { likeWeight } from '../db/trend-score.ts'
import { action } from '../http/action.ts'
import { router } from '../http/context.ts'
import { traced } from '../http/request-span.ts'
import { PressButton } from '../ui/press-button.tsx'
import { pressing, stateOf, type StateIn } from './pressing.tsx'

/** The columns about likes that each list of tweets selects; bind `viewer` (0 for a visitor without an account). */
export const likeColumns = {
  likeCount: tweets.likeCount,
  // Qualified names: in a SELECT from one table drizzle omits the table, and `id` would be the id of the like.
  // Most tweets have no likes: the count, which is at hand, spares the lookup.
  liked: sql<boolean>`iif(tweets.like_count = 0, 0, exists (select 1 from favorites mine
    where mine.user_id = ${sql.placeholder('viewer')} and mine.tweet_id = tweets.id))`.mapWith(
    Boolean,
  ),
}

const stateQuery = stateOf(likeColumns)
type FavoriteState = StateIn<typeof stateQuery>

/** One statement: a tweet that is gone is no row to like, and a retweet stands for its original. */
export async function favorite(db: Db, userId: number, tweetId: number): Promise<void> {
  const now = Date.now()
  await db.run(sql`
    insert into favorites (user_id, tweet_id, weight, created_at)
    select ${userId}, id, ${likeWeight(now)}, ${now} from ${tweets} where id = ${originalOf(tweetId)}
    on conflict do nothing`)
}

export async function unfavorite(db: Db, userId: number, tweetId: number): Promise<void> {
  await db
    .delete(favorites)
    .where(and(eq(favorites.userId, userId), eq(favorites.tweetId, originalOf(tweetId))))
}

const like = {
  // The name that scripts for the original look for.
  kind: 'btn-favorite',
  does: 'favorite',
  undoes: 'unfavorite',
  label: 'Like',
  counts: 'like',
}
const button = ({ id, liked, likeCount }: FavoriteState) => ({
  verb: like,
  id,
  pressed: liked,
  count: likeCount,
})

export const FavoriteButton = (state: FavoriteState) => PressButton(button(state))

const pressed = pressing(stateQuery, button)

export const favoriteRoutes = router()
  .post('/favorite/:id{[0-9]+}', traced('favorites.create'), ...action, pressed(favorite))
  .post('/unfavorite/:id{[0-9]+}', traced('favorites.delete'), ...action, pressed(unfavorite))

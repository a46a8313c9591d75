// Like and unlike: the columns that each query of tweets selects, the button, the two actions.
import { and, eq, sql } from 'drizzle-orm'

import { counted, shortCount } from '../base/format.ts'
import { prepared, type Db } from '../db/db.ts'
import { favorites, tweets } from '../db/schema.ts'
import { likeWeight } from '../db/trend-score.ts'
import { router } from '../http/context.ts'
import { limited } from '../http/rate-limits.ts'
import { traced } from '../http/request-span.ts'
import { signedIn } from '../http/sessions.ts'
import { found, idParam } from '../http/validation.ts'
import { answer } from '../ui/answer.ts'
import { Icon } from '../ui/icon.tsx'

/** The columns about likes that each list of tweets selects; bind `viewer` (0 for a visitor without an account). */
export const likeColumns = {
  likeCount: tweets.likeCount,
  // Qualified names: in a SELECT from one table drizzle omits the table, and `id` would be the id of the like.
  liked: sql<boolean>`exists (select 1 from favorites mine
    where mine.user_id = ${sql.placeholder('viewer')} and mine.tweet_id = tweets.id)`.mapWith(
    Boolean,
  ),
}

const stateQuery = prepared((db: Db) =>
  db
    .select({ id: tweets.id, ...likeColumns })
    .from(tweets)
    .where(eq(tweets.id, sql.placeholder('id')))
    .prepare(),
)

const favoriteState = (db: Db, viewer: number, id: number) => stateQuery(db).get({ viewer, id })

type FavoriteState = NonNullable<Awaited<ReturnType<typeof favoriteState>>>

export async function favorite(db: Db, userId: number, tweetId: number): Promise<void> {
  const now = Date.now()
  await db
    .insert(favorites)
    .values({ userId, tweetId, weight: likeWeight(now), createdAt: now })
    .onConflictDoNothing()
}

export async function unfavorite(db: Db, userId: number, tweetId: number): Promise<void> {
  await db
    .delete(favorites)
    .where(and(eq(favorites.userId, userId), eq(favorites.tweetId, tweetId)))
}

/** Optimistic, by CSS alone: while the request runs, `.then` is shown instead of `.now`. */
export const FavoriteButton = ({ id, liked, likeCount }: FavoriteState) => {
  const path = `/${liked ? 'unfavorite' : 'favorite'}/${id}`
  const then = likeCount + (liked ? -1 : 1)
  return (
    <form
      class={liked ? 'like on' : 'like'}
      method='post'
      action={path}
      hx-post={path}
      hx-swap='outerHTML'
      hx-sync='this:drop'
    >
      <button
        id={`like-${id}`}
        class='btn-favorite'
        aria-pressed={liked}
        aria-label={`Like, ${counted(likeCount, 'like')}`}
      >
        <Icon name='heart' />
        <span class='now'>{shortCount(likeCount)}</span>
        <span class='then'>{shortCount(then)}</span>
      </button>
    </form>
  )
}

export const favoriteRoutes = router()
  .post(
    '/favorite/:id{[0-9]+}',
    traced('favorites.create'),
    signedIn,
    limited('LIMIT_WRITE'),
    idParam,
    async (c) => {
      const { db, viewer } = c.var
      const { id } = c.req.valid('param')
      await favorite(db, viewer.id, id)
      const state = found(await favoriteState(db, viewer.id, id))
      return answer(c, { partial: <FavoriteButton {...state} />, to: `#tweet-${id}` })
    },
  )
  .post(
    '/unfavorite/:id{[0-9]+}',
    traced('favorites.delete'),
    signedIn,
    limited('LIMIT_WRITE'),
    idParam,
    async (c) => {
      const { db, viewer } = c.var
      const { id } = c.req.valid('param')
      await unfavorite(db, viewer.id, id)
      const state = found(await favoriteState(db, viewer.id, id))
      return answer(c, { partial: <FavoriteButton {...state} />, to: `#tweet-${id}` })
    },
  )

// The tweets that somebody likes, newest like first: one's own on /favorites, anybody's on their profile.
import { and, asc, desc, eq, gte, lt, sql } from 'drizzle-orm'

import { prepared, type Db } from '../db.ts'
import { answerFeed, feedQuery, readFeed, sliceOf, type Slice } from '../feed.tsx'
import { favorites } from '../schema.ts'
import { traced } from '../tracing.ts'
import { signedIn } from '../viewer.ts'
import { router } from '../web.ts'
import { cardsOf } from './tweets/queries.ts'
import { TweetCard } from './tweets/views.tsx'

const ids = (db: Db, order: 'asc' | 'desc') =>
  db
    .select({ id: sql`${favorites.tweetId}`.as('id'), cursor: sql`${favorites.id}`.as('cursor') })
    .from(favorites)
    .where(
      and(
        eq(favorites.userId, sql.placeholder('user')),
        order === 'asc'
          ? gte(favorites.id, sql.placeholder('cursor'))
          : lt(favorites.id, sql.placeholder('cursor')),
      ),
    )
    .orderBy(order === 'asc' ? asc(favorites.id) : desc(favorites.id))
    .limit(sql.placeholder('limit'))
    .getSQL()

const older = prepared((db: Db) => cardsOf(db, ids(db, 'desc'), 'desc'))
const upTo = prepared((db: Db) => cardsOf(db, ids(db, 'asc'), 'asc'))

/** A slice of what a user likes, as the viewer sees it. */
export const readLiked = (
  db: Db,
  { user, viewer, slice }: { user: number; viewer: number; slice: Slice },
) =>
  readFeed(slice, {
    older: (bounds) => older(db).all({ user, viewer, ...bounds }),
    upTo: (bounds) => upTo(db).all({ user, viewer, ...bounds }),
  })

export const likedRoutes = router().get(
  '/favorites',
  traced('favorites.list'),
  signedIn,
  feedQuery,
  async (c) => {
    const { db, viewer } = c.var
    const slice = sliceOf(c.req.valid('query'))
    const feed = await readLiked(db, { user: viewer.id, viewer: viewer.id, slice })
    return answerFeed(c, slice, feed, {
      label: 'Favorites',
      path: '/favorites',
      head: { title: 'Favorites' },
      cursor: (card) => card.cursor,
      item: (card, position) => TweetCard({ card, viewer, position }),
      empty: <p>You like nothing yet. The heart under a tweet keeps it here.</p>,
      around: (list) => (
        <>
          <h1>Favorites</h1>
          {list}
        </>
      ),
    })
  },
)

// The tweets that a user likes, newest like first: the viewer's on /favorites, anybody's on the profile.
import { sql } from 'drizzle-orm'

import { listedUser } from '../db/listed-user.ts'
import { favorites } from '../db/schema/index.ts'
import { router } from '../http/context.ts'
import { traced } from '../http/request-span.ts'
import { signedIn } from '../http/sessions.ts'
import { answerFeed, feedQuery, readFeed, sliceOf } from '../ui/feed.tsx'
import { cardList } from './tweets/queries.ts'
import { TweetCard } from './tweets/views.tsx'

/** The tweets that `user` likes, as the viewer sees them; or the person with a `handle`. */
export const likedBy = cardList({
  id: favorites.tweetId,
  cursor: favorites.id,
  from: sql`${favorites} where ${favorites.userId} = ${listedUser}`,
})

export const likedRoutes = router().get(
  '/favorites',
  traced('favorites.list'),
  signedIn,
  feedQuery,
  async (c) => {
    const { db, viewer } = c.var
    const slice = sliceOf(c.req.valid('query'))
    const feed = await readFeed(slice, likedBy(db), {
      user: viewer.id,
      handle: '',
      viewer: viewer.id,
    })
    return answerFeed(c, slice, feed, {
      label: 'Likes',
      path: '/favorites',
      head: { title: 'Likes' },
      item: (card, position) => TweetCard({ card, viewer, position }),
      empty: <p>You like nothing yet. The heart under a post keeps it here.</p>,
    })
  },
)

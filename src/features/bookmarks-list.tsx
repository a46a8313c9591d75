// The tweets that the viewer has bookmarked, newest bookmark first. Nobody else sees them.
import { sql } from 'drizzle-orm'

import { bookmarks } from '../db/schema/index.ts'
import { router } from '../http/context.ts'
import { traced } from '../http/request-span.ts'
import { signedIn } from '../http/sessions.ts'
import { answerFeed, feedQuery, readFeed, sliceOf } from '../ui/feed.tsx'
import { tweetJson } from './tweets/json.ts'
import { cardList } from './tweets/queries.ts'
import { TweetCard } from './tweets/views.tsx'

const bookmarkedBy = cardList({
  id: bookmarks.tweetId,
  cursor: bookmarks.id,
  from: sql`${bookmarks} where ${bookmarks.userId} = ${sql.placeholder('viewer')}`,
})

export const bookmarkedRoutes = router().get(
  '/bookmarks',
  traced('bookmarks.list'),
  signedIn,
  feedQuery,
  async (c) => {
    const { db, viewer } = c.var
    const slice = sliceOf(c.req.valid('query'))
    const feed = await readFeed(slice, bookmarkedBy(db), { viewer: viewer.id })
    // Also the slices and the JSON: a page does it by its `private`.
    c.header('Cache-Control', 'private, no-store')
    return answerFeed(c, slice, feed, {
      label: 'Bookmarks',
      path: '/bookmarks',
      head: { title: 'Bookmarks', private: '/bookmarks' },
      item: (card, position) => TweetCard({ card, viewer, position }),
      json: { name: 'bookmarks', row: tweetJson },
      empty: (
        <p>You have no bookmarks yet. The ribbon under a post keeps it here, for you alone.</p>
      ),
    })
  },
)

// The posts of everybody, newest first: no replies, no retweets. For visitors, too.
import { sql } from 'drizzle-orm'
import type { Context } from 'hono'

import { tweets } from '../db/schema/index.ts'
import { type Env, router } from '../http/context.ts'
import { traced } from '../http/request-span.ts'
import { readerOf } from '../http/sessions.ts'
import {
  answerFeed,
  FeedList,
  feedQuery,
  readFeed,
  sliceOf,
  type Feed,
  type Slice,
} from '../ui/feed.tsx'
import { tweetJson } from './tweets/json.ts'
import { cardList, type Card } from './tweets/queries.ts'
import { TweetCard } from './tweets/views.tsx'

/** The condition is that of the index `tweets_everybody`. */
const postsOfAll = cardList({
  id: tweets.id,
  from: sql`${tweets} where in_timeline = 1 and ${tweets.replyTo} is null and ${tweets.retweetOf} is null`,
})

/** Reads a slice of the posts of everybody. */
export const readEverybody = ({ var: { db, visitor } }: Context<Env>, slice: Slice) =>
  readFeed(slice, postsOfAll(db), readerOf(visitor))

const view = ({ var: { visitor } }: Context<Env>) => ({
  label: 'Posts of everybody',
  path: '/everybody',
  item: (card: Card, position: number) => TweetCard({ card, viewer: visitor, position }),
  empty: (
    <p>Nobody has posted anything yet. {visitor && <a href='/post'>Write the first post</a>}</p>
  ),
})

/** The newest of these posts, for a page that has too little of its own; "Load more" reads on here. */
export function Newest(c: Context<Env>, slice: Slice, feed: Feed<Card>) {
  return (
    <>
      {feed.rows.length > 0 && <p>Little is trending yet. These are the newest posts.</p>}
      <FeedList slice={slice} feed={feed} view={view(c)} />
    </>
  )
}

export const everybodyRoutes = router().get(
  '/everybody',
  traced('everybody.read'),
  feedQuery,
  async (c) => {
    const slice = sliceOf(c.req.valid('query'))
    return answerFeed(c, slice, await readEverybody(c, slice), {
      ...view(c),
      head: {
        title: 'Everybody',
        description: `What everybody writes on ${c.var.settings.site.name}.`,
        canonical: '/everybody',
      },
      json: { name: 'posts', row: tweetJson },
    })
  },
)

// Hashtags: the posts with a tag, and the tags that are used by several people now.
import { sql } from 'drizzle-orm'

import { tagKey } from '../base/tags.ts'
import { prepared, type Db } from '../db/db.ts'
import { tagUses } from '../db/schema/index.ts'
import { tauMs } from '../db/trend-score.ts'
import { router } from '../http/context.ts'
import { traced } from '../http/request-span.ts'
import { readerOf } from '../http/sessions.ts'
import { found } from '../http/validation.ts'
import { answerFeed, feedQuery, readFeed, sliceOf } from '../ui/feed.tsx'
import { cachedFragment } from '../ui/fragment-cache.ts'
import { cardList } from './tweets/queries.ts'
import { TweetCard } from './tweets/views.tsx'

const tweetsWithTag = cardList({
  id: tagUses.tweetId,
  from: sql`${tagUses} where ${tagUses.tag} = ${sql.placeholder('tag')}`,
})

/** So many of the newest uses are looked at: so the cost does not grow with the number of posts. */
const usesRead = 5000
const tagsShown = 8
const hour = 3_600_000

/**
 * Tags that at least two people use. Each use decays like the weight of a like (db/trend-score.ts), from the newest use
 * on; of one person, only the last use of an hour counts. A use from the future counts as one of now.
 */
const trendingQuery = prepared((db: Db) => {
  // `raw`: numbers of ours.
  const number = (value: number) => sql.raw(String(value))
  return (
    db
      .select({ tag: sql<string>`tag`, people: sql<number>`count(distinct user_id)` })
      .from(
        sql`(select tag, user_id, max(at) as used, max(max(at)) over () as newest from
        (select tag, user_id, min(created_at, cast(${sql.placeholder('now')} as integer)) as at
          from tag_uses where user_id not in (select id from users where suspended_at is not null)
          order by tweet_id desc limit ${number(usesRead)})
        group by tag, user_id, at / ${number(hour)})`,
      )
      .groupBy(sql`tag`)
      .having(sql`count(distinct user_id) >= 2`)
      // SQLite's exp() fails below -745.
      .orderBy(
        sql`sum(exp(max(-700.0, (used - newest) / ${number(tauMs)}.0))) desc, max(used) desc, tag`,
      )
      .limit(tagsShown)
      .prepare()
  )
})

/** The tags that trend at `now` (ms UTC), and how many people use each. */
export const readTrendingTags = (db: Db, now: number) => trendingQuery(db).all({ now })

export type TrendingTag = Awaited<ReturnType<typeof readTrendingTags>>[number]

/** The list of trending tags. `version` changes when the tags do. */
export const TrendingTags = cachedFragment(
  { keyOf: ({ version }: { version: number; tags: TrendingTag[] }) => version },
  ({ tags }) => (
    <section class='card' aria-label='Trending tags'>
      <h2>Trending tags</h2>
      <ul class='trending'>
        {tags.map(({ tag, people }) => (
          <li>
            <a href={`/tag/${encodeURIComponent(tag)}`} dir='auto'>
              #{tag}
            </a>{' '}
            <span class='small'>{people} people</span>
          </li>
        ))}
      </ul>
    </section>
  ),
)

export const tagRoutes = router().get('/tag/:tag', traced('tags.read'), feedQuery, async (c) => {
  const { db, visitor, database } = c.var
  const given = c.req.param('tag')
  const key = found(tagKey(given))
  const slice = sliceOf(c.req.valid('query'))
  const feed = await readFeed(slice, tweetsWithTag(db), { tag: key, ...readerOf(visitor) })
  // As it is spelled in the link, where that is a tag, too.
  const lower = given.normalize('NFKC').toLowerCase()
  const title = `#${tagKey(lower) === key ? lower : key}`
  const path = `/tag/${encodeURIComponent(key)}`
  return answerFeed(c, slice, feed, {
    label: `Posts with ${title}`,
    path,
    head: { title, description: `Posts with ${title}, newest first.`, canonical: path },
    item: (card, position) => TweetCard({ card, viewer: visitor, position }),
    empty: (
      <p>
        {database.whole.tag_uses
          ? 'Nobody has used this tag yet.'
          : 'No newer post has this tag. Older posts are still being looked through.'}
      </p>
    ),
    around: (list) => (
      <>
        <h1 dir='auto'>{title}</h1>
        {list}
      </>
    ),
  })
})

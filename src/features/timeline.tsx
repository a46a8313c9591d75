// The home page: tweets of the people one follows, and one's own, newest first. No table of timelines is kept;
// it is read from the tweets in one of three ways, by how many people one follows.
import { sql, type SQL } from 'drizzle-orm'

import { prepared, type Bound, type Db } from '../db/db.ts'
import { follows, tweets } from '../db/schema.ts'
import { router } from '../http/context.ts'
import { traced } from '../http/request-span.ts'
import { signedIn, type Viewer } from '../http/sessions.ts'
import { measured } from '../telemetry/metrics.ts'
import { annotate } from '../telemetry/spans.ts'
import { answerFeed, feedQuery, readFeed, sliceOf, type Feed, type Slice } from '../ui/feed.tsx'
import { mostFollowed } from './follows/queries.ts'
import { PersonCard } from './follows/views.tsx'
import { cardList, cardsOf, type Card } from './tweets/queries.ts'
import { Composer, TweetCard } from './tweets/views.tsx'

/** Up to here, merging the followees' newest tweets is cheaper than looking through everybody's. */
const followeesMerged = 150
/** Up to here, a list of the followees made for the query is cheaper than a probe for each tweet that is looked at. */
const followeesListed = 600
const windowSize = 2000

const me = sql.placeholder('viewer')
const cursor = sql.placeholder('cursor')
const limit = sql.placeholder('limit')

// `UNION ALL SELECT me` inside the list, not `OR user_id = me` beside it: that would be 70 times slower.
const authors = sql`(select ${follows.followedId} from ${follows} where ${follows.followerId} = ${me} union all select ${me})`
const merged = cardList({
  id: tweets.id,
  from: sql`${tweets} where ${tweets.userId} in ${authors}`,
})

/** Who follows many finds the next tweets among the last 2,000 of everybody's. */
const windowOlder = (isMine: SQL) =>
  prepared((db: Db) =>
    cardsOf(
      db,
      // `raw`: a number of ours, the same for everybody.
      sql`select ${tweets.id} as id, ${tweets.id} as cursor from ${tweets}
      where ${tweets.id} < ${cursor}
      and ${tweets.id} > (select coalesce(max(${tweets.id}), 0) from ${tweets} where ${tweets.id} < ${cursor}) - ${sql.raw(String(windowSize))}
      and ${isMine} order by ${tweets.id} desc limit ${limit}`,
      'desc',
    ),
  )

const strategies = {
  merge: (db: Db) => merged(db).older,
  // The `+` keeps SQLite from merging after all.
  list: windowOlder(sql`+${tweets.userId} in ${authors}`),
  probe: windowOlder(sql`(${tweets.userId} = ${me} or exists (select 1 from ${follows}
    where ${follows.followerId} = ${me} and ${follows.followedId} = ${tweets.userId}))`),
}

const strategyFor = (followees: number): keyof typeof strategies =>
  followees <= followeesMerged ? 'merge' : followees <= followeesListed ? 'list' : 'probe'

/** A slice of the timeline: one SELECT, or two when somebody follows many people who write little. */
function readTimeline(
  db: Db,
  { id, followingCount }: Pick<Viewer, 'id' | 'followingCount'>,
  slice: Slice,
): Promise<Feed<Card>> {
  const { older: merge, upTo } = merged(db)
  const strategy = strategyFor(followingCount)
  const all = async (bound: Bound) => {
    const rows = await strategies[strategy](db).all(bound)
    const fallsShort = strategy !== 'merge' && rows.length <= slice.limit
    note(fallsShort ? `${strategy}+merge` : strategy)
    return fallsShort ? merge.all(bound) : rows
  }
  return readFeed(slice, { older: { all }, upTo }, { viewer: id })
}

function note(strategy: string): void {
  annotate({ 'app.timeline.strategy': strategy })
  measured().timelineReads.add(1, { strategy })
}

export const timelineRoutes = router().get(
  '/timeline',
  traced('timeline.read'),
  signedIn,
  feedQuery,
  async (c) => {
    const { db, viewer } = c.var
    const slice = sliceOf(c.req.valid('query'))
    const feed = await readTimeline(db, viewer, slice)
    const suggestions = viewer.followingCount === 0 ? await mostFollowed(db, viewer.id) : []
    annotate({ 'app.timeline.tweets': feed.rows.length })
    return answerFeed(c, slice, feed, {
      label: 'Timeline',
      path: '/timeline',
      head: { title: 'Timeline' },
      item: (card, position) => TweetCard({ card, viewer, position }),
      empty: (
        <p>Nothing here yet. Write something, or follow people whose posts you want to read.</p>
      ),
      around: (list) => (
        <>
          <h1>Timeline</h1>
          <Composer author={viewer.id} live />
          {suggestions.length > 0 && (
            <section class='suggestions' aria-label='Who to follow'>
              <h2>Who to follow</h2>
              {suggestions.map((person) => (
                <PersonCard person={person} viewer={viewer} />
              ))}
            </section>
          )}
          {list}
        </>
      ),
    })
  },
)

// The home page: tweets of the people whom the viewer follows, and the viewer's own, newest first, without replies to
// others. There is no table of timelines: one of three queries reads the tweets, depending on how many people the viewer follows.
import { sql, type SQL, type SQLWrapper } from 'drizzle-orm'
import type { Context } from 'hono'
import * as v from 'valibot'

import { prepared, type Bound, type Db } from '../db/db.ts'
import { follows, tweets } from '../db/schema/index.ts'
import { isRemote, together } from '../db/together.ts'
import { clientKind, router, type Env } from '../http/context.ts'
import { traced } from '../http/request-span.ts'
import { readerOf, signedIn, type Viewer } from '../http/sessions.ts'
import { query } from '../http/validation.ts'
import { measured } from '../telemetry/metrics.ts'
import { annotate } from '../telemetry/spans.ts'
import { render } from '../ui/answer.ts'
import {
  answerFeed,
  cursorFields,
  place,
  readFeed,
  sliceOf,
  Toast,
  type Feed,
  type Slice,
} from '../ui/feed.tsx'
import { html } from '../ui/html.ts'
import { mostFollowed } from './follows/queries.ts'
import { PersonCard } from './follows/views.tsx'
import { NewPosts } from './live/bar.ts'
import { Composer } from './tweets/composer.tsx'
import { cardList, cardsOf, onceEach, type Card } from './tweets/queries.ts'
import { TweetCard } from './tweets/views.tsx'

/** Up to this number of followees, merging their newest tweets is cheaper than scanning the newest of everybody. */
const followeesMerged = 150
/** Up to this number, a list of the followees built for the query is cheaper than a lookup for each scanned tweet. */
const followeesListed = 600
/** The number of newest tweets that `list` and `probe` scan. */
const windowSize = 2000

const me = sql.placeholder('viewer')
const cursor = sql.placeholder('cursor')
const limit = sql.placeholder('limit')

/** For who hides somebody: not those whom one follows and has muted. What others retweet of them is left out after LIMIT. */
const notMuted = (author: SQLWrapper) =>
  sql` and ${author} not in (select author_id from hidden where viewer_id = ${me} and followed = 1)`

// `UNION ALL SELECT me` inside the list: `OR user_id = me` outside it is 70 times slower.
const authorsOf = (hides: boolean) =>
  sql`(select ${follows.followedId} from ${follows}
    where ${follows.followerId} = ${me}${hides ? notMuted(follows.followedId) : sql``} union all select ${me})`
const mergedOf = (hides: boolean) =>
  cardList({
    id: tweets.id,
    // A bound 1 would not select the index that has nothing else.
    from: sql`${tweets} where in_timeline = 1 and ${tweets.userId} in ${authorsOf(hides)}`,
    mixed: true,
    seen: true,
  })

const newest = sql`select ${tweets.id} as id, ${tweets.id} as cursor, retweet_of, user_id from ${tweets}`

/**
 * Scans the last 2,000 tweets of everybody: somebody who follows many people finds enough tweets there. SQLite tests the
 * conditions in this order: `in_timeline`, which is behind the text of a row, only of the few tweets that are left.
 */
const windowOlder = (isMine: SQL) =>
  prepared((db: Db) => cardsOf(db, { mixed: windowOf(isMine), seen: true }, 'desc'))

// With the index on user_id it would be the merge again. `raw` is safe: the number is a constant.
const windowOf = (isMine: SQL) => sql`${newest} not indexed where ${tweets.id} < ${cursor}
  and ${tweets.id} > (select coalesce(max(${tweets.id}), 0) from ${tweets} where ${tweets.id} < ${cursor}) - ${sql.raw(String(windowSize))}
  and ${isMine} and in_timeline = 1 order by ${tweets.id} desc limit ${limit}`

/** The merge, for the same round trip as the window: where that has enough rows, its limit is 0, and it reads nothing. */
const mergeIfShort = (isMine: SQL, hides: boolean) =>
  prepared((db: Db) =>
    cardsOf(
      db,
      {
        mixed: sql`${newest} where in_timeline = 1 and ${tweets.userId} in ${authorsOf(hides)} and ${tweets.id} < ${cursor}
      order by ${tweets.id} desc limit iif((select count(*) from (${windowOf(isMine)})) < ${limit}, ${limit}, 0)`,
        seen: true,
      },
      'desc',
    ),
  )

function strategiesOf(hides: boolean) {
  const list = sql`${tweets.userId} in ${authorsOf(hides)}`
  const probe = sql`(${tweets.userId} = ${me} or exists (select 1 from ${follows}
    where ${follows.followerId} = ${me} and ${follows.followedId} = ${tweets.userId})${hides ? notMuted(tweets.userId) : sql``})`
  return {
    merge: mergedOf(hides),
    list: { window: windowOlder(list), rest: mergeIfShort(list, hides) },
    probe: { window: windowOlder(probe), rest: mergeIfShort(probe, hides) },
  }
}
const [ofAll, ofSeen] = [strategiesOf(false), strategiesOf(true)]

const strategyFor = (followees: number): keyof typeof ofAll =>
  followees <= followeesMerged ? 'merge' : followees <= followeesListed ? 'list' : 'probe'

/** Reads a slice of the timeline: one SELECT, or two if the window has too few tweets of the many followees. */
function readTimeline(
  db: Db,
  viewer: Pick<Viewer, 'id' | 'followingCount' | 'hiddenCount'>,
  slice: Slice,
): Promise<Feed<Card>> {
  const strategies = viewer.hiddenCount > 0 ? ofSeen : ofAll
  const { older: merge, upTo } = strategies.merge(db)
  const strategy = strategyFor(viewer.followingCount)
  const all = (bound: Bound) => {
    if (strategy !== 'merge') return allOfMany(strategy, bound)
    recordStrategy(strategy)
    return merge.all(bound)
  }
  const allOfMany = async (how: 'list' | 'probe', bound: Bound) => {
    const { window, rest } = strategies[how]
    const [rows, merged] = isRemote(db)
      ? await together(db, () => Promise.all([window(db).all(bound), rest(db).all(bound)]))
      : [await window(db).all(bound)]
    const fallsShort = rows.length <= slice.limit
    recordStrategy(fallsShort ? `${how}+merge` : how)
    return fallsShort ? (merged ?? merge.all(bound)) : rows
  }
  return readFeed(slice, { older: { all }, upTo }, readerOf(viewer))
}

function recordStrategy(strategy: string): void {
  annotate({ 'app.timeline.strategy': strategy })
  measured().timelineReads.add(1, { strategy })
}

/** The rows above the one that was the newest, for the bar that told of them. */
async function answerNew(c: Context<Env>, since: number) {
  const { db, viewer } = c.var
  const feed = await readTimeline(db, viewer, sliceOf({ through: since + 1 }))
  // So many that they are a page of their own.
  if (feed.newer) c.header('HX-Redirect', '/timeline')
  const { rows } = onceEach(feed)
  annotate({ 'app.timeline.tweets': rows.length })
  return render(c, () => (
    <>
      <NewPosts since={feed.first ?? since} />
      {rows
        .filter(({ userId, id, row }) => userId === viewer.id && id === row)
        .map(({ row }) => (
          // It stands there since it was written; now it stands where it belongs.
          <hx-partial hx-target={`#tweet-${row}`} hx-swap='delete'></hx-partial>
        ))}
      <hx-partial hx-target='#feed' hx-swap='afterbegin'>
        {rows.map((card, index) => TweetCard({ card, viewer, position: index + 1 }))}
      </hx-partial>
      {rows.length === 0 && <Toast>They are gone again.</Toast>}
    </>
  ))
}

export const timelineRoutes = router().get(
  '/timeline',
  traced('timeline.read'),
  signedIn,
  query({ ...cursorFields, since: v.optional(place) }),
  async (c) => {
    // Not `c.var`: see side-column.tsx.
    const [db, viewer, settings] = [c.get('db'), c.get('viewer'), c.get('settings')]
    const { since, ...asked } = c.req.valid('query')
    if (since !== undefined && clientKind(c) === 'partial') return answerNew(c, since)
    const slice = sliceOf(asked)
    const [read, suggestions] =
      viewer.followingCount > 0
        ? [await readTimeline(db, viewer, slice), []]
        : await together(db, () =>
            Promise.all([readTimeline(db, viewer, slice), mostFollowed(db, readerOf(viewer))]),
          )
    const feed = onceEach(read)
    annotate({ 'app.timeline.tweets': feed.rows.length })
    // Not on a page that begins further down.
    const live = settings.LIVE_STREAMS > 0 && slice.before === undefined && !feed.newer
    return answerFeed(c, slice, feed, {
      label: 'Timeline',
      path: '/timeline',
      head: { title: 'Timeline', live },
      item: (card, position) => TweetCard({ card, viewer, position }),
      empty: (
        <p>Nothing here yet. Write something, or follow people whose posts you want to read.</p>
      ),
      around: (list) => html`
        <h1>Timeline</h1>
        ${Composer({ author: viewer.id, live: true })}
        ${
          suggestions.length > 0 && (
            <section class='suggestions' aria-label='Who to follow'>
              <h2>Who to follow</h2>
              {suggestions.map((person) => (
                <PersonCard person={person} viewer={viewer} />
              ))}
            </section>
          )
        }
        ${live && NewPosts({ since: feed.first ?? 0 })} ${list}
      `,
    })
  },
)

// The start page: tweets that at least two people like, by a score that decays (db/trend-score.ts).
import { sql } from 'drizzle-orm'
import * as v from 'valibot'

import { prepared, type Db } from '../db/db.ts'
import { tweets } from '../db/schema.ts'
import { clientKind, router } from '../http/context.ts'
import { traced } from '../http/request-span.ts'
import { query } from '../http/validation.ts'
import { render } from '../ui/answer.ts'
import { cachedFragment } from '../ui/fragment-cache.ts'
import { Banner } from '../ui/icon.tsx'
import { page } from '../ui/layout.tsx'
import { cardsOf } from './tweets/queries.ts'
import { TweetCard } from './tweets/views.tsx'

const shown = 20
const shownMax = 100

const trendsQuery = prepared((db: Db) =>
  cardsOf(
    db,
    sql`select ${tweets.id} as id, ${tweets.trendScore} as cursor from ${tweets}
      where ${tweets.likeCount} >= 2 order by ${tweets.trendScore} desc limit ${sql.placeholder('limit')}`,
    'desc',
  ),
)

/** The most trending tweets, most first. */
const readTrends = (db: Db, viewer: number, limit: number) => trendsQuery(db).all({ viewer, limit })

const trendsSearch = query({
  limit: v.optional(
    v.pipe(v.string(), v.regex(/^\d{1,9}$/, 'The limit is a number.'), v.transform(Number)),
  ),
})

export const trendRoutes = router().get('/', traced('trends.read'), trendsSearch, async (c) => {
  const { db, visitor } = c.var
  const limit = Math.min(Math.max(c.req.valid('query').limit ?? shown, 1), shownMax)
  const rows = await readTrends(db, visitor?.id ?? 0, limit)
  const cards = rows.map((card, index) => TweetCard({ card, viewer: visitor, position: index + 1 }))
  // A rank has no cursor: the rest is the same list again, longer.
  if (clientKind(c) === 'partial') {
    c.header('HX-Replace-Url', `/?limit=${limit}`)
    return render(c, <Trends>{cards}</Trends>)
  }
  const head = { title: 'Trends', description: 'What people here like right now.', canonical: '/' }
  return page(
    c,
    head,
    <>
      <h1>Trends</h1>
      {!visitor && <Hero />}
      <Trends>{cards}</Trends>
      {rows.length === 0 && (
        <p class='empty-state'>Nothing is trending: no post has two likes yet.</p>
      )}
      {rows.length === shown && limit === shown && <ShowAll />}
    </>,
  )
})

/** What a visitor reads first. */
const Hero = cachedFragment({ keyOf: () => '' }, () => (
  <section class='hero' aria-label='What this is'>
    <Banner id={2} />
    <p class='big'>A microblog you can see through.</p>
    <p>Read along, or come in: every page shows what it did and what it cost.</p>
    <p class='row'>
      <a class='btn' href='/login'>
        Log in
      </a>
      <a class='btn quiet' href='/register'>
        Sign up
      </a>
    </p>
  </section>
))

const Trends = ({ children }: { children: unknown[] }) => (
  <div id='feed' {...(children.length > 0 && { role: 'feed', 'aria-label': 'Trends' })}>
    {children}
  </div>
)

const ShowAll = () => (
  <p class='end'>
    <a
      class='btn quiet'
      href={`/?limit=${shownMax}`}
      hx-get={`/?limit=${shownMax}`}
      hx-target='#feed'
      hx-swap='outerHTML'
      hx-sync='this:drop'
    >
      Show the top {shownMax}
    </a>
  </p>
)

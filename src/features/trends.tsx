// The start page: tweets that at least two people like, by a score that decays (db/trend-score.ts). Where there are fewer
// than two, it shows the newest posts of everybody.
import { sql } from 'drizzle-orm'
import type { Child } from 'hono/jsx'
import * as v from 'valibot'

import { prepared, type Db } from '../db/db.ts'
import { isGone } from '../db/deletions.ts'
import { tweets } from '../db/schema/index.ts'
import { isRemote, together } from '../db/together.ts'
import { clientKind, router, type Site } from '../http/context.ts'
import { traced } from '../http/request-span.ts'
import { readerOf, type Reader } from '../http/sessions.ts'
import { query } from '../http/validation.ts'
import { render } from '../ui/answer.ts'
import { sliceOf } from '../ui/feed.tsx'
import { cachedFragment } from '../ui/fragment-cache.ts'
import { Banner } from '../ui/icon.tsx'
import { page } from '../ui/layout.tsx'
import { Newest, readEverybody } from './everybody.tsx'
import { cardsOf } from './tweets/queries.ts'
import { TweetCard } from './tweets/views.tsx'

const shown = 20
/** With fewer trends, a young or quiet instance has more to show. */
const trendsMin = 2
const shownMax = 100

const trendsQuery = prepared((db: Db) =>
  cardsOf(
    db,
    sql`select ${tweets.id} as id, ${tweets.trendScore} as cursor from ${tweets}
      where ${tweets.likeCount} >= 2 order by ${tweets.trendScore} desc limit ${sql.placeholder('limit')}`,
    'desc',
  ),
)

/** So many times the trends are read for somebody who hides authors: some of them are left out. */
const readForHiding = 3

/** The tweets with the highest trend scores, highest first. */
async function readTrends(db: Db, reader: Reader, limit: number) {
  const read = reader.hiding ? limit * readForHiding : limit
  const rows = await trendsQuery(db).all({ ...reader, limit: read })
  return rows.filter((row) => row.hidden !== true && !isGone(row)).slice(0, limit)
}

/** Were there few of them the last time? Then a page on a server asks for what it shows instead in the same round trip. */
const lastTrends = prepared(() => ({ few: true }))

const trendsSearch = query({
  limit: v.optional(
    v.pipe(v.string(), v.regex(/^\d{1,9}$/, 'The limit is a number.'), v.transform(Number)),
  ),
})

export const trendRoutes = router().get('/', traced('trends.read'), trendsSearch, async (c) => {
  const { db, visitor } = c.var
  const limit = Math.min(Math.max(c.req.valid('query').limit ?? shown, 1), shownMax)
  const slice = sliceOf({ limit })
  const memory = lastTrends(db)
  const [rows, early] = await together(db, () =>
    Promise.all([
      readTrends(db, readerOf(visitor), limit),
      memory.few && isRemote(db) ? readEverybody(c, slice) : undefined,
    ]),
  )
  // A component, so that the cards are built while the page is rendered.
  const Cards = () => (
    <>{rows.map((card, index) => TweetCard({ card, viewer: visitor, position: index + 1 }))}</>
  )
  const few = (memory.few = rows.length < trendsMin)
  const list = few ? (
    Newest(c, slice, early ?? (await readEverybody(c, slice)))
  ) : (
    <Trends>
      <Cards />
    </Trends>
  )
  // Trends have no cursor, because scores change: "Show the top 100" loads the whole list again.
  if (clientKind(c) === 'partial') {
    c.header('HX-Replace-Url', `/?limit=${limit}`)
    return render(
      c,
      <>
        {list}
        <hx-partial hx-target='#more' hx-swap='delete'></hx-partial>
      </>,
    )
  }
  const head = { title: 'Trends', description: 'What people here like right now.', canonical: '/' }
  return page(
    c,
    head,
    <>
      <h1>Trends</h1>
      {!visitor && <Hero {...c.var.settings.site} />}
      {list}
      {rows.length === shown && limit === shown && <ShowAll />}
    </>,
  )
})

/** The introduction for visitors without an account. */
const Hero = cachedFragment({ keyOf: ({ number }: Site) => number }, (site: Site) => (
  <section class='hero' aria-label='What this is'>
    <Banner id={2} />
    <p class='big'>{site.tagline}</p>
    <p>
      Read along, or {site.isOpen ? 'come in' : 'log in'}
      {site.shows ? ': every page shows what it did and what it cost.' : '.'}
    </p>
    <p class='row'>
      <a class='btn' href='/login'>
        Log in
      </a>
      {site.isOpen && (
        <a class='btn quiet' href='/register'>
          Sign up
        </a>
      )}
    </p>
  </section>
))

const Trends = ({ children }: { children: Child }) => (
  <div id='feed' role='feed' aria-label='Trends'>
    {children}
  </div>
)

const ShowAll = () => (
  <p id='more'>
    <a
      class='btn quiet'
      href={`/?limit=${shownMax}`}
      hx-get={`/?limit=${shownMax}`}
      hx-target='#feed'
      hx-swap='outerHTML'
    >
      Show the top {shownMax}
    </a>
  </p>
)

// Search: posts with the words, newest first, and people by their names and handles.
import type { Context } from 'hono'
import { createMiddleware } from 'hono/factory'
import type { Child } from 'hono/jsx'
import * as v from 'valibot'

import { isRemote, together } from '../../db/together.ts'
import { clientKind, type Env, router } from '../../http/context.ts'
import { limited } from '../../http/rate-limits.ts'
import { keepsForm, type Redisplay } from '../../http/redisplay.ts'
import { traced } from '../../http/request-span.ts'
import { readerOf, signedIn } from '../../http/sessions.ts'
import { query, text } from '../../http/validation.ts'
import { answerProblem, render } from '../../ui/answer.ts'
import {
  answerFeed,
  cursorFields,
  FeedList,
  sliceOf,
  type Feed,
  type FeedView,
  type Slice,
} from '../../ui/feed.tsx'
import { page } from '../../ui/layout.tsx'
import { PersonCard } from '../follows/views.tsx'
import { TweetCard } from '../tweets/views.tsx'
import { planPeople, planSearch } from './plan.ts'
import { findPeople, findTweets, readAbove } from './queries.ts'
import {
  FirstPeople,
  queryLengthMax,
  SearchPage,
  StatusLine,
  Tabs,
  tweetsFound,
  type Tab,
} from './views.tsx'

const tabOf = (type: string | undefined): Tab => (type === 'people' ? 'people' : 'posts')

const searchAgain: Redisplay = (c, { q = '', type }, { form: sentence = '' }, status) =>
  answerProblem(c, status, sentence, () => {
    const line = <StatusLine isProblem>{sentence}</StatusLine>
    return clientKind(c) === 'partial'
      ? render(c, line)
      : page(
          c,
          { title: 'Search', searching: true },
          <SearchPage q={q} tab={tabOf(type)}>
            {line}
          </SearchPage>,
        )
  })

const whole = limited('LIMIT_SEARCH')
const whileTyping = limited('LIMIT_SEARCH_TYPING')

/** While somebody types, each key may ask: these partials have a limit that no typing reaches. */
const limitedSearch = createMiddleware<Env>((c, next) => {
  const isTyped = clientKind(c) === 'partial' && c.req.query('before') === undefined
  return isTyped ? whileTyping(c, next) : whole(c, next)
})

type Given = { before?: number | undefined; type: string }

/**
 * May the last word be a beginning? Not of a search that was sent, by Enter or the button. A list that began so goes on
 * so: its next slices have the type `typed`.
 */
const isTyping = (c: Context<Env>, { before, type }: Given) =>
  type === 'typed' ||
  (clientKind(c) === 'partial' &&
    before === undefined &&
    !c.req.header('HX-Source')?.startsWith('form'))

type Asked = { c: Context<Env>; q: string; tab: Tab; typing: boolean; slice: Slice }
type Around = { status: string; above?: Child; empty: Child }

/** What all results have in common. */
const viewOf = ({ q, tab, typing }: Asked, { status, above, empty }: Around) => {
  const before = (
    <>
      {q !== '' && <Tabs q={q} tab={tab} />}
      <StatusLine>{status}</StatusLine>
      {above}
    </>
  )
  return {
    before,
    path: '/search',
    q,
    type: tab === 'people' ? 'people' : typing ? 'typed' : undefined,
    head: { title: q ? `${q} - Search` : 'Search', searching: true },
    empty,
    around: (list: Child) => (
      <SearchPage q={q} tab={tab}>
        {before}
        {list}
      </SearchPage>
    ),
  }
}

const continues = ({ c, slice }: Asked) => clientKind(c) === 'partial' && slice.before !== undefined

function answerSearch<Row extends { cursor: number }>(
  asked: Asked,
  feed: Feed<Row>,
  view: FeedView<Row> & { before: Child },
) {
  const { c, slice } = asked
  if (clientKind(c) !== 'partial' || continues(asked)) return answerFeed(c, slice, feed, view)
  return render(
    c,
    <>
      {view.before}
      <FeedList slice={slice} feed={feed} view={view} />
    </>,
  )
}

const postsFound = 'Posts that were found'
const emptyHint = <p>Look for words, names or #tags.</p>
const nobody: Feed<never> = { rows: [], more: false, newer: false }

async function postsTab(asked: Asked) {
  const { c, q, typing, slice } = asked
  const { db, viewer, database } = c.var
  const plan = planSearch(q, { typing })
  // The old index, until the new one has all tweets.
  const index = database.whole.tweets_search ? 'tweets_search' : 'tweets_fts'
  const search = { db, index, reader: readerOf(viewer), slice } as const
  const isFirst = slice.before === undefined && slice.through === undefined
  const people = isFirst ? planPeople(q) : undefined
  const nothing = { count: 0, people: [] }
  const aboveOf = (known?: number) =>
    plan && !continues(asked) ? readAbove(search, { tweets: plan, people, known }) : nothing
  // How many were found may spare the count, but on a server that would be one more round trip.
  const isEarly = isRemote(db) && plan?.checks.length === 0
  const [found, early] = await together(db, () =>
    Promise.all([
      plan ? findTweets(search, plan) : { feed: nobody, count: undefined },
      isEarly ? aboveOf() : undefined,
    ]),
  )
  const above = early ?? (await aboveOf(found.count))
  return answerSearch(asked, found.feed, {
    ...viewOf(asked, {
      status: plan ? tweetsFound(above.count) : 'Please enter search keywords',
      above: <FirstPeople people={above.people} q={q} viewer={viewer} />,
      empty: plan ? <p>No post has these words. Fewer or shorter words find more.</p> : emptyHint,
    }),
    label: postsFound,
    item: (card, position) => TweetCard({ card, viewer, position }),
  })
}

async function peopleTab(asked: Asked) {
  const { c, q, slice } = asked
  const { db, viewer } = c.var
  const plan = planPeople(q)
  const feed = plan ? await findPeople({ db, reader: readerOf(viewer), slice }, plan) : nobody
  const count = feed.rows.length
  const status = `${count}${feed.more ? '+' : ''} ${count === 1 ? 'person' : 'people'} found`
  return answerSearch(asked, feed, {
    ...viewOf(asked, {
      status: plan ? status : 'Please enter a name',
      empty: <p>Nobody has this name. A part of the name or of the @handle is enough.</p>,
    }),
    label: 'People that were found',
    item: (person, position) => <PersonCard person={person} viewer={viewer} position={position} />,
  })
}

const searchQuery = query({
  ...cursorFields,
  q: v.optional(v.string(), ''),
  type: v.optional(v.string(), ''),
})

export const searchRoutes = router().get(
  '/search',
  traced('search.read'),
  signedIn,
  keepsForm(searchAgain),
  limitedSearch,
  searchQuery,
  async (c) => {
    const given = c.req.valid('query')
    const checked = v.safeParse(v.pipe(text, v.maxLength(queryLengthMax)), given.q)
    const typing = isTyping(c, given)
    const asked = { c, q: '', tab: tabOf(given.type), typing, slice: sliceOf(given) }
    if (checked.success) {
      const all = { ...asked, q: checked.output }
      return all.tab === 'people' ? peopleTab(all) : postsTab(all)
    }
    const status = 'These words cannot be searched for.'
    const view = viewOf(asked, { status, empty: emptyHint })
    return answerSearch(asked, nobody, { ...view, label: postsFound, item: () => null })
  },
)

// Full-text search, newest first. Each typed word is quoted: user input is never FTS syntax.
import { sql, type SQL } from 'drizzle-orm'
import { createMiddleware } from 'hono/factory'
import type { Child } from 'hono/jsx'
import * as v from 'valibot'

import { counted } from '../base/format.ts'
import { prepared, type Db } from '../db/db.ts'
import { clientKind, type Env, router } from '../http/context.ts'
import { limited } from '../http/rate-limits.ts'
import { keepsForm, type Redisplay } from '../http/redisplay.ts'
import { traced } from '../http/request-span.ts'
import { signedIn } from '../http/sessions.ts'
import { query, text } from '../http/validation.ts'
import { answerProblem, render } from '../ui/answer.ts'
import {
  answerFeed,
  cursorFields,
  FeedList,
  readFeed,
  sliceOf,
  type FeedView,
} from '../ui/feed.tsx'
import { page } from '../ui/layout.tsx'
import { cardList, type Card } from './tweets/queries.ts'
import { TweetCard } from './tweets/views.tsx'

const queryLengthMax = 200
const tokensMax = 16
/** The number of newest tweets that a LIKE scans, for scripts without spaces between words. */
const scanned = 20_000
const countMax = 100
const withoutSpaces =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u

/** How a search is run: `words` uses the full-text index, `text` a LIKE. */
export type Plan = { by: 'words' | 'text'; match: string }

/** Makes a plan from the typed text; undefined if it contains no word. */
export function planSearch(typed: string): Plan | undefined {
  if (withoutSpaces.test(typed))
    return { by: 'text', match: `%${typed.replace(/[\\%_]/g, '\\$&')}%` }
  const tokens = typed.match(/[\p{L}\p{N}\p{M}]+/gu)?.slice(0, tokensMax) ?? []
  const last = tokens.at(-1)
  if (last === undefined) return undefined
  const quoted = tokens.map((token) => `"${token}"`)
  // The index has prefixes of 2 to 4 characters; a longer prefix would read all words that begin with it.
  const isPrefix = last.length >= 2 && last.length <= 4
  return { by: 'words', match: quoted.join(' ') + (isPrefix ? '*' : '') }
}

const match = sql.placeholder('match')
// `raw` is safe: the numbers are constants.
const sources: Record<Plan['by'], { id: SQL; from: SQL }> = {
  words: { id: sql`rowid`, from: sql`tweets_fts where tweets_fts match ${match}` },
  text: {
    id: sql`id`,
    from: sql`(select id, msg from tweets order by id desc limit ${sql.raw(String(scanned))}) where msg like ${match} escape '\\'`,
  },
}

const queriesOf = ({ id, from }: { id: SQL; from: SQL }) => ({
  list: cardList({ id, from }),
  count: prepared((db: Db) =>
    db
      .select({ count: sql<number>`count(*)` })
      .from(sql`(select 1 from ${from} limit ${sql.raw(String(countMax + 1))})`)
      .prepare(),
  ),
})
const queries = { words: queriesOf(sources.words), text: queriesOf(sources.text) }

const countMatches = async (db: Db, plan: Plan) =>
  (await queries[plan.by].count(db).get({ match: plan.match }))?.count ?? 0

const howMany = (count: number) =>
  count > countMax ? `${countMax}+ tweets found` : `${counted(count, 'tweet')} found`

/** A refusal replaces the results: the results of the previous search must not stay. */
const shownInPlace = { 'hx-status:429': 'swap:innerHTML', 'hx-status:50x': 'swap:innerHTML' }

const SearchField = ({ q }: { q: string }) => (
  <form
    class='search-form'
    role='search'
    action='/search'
    hx-get='/search'
    hx-trigger="submit, input changed delay:250ms from:'find input'"
    hx-target='#results'
    hx-replace-url='true'
    hx-sync='this:replace'
    {...shownInPlace}
  >
    <label class='vh' for='q'>
      Search tweets
    </label>
    <input
      class='search-input'
      id='q'
      type='search'
      name='q'
      value={q}
      maxlength={queryLengthMax}
      placeholder='Search tweets'
      autofocus={q === ''}
    />
    <button class='btn quiet'>Search</button>
  </form>
)

const searchQuery = query({ ...cursorFields, q: v.optional(v.string(), '') })
/** The search page: field, number of results, list. */
const searchPage = (q: string, status: Child, list?: Child) => (
  <>
    <h1>Search</h1>
    <SearchField q={q} />
    <div id='results'>
      {status}
      {list}
    </div>
  </>
)

const searchAgain: Redisplay = (c, { q = '' }, { form: sentence = '' }, status) =>
  answerProblem(c, status, sentence, () => {
    const line = (
      <p class='count problem' role='status'>
        {sentence}
      </p>
    )
    return clientKind(c) === 'partial'
      ? render(c, line)
      : page(c, { title: 'Search', searching: true }, searchPage(q, line))
  })

const whole = limited('LIMIT_SEARCH')
const whileTyping = limited('LIMIT_SEARCH_TYPING')

/** Search as you type sends a request for each pause in typing: these partials have their own, higher limit. */
const limitedSearch = createMiddleware<Env>((c, next) => {
  const isTyped = clientKind(c) === 'partial' && c.req.query('before') === undefined
  return isTyped ? whileTyping(c, next) : whole(c, next)
})

export const searchRoutes = router().get(
  '/search',
  traced('search.read'),
  signedIn,
  keepsForm(searchAgain),
  limitedSearch,
  searchQuery,
  async (c) => {
    const { db, viewer } = c.var
    const asked = c.req.valid('query')
    const checked = v.safeParse(v.pipe(text, v.maxLength(queryLengthMax)), asked.q)
    const q = checked.success ? checked.output : ''
    const plan = checked.success ? planSearch(q) : undefined
    const slice = sliceOf(asked)
    const feed = plan
      ? await readFeed(slice, queries[plan.by].list(db), { match: plan.match, viewer: viewer.id })
      : { rows: [], more: false, newer: false }
    const isContinued = clientKind(c) === 'partial' && slice.before !== undefined
    const count = plan && !isContinued ? await countMatches(db, plan) : 0
    const sentence = plan
      ? howMany(count)
      : asked.q && !checked.success
        ? 'These words cannot be searched for.'
        : 'Please enter search keywords'
    const line = (
      <p class='count' role='status'>
        {sentence}
      </p>
    )
    const view: FeedView<Card> = {
      label: 'Search results',
      path: '/search',
      q,
      head: { title: q ? `${q} - Search` : 'Search', searching: true },
      item: (card, position) => TweetCard({ card, viewer, position }),
      empty: plan ? (
        <p>Nothing has these words. Fewer or shorter words find more.</p>
      ) : (
        <p>Look for words, names or #tags.</p>
      ),
      around: (list) => searchPage(q, line, list),
    }
    if (clientKind(c) !== 'partial' || isContinued) return answerFeed(c, slice, feed, view)
    return render(
      c,
      <>
        {line}
        <FeedList slice={slice} feed={feed} view={view} />
      </>,
    )
  },
)

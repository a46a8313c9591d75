// All lists of tweets and people: read by cursor, shown with "Load more", continued as a partial.
import type { Context } from 'hono'
import type { Child } from 'hono/jsx'
import * as v from 'valibot'

import type { Bound } from '../db/db.ts'
import { isGone } from '../db/deletions.ts'
import { clientKind, type Env } from '../http/context.ts'
import { query } from '../http/validation.ts'
import { render } from './answer.ts'
import { html } from './html.ts'
import { page } from './layout.tsx'

/**
 * The part of a list to read: from the top, from below the cursor `before` (in the address `after`, where the oldest come
 * first), or from the top down to the cursor `through`. `from` is the position of its first item, from 1.
 */
export type Slice = {
  before?: number | undefined
  through?: number | undefined
  limit: number
  from: number
}

const sliceSize = 20
const sliceMax = 100
const throughMax = 200
/** So many slices are read for one where most authors are hidden. */
const slicesMax = 3
const autoLoads = 5

/** An id as a place in a list. */
export const place = v.pipe(
  v.string(),
  v.regex(/^\d{1,15}$/, 'There is no such place in this list.'),
  v.transform(Number),
)
const whole = v.optional(place)

/** The query parameters of each list. */
export const cursorFields = { before: whole, through: whole, limit: whole, from: whole }

/** Validates the cursors of a list. */
export const feedQuery = query(cursorFields)

/** The same for a list whose oldest come first. */
export const oldestFirstQuery = query({ after: whole, through: whole, limit: whole, from: whole })

/** Makes a slice of validated query parameters; limits its size to 1 to 100 rows. */
export const sliceOf = (
  asked: Partial<Record<'before' | 'after' | 'through' | 'limit' | 'from', number | undefined>>,
): Slice => ({
  before: asked.before ?? asked.after,
  through: asked.through,
  limit: Math.min(Math.max(asked.limit ?? sliceSize, 1), sliceMax),
  from: Math.max(asked.from ?? 1, 1),
})

type Placed = { cursor: number; hidden?: boolean } & Parameters<typeof isGone>[0]

/**
 * The rows of one slice, in order of the list; `more`: older rows exist; `newer`: newer rows were left out; `first`, `end`:
 * the cursors of the first and the last row that were read, also where they are not shown.
 */
export type Feed<Row> = {
  rows: Row[]
  more: boolean
  newer: boolean
  first?: number | undefined
  end?: number | undefined
}

/** A prepared query that reads a list in one direction; `readFeed` binds `cursor` and `limit`. */
type Query<Row> = { all: (bound: Bound) => Promise<Row[]> }

/**
 * Rows that are gone, and those of authors whom the reader hides, are counted with a slice and then left out, so that the
 * list goes on below them.
 */
const isThere = (row: Placed) => row.hidden !== true && !isGone(row)
const isNotGone = (row: Placed) => !isGone(row)

/** `keepsHidden`: a conversation, which shows that there is something hidden. */
type Queries<Row> = { older: Query<Row>; upTo: Query<Row>; keepsHidden?: boolean }

/**
 * Reads a slice with one of two queries: `older` gives the rows below a cursor, newest first; `upTo` gives the rows
 * from a cursor on, oldest first (at most 200), so that Reload and Back show the list down to the same row. Where the
 * oldest come first, it is the other way round; `top` is a cursor above the list.
 */
export async function readFeed<Row extends Placed>(
  { before, through, limit }: Slice,
  { older, upTo, keepsHidden = false }: Queries<Row>,
  bound: Bound,
  top = Number.MAX_SAFE_INTEGER,
): Promise<Feed<Row>> {
  const isShown = keepsHidden ? isNotGone : isThere
  if (through !== undefined && before === undefined) {
    const rows = await upTo.all({ cursor: through, limit: throughMax + 1, ...bound })
    const newer = rows.length > throughMax
    const shown = rows.slice(0, throughMax).toReversed()
    return {
      rows: shown.filter(isShown),
      more: rows.length > 0,
      newer,
      first: shown[0]?.cursor,
      end: shown.at(-1)?.cursor,
    }
  }
  const cursor = before ?? top
  // The spread comes last: an object literal that begins with a spread is slower, 2 % of the time of a timeline.
  let rows = await older.all({ cursor, limit: limit + 1, ...bound })
  const shown = rows.slice(0, limit).filter(isShown)
  let end = rows.slice(0, limit).at(-1)?.cursor
  const first = rows[0]?.cursor
  // Where most is left out, the next rows fill the slice. A few missing ones are not worth another query.
  for (let read = 1; read < slicesMax && rows.length > limit && shown.length < limit / 2; read++) {
    rows = await older.all({ cursor: end!, limit: limit + 1, ...bound })
    const part = rows.slice(0, limit)
    const fitting = part.filter(isShown).slice(0, limit - shown.length)
    shown.push(...fitting)
    end = (shown.length === limit ? fitting : part).at(-1)!.cursor
  }
  return { rows: shown, more: rows.at(-1)?.cursor !== end, newer: false, first, end }
}

export type FeedView<Row> = {
  /** The accessible name of the list. */
  label: string
  /** The path of the list, and the search words `q` if it is a search. */
  path: string
  q?: string
  type?: string | undefined
  /** A conversation: read from its beginning. */
  oldestFirst?: boolean
  /** One `<article>`; `position` counts from 1. */
  item: (row: Row, position: number) => Child
  /** Shown instead of an empty list. */
  empty: Child
  head: Parameters<typeof page>[1]
  /** What a program gets instead of the page: a list of this name, of its rows. */
  json?: { name: string; row: (row: Row) => unknown }
  /** The page around the list; default: its title as a heading, then the list. */
  around?: (list: Child) => Child
}

/** Answers with the page of a list, with its next slice for htmx, or with JSON where the list has one. */
export function answerFeed<Row extends Placed>(
  c: Context<Env>,
  slice: Slice,
  feed: Feed<Row>,
  view: FeedView<Row>,
) {
  if (view.json && clientKind(c) === 'program') {
    const { name, row } = view.json
    return c.json({ [name]: feed.rows.map(row), before: feed.more ? feed.end : null })
  }
  if (clientKind(c) !== 'partial' || slice.before === undefined) {
    const around =
      view.around ??
      ((list: Child) =>
        html`<h1>${view.head.title}</h1>
          ${list}`)
    return page(c, view.head, () => around(FeedList({ slice, feed, view })))
  }
  if (feed.end !== undefined) c.header('HX-Replace-Url', address(view, { through: feed.end }))
  return render(c, () => (
    <>
      <More slice={slice} feed={feed} view={view} />
      <hx-partial hx-target='#feed' hx-swap='beforeend'>
        {feed.rows.map((row, index) => view.item(row, slice.from + index))}
      </hx-partial>
    </>
  ))
}

type ListView<Row> = Omit<FeedView<Row>, 'head' | 'json' | 'around'>
type ListProps<Row> = { slice: Slice; feed: Feed<Row>; view: ListView<Row> }

/** A link to newer items, the items, the text for an empty list, and "Load more". */
export const FeedList = <Row extends Placed>({ slice, feed, view }: ListProps<Row>) => {
  const items = feed.rows.map((row, index) => view.item(row, slice.from + index))
  const named = items.length > 0 && html`role="feed" aria-label="${view.label}"`
  const isBelow = feed.newer || slice.before !== undefined
  // Nothing stands around the items: the style sheet shows the text for an empty list while there are none.
  return html`${isBelow && html`<p class="newer"><a href="${address(view, {})}">${view.oldestFirst ? 'Earlier' : 'Newer'}</a></p>`}
    <div id="feed" data-label="${view.label}" ${named}>${items}</div>
    <div class="empty-state">${view.empty}</div>
    ${More({ slice, feed, view })}`
}

/** Loads when scrolled near, five times; then only when clicked, so that the end of the page can be reached. */
const More = <Row extends Placed>({ slice, feed, view }: ListProps<Row>) => {
  const from = slice.from + feed.rows.length
  if (!feed.more || feed.end === undefined)
    return html`<div id="more" class="end">${from > 1 && 'That is all.'}</div>`
  const size = slice.limit === sliceSize ? {} : { limit: slice.limit }
  const cursor = view.oldestFirst ? 'after' : 'before'
  const next = address(view, { [cursor]: feed.end, from, ...size })
  const loadsByItself = from <= autoLoads * slice.limit + 1
  return html`<div id="more">
    <a
      class="btn quiet"
      href="${next}"
      hx-get="${next}"
      hx-trigger="${loadsByItself ? 'intersect once rootMargin:600px, click' : 'click'}"
      hx-target="#more"
      hx-swap="outerHTML"
      >Load more</a
    >
  </div>`
}

function address(
  { path, q, type }: { path: string; q?: string; type?: string | undefined },
  cursors: Record<string, number>,
): string {
  const all = { ...(q && { q }), ...(type && { type }), ...cursors }
  const search = Object.entries(all).map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
  return search.length === 0 ? path : `${path}?${search.join('&')}`
}

/** A message that is shown for some seconds, as part of an answer to htmx. */
export const Toast = ({ children }: { children: string }) => (
  <hx-partial hx-target='#toasts' hx-swap='beforeend'>
    <p class='toast'>{children}</p>
  </hx-partial>
)

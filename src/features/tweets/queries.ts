import { eq, sql, type SQL, type SQLWrapper } from 'drizzle-orm'

import { rowsFrom, type Read } from '../../db/column-list.ts'
import { prepared, type Bound, type Db } from '../../db/db.ts'
import { isGone } from '../../db/deletions.ts'
import { shownName } from '../../db/hidden.ts'
import { listedUser } from '../../db/listed-user.ts'
import { tweets, users } from '../../db/schema/index.ts'
import type { Feed } from '../../ui/feed.tsx'
import { bookmarkColumns } from '../bookmarks.tsx'
import { likeColumns } from '../favorites.tsx'
import { previewColumn, showsPreviews } from '../previews/column.ts'
import { retweetColumns } from '../retweets.tsx'

const placeInList = sql<number>`ids.cursor`
const ownId = sql<number>`ids.id`
// One column for three flags, and one for what most tweets do not have: each column of a row costs as much as its value.
/** What the viewer did with it: a bit for each action. */
const mine = sql<number>`(${likeColumns.liked} + 2 * ${retweetColumns.retweeted} + 4 * ${bookmarkColumns.bookmarked})`
const [likedBit, retweetedBit, bookmarkedBit] = [1, 2, 4]
const isThere = sql.raw("<> '' and author.suspended_at is null")
/** JSON of `Links`, because two equal texts are the same card; null for a tweet without any. */
const linked = sql<
  string | null
>`iif(coalesce(ids.retweet_of, tweets.reply_to, tweets.quote_of) is null, null, json_object(
  'passer', json((select json_array(passer.id, iif(passer.suspended_at is null, passer.name, ''), passer.handle)
    from users passer where passer.id = iif(ids.retweet_of is null, null, ids.user_id))),
  'replyTo', tweets.reply_to,
  'repliedHandle', (select author.handle from tweets parent join users author on author.id = parent.user_id
    where parent.id = tweets.reply_to and parent.msg ${isThere}),
  'quoteOf', tweets.quote_of,
  'quoted', json((select json_array(author.id, author.name, author.handle, quoted.msg) from tweets quoted
    join users author on author.id = quoted.user_id where quoted.id = tweets.quote_of and quoted.msg ${isThere}))))`

const hiddenOf = (authors: SQL) => sql`exists (select 1 from hidden
  where hidden.viewer_id = ${sql.placeholder('viewer')} and hidden.author_id in (${authors},
    (select quoted.user_id from tweets quoted where quoted.id = tweets.quote_of)))`
/** Does the viewer hide who wrote this, who passed it on, or who is quoted in it? */
const hiddenColumn = hiddenOf(sql`tweets.user_id, ids.user_id`).mapWith(Boolean)
/** The same where the list has left out whom the viewer hides: who is quoted, or who wrote what others passed on. */
const hiddenInside = sql`iif(coalesce(ids.retweet_of, tweets.quote_of) is null, 0,
  ${hiddenOf(sql`tweets.user_id`)})`.mapWith(Boolean)

/** The columns that a card shows; bind `viewer` (0 for a visitor without an account). */
export const cardColumns = (read: Read) => ({
  cursor: read(placeInList),
  /** The id of the row in the list: of a retweet, not that of its original. */
  row: read(ownId),
  /** The id of the tweet, for a retweet of its original. */
  id: read(tweets.id),
  msg: read(tweets.msg),
  createdAt: read(tweets.createdAt),
  userId: read(tweets.userId),
  name: read(shownName),
  handle: read(users.handle),
  likeCount: read(likeColumns.likeCount),
  retweetCount: read(retweetColumns.retweetCount),
  replyCount: read(tweets.replyCount),
  mine: read(mine),
  linked: read(linked),
})

export type Card = ReturnType<typeof cardColumns> & {
  /** JSON of `Preview`; undefined with LINK_PREVIEWS=0. */
  preview?: string | null
  /** Only where the viewer hides somebody. */
  hidden?: boolean
}
/** What a card shows of a tweet that it quotes. */
export type Quoted = [userId: number, name: string, handle: string, msg: string]
/** Who passed a tweet on, what it answers and what it quotes; the texts are null where that is gone. */
export type Links = {
  passer: [id: number, name: string, handle: string] | null
  replyTo: number | null
  repliedHandle: string | null
  quoteOf: number | null
  quoted: Quoted | null
}
const none: Links = {
  passer: null,
  replyTo: null,
  repliedHandle: null,
  quoteOf: null,
  quoted: null,
}

export const linksOf = ({ linked: text }: Pick<Card, 'linked'>): Links =>
  text === null ? none : (JSON.parse(text) as Links)

/** What the viewer did with the tweet of a card. */
export const actionsOf = ({ mine: bits }: Pick<Card, 'mine'>) => ({
  liked: (bits & likedBit) > 0,
  retweeted: (bits & retweetedBit) > 0,
  bookmarked: (bits & bookmarkedBit) > 0,
})

type Order = 'asc' | 'desc'
/**
 * A SELECT whose rows have `retweet_of` and `user_id`, too: those that may be retweets show their originals. `seen`: it has
 * left out rows of people whom the viewer hides.
 */
export type MixedIds = { mixed: SQL; seen?: boolean }
const isMixed = (ids: SQL | MixedIds): ids is MixedIds => 'mixed' in ids

/** Derives from one list of columns how cards are read, compared and cached. */
export function cardsFrom<C extends Card>(list: (read: Read) => C) {
  const withPreview = (read: Read): C => {
    const row: C = list(read)
    row.preview = read(previewColumn)
    return row
  }
  const withHidden = (columns: (read: Read) => C, column: SQL<boolean>) =>
    rowsFrom((read) => {
      const row = columns(read)
      const isHidden = read(column)
      // A card that is not hidden is the same card for everybody.
      if (isHidden) row.hidden = isHidden
      return row
    })
  const plain = rowsFrom(list)
  const previewed = rowsFrom(withPreview)
  /**
   * Reads the cards that `ids` selects (a SELECT of `id` and `cursor`, of tweets that are no retweets). The ids are
   * selected in a subquery and the joins are outside: in a single SELECT the planner starts from the users and takes 400
   * times as long (docs/decisions/0005).
   */
  function cardsOf(db: Db, ids: SQL | MixedIds, order: Order) {
    const listed = isMixed(ids)
      ? ids.mixed
      : sql`select id, cursor, null as retweet_of, null as user_id from (${ids})`
    const queryOf = ({ columns, toRow }: typeof plain) => ({
      query: db
        .select(columns)
        .from(sql`(${listed}) ids`)
        .innerJoin(tweets, sql`${tweets.id} = coalesce(ids.retweet_of, ids.id)`)
        .innerJoin(users, eq(users.id, tweets.userId))
        .prepare(),
      toRow,
    })
    const isSeen = isMixed(ids) && ids.seen
    const hidingQuery = () =>
      queryOf(
        withHidden(showsPreviews(db) ? withPreview : list, isSeen ? hiddenInside : hiddenColumn),
      )
    const ofAll = queryOf(showsPreviews(db) ? previewed : plain)
    let ofSeen: typeof ofAll | undefined
    // Sorted here: SQLite would copy the rows into a tree for an ORDER BY, although they come in the order of the ids.
    const inOrder =
      order === 'asc' ? (a: C, b: C) => a.cursor - b.cursor : (a: C, b: C) => b.cursor - a.cursor
    /** For a reader who hides nobody (`hiding` is 0 or not bound), the query knows nothing of that. */
    const all = async (bound: Bound) => {
      const { query, toRow } = bound['hiding'] ? (ofSeen ??= hidingQuery()) : ofAll
      return (await query.values(bound)).map(toRow).sort(inOrder)
    }
    /** The first one; undefined if it is hidden (db/deletions.ts). Who calls `all` has to leave those out. */
    const get = async (bound: Bound) => (await all(bound)).slice(0, 1).find((row) => !isGone(row))
    return { all, get }
  }
  const isSame = (one: C, other: C) => one.preview === other.preview && plain.isSame(one, other)
  return { cardsOf, isSame, keyOf: plain.keyOf }
}

export const { cardsOf, isSame, keyOf } = cardsFrom<Card>(cardColumns)

type CardList = {
  /** The id of the tweet. */
  id: SQLWrapper
  /** The column that orders the list; default: the id. */
  cursor?: SQLWrapper
  /** The rest of a SELECT, with a WHERE. */
  from: SQL
  /** As `oldestFirst` of its view; default: newest first. */
  oldestFirst?: boolean
  /** Are retweets among the rows? */
  mixed?: boolean
  /** As in `MixedIds`. */
  seen?: boolean
}

/** The two queries of a list of cards, for `readFeed`. */
export function cardList(list: CardList) {
  const { id, cursor = id, from, oldestFirst = false, mixed = false, seen = false } = list
  const more = mixed ? sql`, retweet_of, user_id` : sql``
  const select = sql`select ${id} as id, ${cursor} as cursor${more} from ${from}`
  const idsOf = (ids: SQL) => (mixed ? { mixed: ids, seen } : ids)
  const at = sql.placeholder('cursor')
  const limit = sql.placeholder('limit')
  const falling = (to: SQL) =>
    idsOf(sql`${select} and ${to} order by ${cursor} desc limit ${limit}`)
  const rising = (to: SQL) => idsOf(sql`${select} and ${to} order by ${cursor} limit ${limit}`)
  return prepared((db: Db) =>
    oldestFirst
      ? {
          older: cardsOf(db, rising(sql`${cursor} > ${at}`), 'asc'),
          upTo: cardsOf(db, falling(sql`${cursor} <= ${at}`), 'desc'),
        }
      : {
          older: cardsOf(db, falling(sql`${cursor} < ${at}`), 'desc'),
          upTo: cardsOf(db, rising(sql`${cursor} >= ${at}`), 'asc'),
        },
  )
}

/** Leaves out the second card of a tweet that a slice has twice, after LIMIT: before it, a sort of all rows is needed. */
export function onceEach(feed: Feed<Card>): Feed<Card> {
  const shown = new Set<number>()
  const rows = feed.rows.filter(({ id }) => shown.size !== shown.add(id).size)
  return { ...feed, rows }
}

const ofUser = sql`${tweets.userId} = ${listedUser}`

/** What a person's followers get to see of them. `in_timeline = 1` as its index has it. */
export const tweetsOfUser = cardList({
  id: tweets.id,
  from: sql`${tweets} where in_timeline = 1 and ${ofUser}`,
  mixed: true,
})

export const repliesOfUser = cardList({
  id: tweets.id,
  from: sql`${tweets} where ${tweets.replyTo} is not null and ${ofUser}`,
})

const oneTweet = prepared((db: Db) => {
  const one = sql`select id, id as cursor, retweet_of, user_id from ${tweets} where id = ${sql.placeholder('id')}`
  return cardsOf(db, { mixed: one }, 'desc')
})

/** Finds a tweet; of a retweet, its original, with the id of the retweet as `row`. */
export const findTweet = (db: Db, viewer: number, id: number) => oneTweet(db).get({ viewer, id })

/** A tweet that has just been written, then the one that it answers. */
const tweetAndParent = prepared((db: Db) => {
  const id = sql.placeholder('id')
  const both = sql`select ${id} as id, 1 as cursor
    union all select ${tweets.replyTo}, 0 from ${tweets} where ${tweets.id} = ${id}`
  return cardsOf(db, both, 'desc')
})

/** The card of a new tweet, and that of the tweet that it answers. */
export async function findNew(db: Db, viewer: number, id: number) {
  const [card, parent] = await tweetAndParent(db).all({ viewer, id })
  return { card, parent: parent && !isGone(parent) ? parent : undefined }
}

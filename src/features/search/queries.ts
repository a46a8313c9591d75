// Full-text search, newest first, and people. Every query is bounded: what only a look at the text can tell is looked for
// in so many rows.
import { sql, type SQL } from 'drizzle-orm'

import { prepared, type Bound, type Db } from '../../db/db.ts'
import { notHidden } from '../../db/hidden.ts'
import { users } from '../../db/schema/index.ts'
import type { Reader } from '../../http/sessions.ts'
import { readFeed, type Feed, type Slice } from '../../ui/feed.tsx'
import { personColumns, type Person } from '../follows/queries.ts'
import { cardsOf, type Card } from '../tweets/queries.ts'
import type { PeoplePlan, Plan } from './plan.ts'

/** How many rows a LIKE looks through, and how many texts are read here. */
const scanned = 20_000
const readMax = 2000
/** How many people that fit are put in order. */
const rankedMax = 2000
/** Tweets are counted so far. */
export const countMax = 100

type TweetIndex = 'tweets_fts' | 'tweets_search'
type Shape = { index: TweetIndex; hasMatch: boolean; pieces: number; hasTag: boolean }

const bound = sql.placeholder
// `raw`: names and numbers of ours, here and below.
const number = (value: number) => sql.raw(String(value))

/** A query of each shape is built once. */
function ofShape<S, T>(build: (shape: S) => T): (shape: S) => T {
  const built = new Map<string, T>()
  return (shape) => {
    const key = JSON.stringify(shape)
    const known = built.get(key) ?? build(shape)
    built.set(key, known)
    return known
  }
}

/** A placeholder for each piece: `piece0`, `piece1` … */
const fits = (column: 'msg' | 'name', pieces: number) =>
  Array.from(
    { length: pieces },
    (_, at) => sql`${sql.raw(column)} like ${bound(`${column}${at}`)} escape '\\'`,
  )
const boundPieces = (column: 'msg' | 'name', pieces: string[]): Bound =>
  Object.fromEntries(pieces.map((piece, at) => [`${column}${at}`, piece]))

type Way = { at: SQL; order: 'asc' | 'desc' }
const older: Way = { at: sql`< ${bound('cursor')}`, order: 'desc' }
const upTo: Way = { at: sql`>= ${bound('cursor')}`, order: 'asc' }

/** The rest of a SELECT of `id` and `msg`: tweets that fit, but for what only a look at the text tells. */
function fitting({ index, hasMatch, pieces, hasTag }: Shape, { at, order }: Way): SQL {
  const direction = sql.raw(order)
  const most = number(pieces > 0 || hasTag ? scanned : readMax)
  const rows = hasMatch
    ? sql`(select rowid as found from ${sql.raw(index)} where ${sql.raw(index)} match ${bound('match')}
        and rowid ${at} order by rowid ${direction} limit ${most}) cross join tweets on tweets.id = found`
    : sql`(select id, msg from tweets order by id desc limit ${number(scanned)})`
  const conditions = [
    sql`id ${at}`,
    ...fits('msg', pieces),
    ...(hasTag ? [sql`(instr(msg, '#') or instr(msg, '＃'))`] : []),
  ]
  return sql`${rows} where ${sql.join(conditions, sql` and `)} order by id ${direction}`
}

/** Words alone are answered by the index. */
const isPlain = ({ hasMatch, pieces, hasTag }: Shape) => hasMatch && pieces === 0 && !hasTag

const ids = (shape: Shape, way: Way) =>
  isPlain(shape)
    ? sql`select rowid as id, rowid as cursor from ${sql.raw(shape.index)} where ${sql.raw(shape.index)} match ${bound('match')}
        and rowid ${way.at} order by rowid ${sql.raw(way.order)} limit ${bound('limit')}`
    : sql`select id, id as cursor from ${fitting(shape, way)} limit ${bound('limit')}`

const lists = ofShape((shape: Shape) =>
  prepared((db) => ({
    older: cardsOf(db, ids(shape, older), 'desc'),
    upTo: cardsOf(db, ids(shape, upTo), 'asc'),
  })),
)

const texts = ofShape((shape: Shape) =>
  prepared((db: Db) => {
    const read = (way: Way) =>
      db
        .select({ id: sql<number>`id`, msg: sql<string>`msg` })
        .from(sql`(select id, msg from ${fitting(shape, way)} limit ${number(readMax)})`)
        .prepare()
    return { older: read(older), upTo: read(upTo) }
  }),
)

const named = prepared((db: Db) => {
  const all = sql`select value as id, value as cursor from json_each(${bound('ids')})`
  return { older: cardsOf(db, all, 'desc'), upTo: cardsOf(db, all, 'asc') }
})

/** Where and for whom is searched. */
export type Search = { db: Db; index: TweetIndex; reader: Reader; slice: Slice }
/** `count` where it is known already: how many tweets fit in all. */
type Found = { feed: Feed<Card>; count?: number }

const shapeOf = (index: TweetIndex, plan: Plan): Shape => ({
  index,
  hasMatch: plan.match !== '',
  pieces: plan.pieces.length,
  hasTag: plan.hasTag,
})

/** Reads a slice of the tweets that fit a plan. */
export async function findTweets({ db, index, reader, slice }: Search, plan: Plan): Promise<Found> {
  const shape = shapeOf(index, plan)
  const binds = { match: plan.match, ...boundPieces('msg', plan.pieces), ...reader }
  let count: number | undefined
  const checked = (way: 'older' | 'upTo') => ({
    async all({ limit, ...rest }: Bound) {
      const rows = await texts(shape)(db)[way].all(rest)
      const enough = Math.max(Number(limit), countMax + 1)
      const found: number[] = []
      for (const { id, msg } of rows) {
        if (found.length === enough) break
        if (plan.checks.every((check) => check(msg))) found.push(id)
      }
      count = found.length
      const shown = JSON.stringify(found.slice(0, Number(limit)))
      return named(db)[way].all({ ids: shown, ...reader })
    },
  })
  const ways =
    plan.checks.length > 0 ? { older: checked('older'), upTo: checked('upTo') } : lists(shape)(db)
  const feed = await readFeed(slice, ways, binds)
  const isWhole = slice.before === undefined && slice.through === undefined
  if (isWhole && count === undefined && !feed.more) count = feed.rows.length
  return { feed, ...(isWhole && count !== undefined && { count }) }
}

type PeopleShape = { hasMatch: boolean; pieces: number; hides: boolean }
const peopleShape = ({ match, pieces }: PeoplePlan, { hiding }: Reader): PeopleShape => ({
  hasMatch: match !== '',
  pieces: pieces.length,
  hides: hiding > 0,
})
const boundPeople = ({ match, pieces, handle }: PeoplePlan, { viewer }: Reader): Bound => ({
  people: match,
  ...boundPieces('name', pieces),
  handle,
  viewer,
})

/** Whose handle it is comes first, then who has most followers. It is the cursor, too, of 15 digits at most. */
const place = sql<number>`iif(users.handle = ${bound('handle')}, 9999999, min(users.follower_count, 9999998)) * 100000000 + users.id`

/** People that fit, as `hits.found`: the newest of them, where they are many. */
function peopleFitting({ hasMatch, pieces, hides }: PeopleShape) {
  const rows = hasMatch
    ? sql`(select rowid as found from people_search where people_search match ${bound('people')}
        order by rowid desc limit ${number(pieces > 0 ? scanned : rankedMax)}) hits`
    : sql`(select id as found from users order by id desc limit ${number(scanned)}) hits`
  const conditions = [
    sql`users.suspended_at is null`,
    ...fits('name', pieces),
    ...(hides ? [notHidden] : []),
  ]
  return { rows, isShown: sql.join(conditions, sql` and `) }
}

const people = ofShape((shape: PeopleShape) =>
  prepared((db: Db) => {
    const { rows, isShown } = peopleFitting(shape)
    const list = ({ at, order }: Way) =>
      db
        .select({ ...personColumns, cursor: place })
        .from(rows)
        .innerJoin(users, sql`users.id = hits.found`)
        .where(sql`${isShown} and ${place} ${at}`)
        .orderBy(sql`${place} ${sql.raw(order)}`)
        .limit(bound('limit'))
        .prepare()
    return { older: list(older), upTo: list(upTo) }
  }),
)

/** Reads a slice of the people that fit a plan. */
export const findPeople = ({ db, reader, slice }: Omit<Search, 'index'>, plan: PeoplePlan) =>
  readFeed(slice, people(peopleShape(plan, reader))(db), boundPeople(plan, reader))

const everything: Way = { ...older, at: sql`< 9000000000000000` }
/** How many tweets fit, up to one more than `countMax`. */
const counting = (shape: Shape) => sql<number>`(select count(*) from (${ids(shape, everything)}))`

const count = ofShape((shape: Shape) =>
  prepared((db: Db) =>
    db
      .select({ count: counting(shape) })
      .from(sql`(select 1)`)
      .prepare(),
  ),
)

const above = ofShape(({ tweets, people: shape }: { tweets?: Shape; people: PeopleShape }) =>
  prepared((db: Db) => {
    const { rows, isShown } = peopleFitting(shape)
    return db
      .select({ count: tweets ? counting(tweets) : sql<number>`0`, ...personColumns })
      .from(sql`(select 1)`)
      .leftJoin(
        users,
        sql`users.id in (select users.id from ${rows} cross join users on users.id = hits.found
          where ${isShown} order by ${place} desc limit 3)`,
      )
      .orderBy(sql`${place} desc`)
      .prepare()
  }),
)

type Above = { tweets: Plan; people: PeoplePlan | undefined; known: number | undefined }

/** What stands above the list of tweets, read at once: a few people, and how many tweets fit. */
export async function readAbove(
  { db, index, reader }: Search,
  { tweets, people: who, known }: Above,
): Promise<{ count: number; people: Person[] }> {
  const shape = shapeOf(index, tweets)
  const binds = { match: tweets.match, ...boundPieces('msg', tweets.pieces), limit: countMax + 1 }
  if (!who) {
    const counted = known ?? (await count(shape)(db).get(binds))?.count ?? 0
    return { count: counted, people: [] }
  }
  const asked = { ...(known === undefined && { tweets: shape }), people: peopleShape(who, reader) }
  const rows = await above(asked)(db).all({ ...binds, ...boundPeople(who, reader) })
  return {
    count: known ?? rows[0]?.count ?? 0,
    people: rows.filter((row): row is typeof row & Person => row.id !== null),
  }
}

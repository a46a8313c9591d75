// Follow and unfollow, and the lists of followers and followed people.
import { and, asc, desc, eq, gte, lt, ne, sql } from 'drizzle-orm'
import { alias } from 'drizzle-orm/sqlite-core'

import { prepared, type Db } from '../db.ts'
import { answerFeed, feedQuery, readFeed, sliceOf, type Slice } from '../feed.tsx'
import { counted } from '../format.ts'
import { Face } from '../icon.tsx'
import { limited } from '../rate-limits.ts'
import { Refusal } from '../refusal.ts'
import { follows, users } from '../schema.ts'
import { traced } from '../tracing.ts'
import { signedIn, type Viewer } from '../viewer.ts'
import { answer, found, idParam, router } from '../web.ts'

/** What everything that shows a person selects about follows; bind `viewer` (0 for a visitor). */
export const followColumns = {
  followerCount: users.followerCount,
  following: sql<boolean>`exists (select 1 from ${follows} mine where mine.follower_id = ${sql.placeholder('viewer')}
    and mine.followed_id = ${users.id})`.mapWith(Boolean),
}

const personColumns = {
  id: users.id,
  name: users.name,
  handle: users.handle,
  bio: users.bio,
  ...followColumns,
}

export type FollowState = { id: number; name: string; followerCount: number; following: boolean }
export type Person = FollowState & { handle: string; bio: string }

const stateQuery = prepared((db: Db) =>
  db
    .select({ id: users.id, name: users.name, ...followColumns })
    .from(users)
    .where(eq(users.id, sql.placeholder('id')))
    .prepare(),
)

export const followState = (db: Db, viewer: number, id: number) => stateQuery(db).get({ viewer, id })

export async function follow(db: Db, followerId: number, followedId: number): Promise<void> {
  await db.insert(follows).values({ followerId, followedId, createdAt: Date.now() }).onConflictDoNothing()
}

export async function unfollow(db: Db, followerId: number, followedId: number): Promise<void> {
  await db.delete(follows).where(and(eq(follows.followerId, followerId), eq(follows.followedId, followedId)))
}

const mostFollowedQuery = prepared((db: Db) =>
  db
    .select(personColumns)
    .from(users)
    .where(ne(users.id, sql.placeholder('viewer')))
    .orderBy(desc(users.followerCount))
    .limit(5)
    .prepare(),
)

/** The five most followed people: for somebody who follows nobody. */
export const mostFollowed = (db: Db, viewer: number) => mostFollowedQuery(db).all({ viewer })

type Side = 'followers' | 'following'

const list = alias(follows, 'list')

/** The people on one side of somebody's follows, newest follow first; its id is the cursor. */
const people = (side: Side, order: 'asc' | 'desc') => {
  const [mine, theirs] = side === 'followers' ? [list.followedId, list.followerId] : [list.followerId, list.followedId]
  return prepared((db: Db) =>
    db
      .select({ ...personColumns, cursor: list.id })
      .from(list)
      .innerJoin(users, eq(users.id, theirs))
      .where(
        and(
          eq(mine, sql.placeholder('user')),
          order === 'asc' ? gte(list.id, sql.placeholder('cursor')) : lt(list.id, sql.placeholder('cursor')),
        ),
      )
      .orderBy(order === 'asc' ? asc(list.id) : desc(list.id))
      .limit(sql.placeholder('limit'))
      .prepare(),
  )
}

const sides = {
  followers: { older: people('followers', 'desc'), upTo: people('followers', 'asc') },
  following: { older: people('following', 'desc'), upTo: people('following', 'asc') },
}

/** A slice of somebody's followers, or of the people that somebody follows. */
export const readPeople = (db: Db, side: Side, { user, viewer, slice }: { user: number; viewer: number; slice: Slice }) =>
  readFeed(slice, {
    older: (bounds) => sides[side].older(db).all({ user, viewer, ...bounds }),
    upTo: (bounds) => sides[side].upTo(db).all({ user, viewer, ...bounds }),
  })

export const FollowButton = ({ id, name, following }: FollowState) => {
  const path = `/${following ? 'unfollow' : 'follow'}/${id}`
  return (
    <form class={following ? 'follow on' : 'follow'} method='post' action={path} hx-post={path} hx-swap='outerHTML' hx-sync='this:drop'>
      <button id={`follow-${id}`} class={following ? 'btn quiet' : 'btn'} aria-pressed={following} aria-label={`Follow ${name}`}>
        <span class='now'>{following ? 'Following' : 'Follow'}</span>
        <span class='then'>{following ? 'Follow' : 'Following'}</span>
      </button>
    </form>
  )
}

type PersonProps = { person: Person; viewer: Viewer | undefined; position?: number }

/** One person in a list. */
export const PersonCard = ({ person, viewer, position }: PersonProps) => (
  <article
    class='user-item'
    data-user-id={person.id}
    id={`user-${person.id}`}
    tabindex={position === undefined ? undefined : 0}
    aria-labelledby={`name-${person.id}`}
    aria-posinset={position}
    aria-setsize={position === undefined ? undefined : -1}
  >
    <a class='face-link' href={`/@${person.handle}`} tabindex={-1} aria-hidden='true'>
      <Face id={person.id} />
    </a>
    <div class='about'>
      <p class='by' id={`name-${person.id}`}>
        <a class='username' href={`/@${person.handle}`}>
          <bdi>{person.name}</bdi>
        </a>{' '}
        <span class='handle'>@{person.handle}</span>
      </p>
      {person.bio && <p class='bio' dir='auto'>{person.bio}</p>}
    </div>
    {viewer && viewer.id !== person.id && <FollowButton {...person} />}
  </article>
)

/** The number of followers on a profile: a part of its own, because following changes it. */
export const FollowerCount = ({ id, followerCount }: Pick<FollowState, 'id' | 'followerCount'>) => (
  <span id={`followers-of-${id}`}>{counted(followerCount, 'follower')}</span>
)

const deed = (verb: 'follow' | 'unfollow') =>
  router().post(`/${verb}/:id{[0-9]+}`, traced(`follows.${verb}`), signedIn, limited('LIMIT_WRITE'), idParam, async (c) => {
    const { db, viewer } = c.var
    const { id } = c.req.valid('param')
    if (verb === 'follow' && id === viewer.id) throw new Refusal(400, 'You cannot follow yourself')
    await (verb === 'follow' ? follow : unfollow)(db, viewer.id, id)
    const state = found(await followState(db, viewer.id, id))
    const onProfile = /\/@[a-z0-9_]+$|\/user\/\d+$/.test(c.req.header('HX-Current-URL')?.split('?')[0] ?? '')
    const partial = (
      <>
        <FollowButton {...state} />
        {onProfile && (
          <hx-partial hx-target={`#followers-of-${id}`} hx-swap='outerHTML'>
            <FollowerCount {...state} />
          </hx-partial>
        )}
      </>
    )
    return answer(c, { partial, to: `#user-${id}` })
  })

const ownList = (side: Side, title: string, empty: string) =>
  router().get(`/${side}`, traced(`follows.${side}`), signedIn, feedQuery, async (c) => {
    const { db, viewer } = c.var
    const slice = sliceOf(c.req.valid('query'))
    const feed = await readPeople(db, side, { user: viewer.id, viewer: viewer.id, slice })
    return answerFeed(c, slice, feed, {
      label: title,
      path: `/${side}`,
      head: { title },
      cursor: (person) => person.cursor,
      item: (person, position) => <PersonCard person={person} viewer={viewer} position={position} />,
      empty: <p>{empty}</p>,
      around: (people) => (
        <>
          <h1>{title}</h1>
          {people}
        </>
      ),
    })
  })

export const followRoutes = router()
  .route('/', deed('follow'))
  .route('/', deed('unfollow'))
  .route('/', ownList('followers', 'Followers', 'Nobody follows you yet. Say something people want to hear more of.'))
  .route('/', ownList('following', 'Following', 'You follow nobody yet. The trends are a good place to find people.'))

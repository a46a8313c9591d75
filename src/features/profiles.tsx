// A person's page: who they are, what they wrote, what they like, who follows them. /@handle is for everybody;
// /user/:id is the original's address of it.
import { eq, sql } from 'drizzle-orm'
import type { Context } from 'hono'
import type { Child } from 'hono/jsx'

import { counted, month } from '../base/format.ts'
import { prepared, type Db } from '../db/db.ts'
import { users } from '../db/schema.ts'
import { type Env, router } from '../http/context.ts'
import { traced } from '../http/request-span.ts'
import { signedIn, type Viewer } from '../http/sessions.ts'
import { found, idParam } from '../http/validation.ts'
import { answerFeed, feedQuery, readFeed, sliceOf, type Slice } from '../ui/feed.tsx'
import { Banner, Face } from '../ui/icon.tsx'
import { followColumns, sides } from './follows/queries.ts'
import { FollowButton, FollowerCount, PersonCard } from './follows/views.tsx'
import { likedBy } from './likes-list.tsx'
import { tweetsOfUser } from './tweets/queries.ts'
import { TweetCard } from './tweets/views.tsx'

const profile = (db: Db) =>
  db
    .select({
      id: users.id,
      name: users.name,
      handle: users.handle,
      bio: users.bio,
      createdAt: users.createdAt,
      tweetCount: users.tweetCount,
      followingCount: users.followingCount,
      favoriteCount: users.favoriteCount,
      ...followColumns,
    })
    .from(users)

const byHandle = prepared((db: Db) =>
  profile(db)
    .where(eq(users.handle, sql.placeholder('handle')))
    .prepare(),
)
const byId = prepared((db: Db) =>
  profile(db)
    .where(eq(users.id, sql.placeholder('id')))
    .prepare(),
)

type Profile = NonNullable<Awaited<ReturnType<ReturnType<typeof byId>['get']>>>

const tabs = [
  { path: '', label: 'Posts' },
  { path: '/likes', label: 'Likes' },
  { path: '/following', label: 'Following' },
  { path: '/followers', label: 'Followers' },
] as const
type Tab = (typeof tabs)[number]['path']

const ProfileHead = ({
  person,
  viewer,
  tab,
}: {
  person: Profile
  viewer: Viewer | undefined
  tab: Tab
}) => (
  <header class='profile' data-user-id={person.id} id={`user-${person.id}`}>
    <Banner id={person.id} />
    <div class='row'>
      <Face id={person.id} large />
      {viewer && viewer.id !== person.id && <FollowButton {...person} />}
      {viewer?.id === person.id && (
        <a class='btn quiet' href='/account'>
          Edit
        </a>
      )}
    </div>
    <h1>
      <bdi>{person.name}</bdi>
    </h1>
    <p class='handle'>@{person.handle}</p>
    {person.bio && (
      <p class='bio' dir='auto'>
        {person.bio}
      </p>
    )}
    <p class='facts'>
      <span>{counted(person.tweetCount, 'post')}</span>
      <a href={`/@${person.handle}/followers`}>
        <FollowerCount {...person} />
      </a>
      <a href={`/@${person.handle}/following`}>
        {counted(person.followingCount, 'followed', 'followed')}
      </a>
      <span>Joined: {month(person.createdAt)}</span>
    </p>
    <nav class='tabs' aria-label='Profile'>
      {tabs.map(({ path, label }) => (
        <a href={`/@${person.handle}${path}`} aria-current={path === tab ? 'page' : undefined}>
          {label}
        </a>
      ))}
    </nav>
  </header>
)

type Asked = { c: Context<Env>; person: Profile; slice: Slice }

const around = ({ c, person }: Asked, tab: Tab) => ({
  path: `/@${person.handle}${tab}`,
  head: {
    title: `${person.name} (@${person.handle})`,
    description: person.bio || `${person.name} writes on Tracewren.`,
    canonical: `/@${person.handle}${tab}`,
  },
  around: (list: Child) => (
    <>
      <ProfileHead person={person} viewer={c.var.visitor} tab={tab} />
      <h2 class='vh'>{tabs.find(({ path }) => path === tab)!.label}</h2>
      {list}
    </>
  ),
})

async function tweetsPage(asked: Asked, tab: '' | '/likes') {
  const { c, person, slice } = asked
  const { db, visitor } = c.var
  const list = tab === '/likes' ? likedBy : tweetsOfUser
  const feed = await readFeed(slice, list(db), { user: person.id, viewer: visitor?.id ?? 0 })
  return answerFeed(c, slice, feed, {
    ...around(asked, tab),
    label: tab === '/likes' ? `Likes of ${person.name}` : `Posts by ${person.name}`,
    item: (card, position) => TweetCard({ card, viewer: visitor, position }),
    empty: (
      <p>
        {tab === '/likes'
          ? `${person.name} likes nothing yet.`
          : `${person.name} has not written anything yet.`}
      </p>
    ),
  })
}

async function peoplePage(asked: Asked, tab: '/followers' | '/following') {
  const { c, person, slice } = asked
  const { db, visitor } = c.var
  const side = tab === '/followers' ? 'followers' : 'following'
  const bound = { user: person.id, viewer: visitor?.id ?? 0 }
  const feed = await readFeed(slice, sides[side](db), bound)
  return answerFeed(c, slice, feed, {
    ...around(asked, tab),
    label: side === 'followers' ? `Followers of ${person.name}` : `Followed by ${person.name}`,
    item: (one, position) => <PersonCard person={one} viewer={visitor} position={position} />,
    empty: (
      <p>
        {side === 'followers'
          ? `Nobody follows ${person.name} yet.`
          : `${person.name} follows nobody yet.`}
      </p>
    ),
  })
}

const ofHandle = async (c: Context<Env>): Promise<Profile> => {
  const handle = c.req.path.slice(2).split('/')[0]!.toLowerCase()
  return found(await byHandle(c.var.db).get({ handle, viewer: c.var.visitor?.id ?? 0 }))
}

export const profileRoutes = router()
  .get('/user/:id{[0-9]+}', traced('profiles.read'), signedIn, idParam, feedQuery, async (c) => {
    const { db, viewer } = c.var
    const person = found(await byId(db).get({ id: c.req.valid('param').id, viewer: viewer.id }))
    return tweetsPage({ c, person, slice: sliceOf(c.req.valid('query')) }, '')
  })
  .get('/:handle{@[A-Za-z0-9_]+}', traced('profiles.read'), feedQuery, async (c) =>
    tweetsPage({ c, person: await ofHandle(c), slice: sliceOf(c.req.valid('query')) }, ''),
  )
  .get('/:handle{@[A-Za-z0-9_]+}/likes', traced('profiles.likes'), feedQuery, async (c) =>
    tweetsPage({ c, person: await ofHandle(c), slice: sliceOf(c.req.valid('query')) }, '/likes'),
  )
  .get('/:handle{@[A-Za-z0-9_]+}/followers', traced('profiles.followers'), feedQuery, async (c) =>
    peoplePage(
      { c, person: await ofHandle(c), slice: sliceOf(c.req.valid('query')) },
      '/followers',
    ),
  )
  .get('/:handle{@[A-Za-z0-9_]+}/following', traced('profiles.following'), feedQuery, async (c) =>
    peoplePage(
      { c, person: await ofHandle(c), slice: sliceOf(c.req.valid('query')) },
      '/following',
    ),
  )

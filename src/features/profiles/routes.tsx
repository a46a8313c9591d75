// A profile: the person, tweets, likes, followed people and followers. /@handle is public; /user/:id is the path that
// the original application has for it.
import type { Context } from 'hono'
import { createMiddleware } from 'hono/factory'
import type { Child } from 'hono/jsx'

import { month } from '../../base/format.ts'
import { type Env, router } from '../../http/context.ts'
import { traced } from '../../http/request-span.ts'
import { readerOf, signedIn, type Viewer } from '../../http/sessions.ts'
import { found, idParam } from '../../http/validation.ts'
import { Count } from '../../ui/counts.tsx'
import { answerFeed, feedQuery, readFeed, sliceOf, type Feed, type Slice } from '../../ui/feed.tsx'
import { Banner, Face } from '../../ui/icon.tsx'
import { sidesSeen, sides } from '../follows/queries.ts'
import { FollowButton, FollowsYou, PersonCard } from '../follows/views.tsx'
import { readHiding, type Hiding } from '../hidden/queries.ts'
import { HidingNote, PersonMenu } from '../hidden/views.tsx'
import { likedBy } from '../likes-list.tsx'
import { onceEach, repliesOfUser, tweetsOfUser } from '../tweets/queries.ts'
import { TweetCard } from '../tweets/views.tsx'
import { byHandle, byId, leadsTo, type Profile } from './queries.ts'

declare module 'hono' {
  interface ContextVariableMap {
    /** Whose page it is: the person with the handle in the path. */
    person: Profile
  }
}

const tabs = [
  { path: '', label: 'Posts' },
  { path: '/replies', label: 'Replies' },
  { path: '/likes', label: 'Likes' },
  { path: '/following', label: 'Following' },
  { path: '/followers', label: 'Followers' },
] as const
type Tab = (typeof tabs)[number]['path']

type HeadProps = { person: Profile; viewer: Viewer | undefined; tab: Tab; hiding: Hiding }

const ProfileHead = ({ person, viewer, tab, hiding }: HeadProps) => (
  <header class='profile' data-user-id={person.id} id={`user-${person.id}`}>
    <Banner id={person.id} />
    <div class='row'>
      <Face id={person.id} large />
      {viewer && viewer.id !== person.id && (person.suspendedAt === null || person.following) && (
        <FollowButton {...person} />
      )}
      {viewer?.id === person.id && (
        <a class='btn quiet' href='/account'>
          Edit
        </a>
      )}
    </div>
    <h1>
      <bdi>{person.name}</bdi>
    </h1>
    <p class='handle'>
      @{person.handle} {person.followsViewer && <FollowsYou />}
    </p>
    {viewer && viewer.id !== person.id && <PersonMenu {...person} {...hiding} viewer={viewer} />}
    <HidingNote {...person} {...hiding} />
    {person.bio && person.suspendedAt === null && (
      <p class='bio' dir='auto'>
        {person.bio}
      </p>
    )}
    <p class='facts'>
      <Count of='tweets' id={person.id} count={person.tweetCount} />
      <a href={`/@${person.handle}/followers`}>
        <Count of='followers' id={person.id} count={person.followerCount} />
      </a>
      <a href={`/@${person.handle}/following`}>
        <Count of='following' id={person.id} count={person.followingCount} />
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
/** `hiding`: what is between the person and the viewer. */
type Shown = Asked & { hiding: Hiding }

const hidingIn = ({ c, person }: Asked) => readHiding(c.var.db, readerOf(c.var.visitor), person.id)

const around = ({ c, person, hiding }: Shown, tab: Tab) => ({
  path: `/@${person.handle}${tab}`,
  head: {
    title: `${person.name} (@${person.handle})`,
    description:
      (person.suspendedAt === null && person.bio) ||
      `${person.name} writes on ${c.var.settings.site.name}.`,
    canonical: `/@${person.handle}${tab}`,
    feed: `/@${person.handle}/feed`,
  },
  around: (list: Child) => (
    <>
      <ProfileHead person={person} viewer={c.var.visitor} tab={tab} hiding={hiding} />
      <h2 class='vh'>{tabs.find(({ path }) => path === tab)!.label}</h2>
      {list}
    </>
  ),
})

/** What a suspended person's profile lists. */
const nothing: Feed<never> = { rows: [], more: false, newer: false }

const tweetTabs = {
  '': { list: tweetsOfUser, label: 'Posts by', empty: 'has not written anything yet.' },
  '/replies': {
    list: repliesOfUser,
    label: 'Replies by',
    empty: 'has not replied to anything yet.',
  },
  '/likes': { list: likedBy, label: 'Likes of', empty: 'likes nothing yet.' },
}

async function tweetsPage(asked: Asked, tab: keyof typeof tweetTabs) {
  const { c, person, slice } = asked
  const { db, visitor } = c.var
  const { list, label, empty } = tweetTabs[tab]
  const hiding = await hidingIn(asked)
  const reader = readerOf(visitor)
  // Who opens the profile of somebody whom they hide wants to see these posts.
  const isOwn = tab !== '/likes' && Object.values(hiding).some(Boolean)
  const bound = { user: person.id, ...reader, ...(isOwn && { hiding: 0 }) }
  const feed =
    person.suspendedAt === null ? onceEach(await readFeed(slice, list(db), bound)) : nothing
  return answerFeed(c, slice, feed, {
    ...around({ ...asked, hiding }, tab),
    label: `${label} ${person.name}`,
    item: (card, position) => TweetCard({ card, viewer: visitor, position }),
    empty: (
      <p>
        {person.suspendedAt === null
          ? `${person.name} ${empty}`
          : 'Posts of a suspended account are not shown.'}
      </p>
    ),
  })
}

async function peoplePage(asked: Asked, tab: '/followers' | '/following') {
  const { c, person, slice } = asked
  const { db, visitor } = c.var
  const side = tab === '/followers' ? 'followers' : 'following'
  const reader = readerOf(visitor)
  const hiding = await hidingIn(asked)
  const lists = reader.hiding ? sidesSeen : sides
  const feed =
    person.suspendedAt === null
      ? await readFeed(slice, lists[side](db), { user: person.id, ...reader })
      : nothing
  return answerFeed(c, slice, feed, {
    ...around({ ...asked, hiding }, tab),
    label: side === 'followers' ? `Followers of ${person.name}` : `Followed by ${person.name}`,
    item: (one, position) => <PersonCard person={one} viewer={visitor} position={position} />,
    empty: (
      <p>
        {person.suspendedAt !== null
          ? 'A suspended account has no lists.'
          : side === 'followers'
            ? `Nobody follows ${person.name} yet.`
            : `${person.name} follows nobody yet.`}
      </p>
    ),
  })
}

/** Finds the person of the handle in the path. A handle of before leads on to the one of now. */
export const atHandle = createMiddleware<Env>(async (c, next) => {
  const [, handle = '', tab = ''] = /^\/(?:@|%40)([^/]+)(.*)$/.exec(c.req.path) ?? []
  const bound = { handle: handle.toLowerCase(), viewer: c.var.visitor?.id ?? 0 }
  const person = await byHandle(c.var.db).get(bound)
  if (!person) {
    const now = found(await leadsTo(c.var.db, bound.handle))
    return c.redirect(`/@${now}${tab}${new URL(c.req.url).search}`, 301)
  }
  c.set('person', person)
  await next()
  return undefined
})

/** Some programs write the sign in percent, as `encodeURIComponent` does. */
export const handle = ':handle{(?:@|%40)[A-Za-z0-9_]+}'

export const profileRoutes = router()
  .get('/user/:id{[0-9]+}', traced('profiles.read'), signedIn, idParam, feedQuery, async (c) => {
    const { db, viewer } = c.var
    const person = found(await byId(db).get({ id: c.req.valid('param').id, viewer: viewer.id }))
    return tweetsPage({ c, person, slice: sliceOf(c.req.valid('query')) }, '')
  })
  .get(`/${handle}`, traced('profiles.read'), feedQuery, atHandle, async (c) =>
    tweetsPage({ c, person: c.var.person, slice: sliceOf(c.req.valid('query')) }, ''),
  )
  .get(`/${handle}/replies`, traced('profiles.replies'), feedQuery, atHandle, async (c) =>
    tweetsPage({ c, person: c.var.person, slice: sliceOf(c.req.valid('query')) }, '/replies'),
  )
  .get(`/${handle}/likes`, traced('profiles.likes'), feedQuery, atHandle, async (c) =>
    tweetsPage({ c, person: c.var.person, slice: sliceOf(c.req.valid('query')) }, '/likes'),
  )
  .get(`/${handle}/followers`, traced('profiles.followers'), feedQuery, atHandle, async (c) =>
    peoplePage({ c, person: c.var.person, slice: sliceOf(c.req.valid('query')) }, '/followers'),
  )
  .get(`/${handle}/following`, traced('profiles.following'), feedQuery, atHandle, async (c) =>
    peoplePage({ c, person: c.var.person, slice: sliceOf(c.req.valid('query')) }, '/following'),
  )

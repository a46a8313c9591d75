// A profile: the person, tweets, likes, followed people and followers. /@handle is public; /user/:id is the path that
// the original application has for it.
import type { Context } from 'hono'
import { createMiddleware } from 'hono/factory'
import type { Child } from 'hono/jsx'

import type { Bound } from '../../db/db.ts'
import { together } from '../../db/together.ts'
import { type Env, router } from '../../http/context.ts'
import { traced } from '../../http/request-span.ts'
import { readerOf, signedIn } from '../../http/sessions.ts'
import { found, idParam } from '../../http/validation.ts'
import { answerFeed, feedQuery, readFeed, sliceOf, type Feed, type Slice } from '../../ui/feed.tsx'
import { sidesSeen, sides } from '../follows/queries.ts'
import { PersonCard } from '../follows/views.tsx'
import { readHiding, type Hiding } from '../hidden/queries.ts'
import { likedBy } from '../likes-list.tsx'
import { onceEach, repliesOfUser, tweetsOfUser } from '../tweets/queries.ts'
import { TweetCard } from '../tweets/views.tsx'
import { byHandle, byId, leadsTo, type Profile } from './queries.ts'
import { ProfileHead, tabs, type Tab } from './views.tsx'

declare module 'hono' {
  interface ContextVariableMap {
    /** Whose page it is: the person with the handle in the path. */
    person: Profile
  }
}

/** Whose profile it is: the `user` with this id, or with 0 the person with the `handle`. */
type Whose = { user: number; handle: string }
type Asked = { c: Context<Env>; whose: Whose; slice: Slice }
/** `hiding`: what is between the person and the viewer. */
type Shown = { c: Context<Env>; person: Profile; hiding: Hiding }

/** What a suspended person's profile lists. */
const nothing: Feed<never> = { rows: [], more: false, newer: false }

/** Reads the person and a list of theirs at once; undefined if there is nobody. */
async function readProfile<Row>(
  { c, whose: { user, handle: named } }: Asked,
  readList: (bound: Bound) => Promise<Feed<Row>>,
) {
  const { db, visitor } = c.var
  const reader = readerOf(visitor)
  const { viewer } = reader
  const [person, list, hiding] = await together(db, () =>
    Promise.all([
      user > 0 ? byId(db).get({ id: user, viewer }) : byHandle(db).get({ handle: named, viewer }),
      readList({ user, handle: named, ...reader }),
      readHiding(db, reader, { user, handle: named }),
    ]),
  )
  if (!person) return undefined
  const feed = person.suspendedAt === null ? list : nothing
  return { c, person, feed, hiding }
}

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
  const { c, slice } = asked
  const { db, visitor } = c.var
  const { list, label, empty } = tweetTabs[tab]
  const keepsHidden = tab !== '/likes'
  const read = await readProfile(asked, (bound) =>
    readFeed(slice, { ...list(db), keepsHidden }, bound),
  )
  if (!read) return leadOn(c)
  const { person, hiding } = read
  // Who opens the profile of somebody whom they hide wants to see these posts.
  const isOwn = keepsHidden && Object.values(hiding).some(Boolean)
  const all = onceEach(read.feed)
  const rows = isOwn
    ? all.rows.map((card) => ({ ...card, hidden: false }))
    : all.rows.filter(({ hidden }) => hidden !== true)
  const feed = { ...all, rows }
  return answerFeed(c, slice, feed, {
    ...around(read, tab),
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
  const { c, slice } = asked
  const { db, visitor } = c.var
  const side = tab === '/followers' ? 'followers' : 'following'
  const lists = readerOf(visitor).hiding ? sidesSeen : sides
  const read = await readProfile(asked, (bound) => readFeed(slice, lists[side](db), bound))
  if (!read) return leadOn(c)
  const { person, feed } = read
  return answerFeed(c, slice, feed, {
    ...around(read, tab),
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

const inPath = (c: Context<Env>) => {
  const [, named = '', tab = ''] = /^\/(?:@|%40)([^/]+)(.*)$/.exec(c.req.path) ?? []
  return { named: named.toLowerCase(), tab }
}

/** Nobody has the handle in the path: one of before leads on to the one of now. */
async function leadOn(c: Context<Env>): Promise<Response> {
  const { named, tab } = inPath(c)
  const now = found(await leadsTo(c.var.db, named))
  return c.redirect(`/@${now}${tab}${new URL(c.req.url).search}`, 301)
}

/** Finds the person of the handle in the path. A handle of before leads on to the one of now. */
export const atHandle = createMiddleware<Env>(async (c, next) => {
  const bound = { handle: inPath(c).named, viewer: c.var.visitor?.id ?? 0 }
  const person = await byHandle(c.var.db).get(bound)
  if (!person) return leadOn(c)
  c.set('person', person)
  await next()
  return undefined
})

/** Some programs write the sign in percent, as `encodeURIComponent` does. */
export const handle = ':handle{(?:@|%40)[A-Za-z0-9_]+}'

type Cursors = Parameters<typeof sliceOf>[0]
const atPath = (c: Context<Env>, cursors: Cursors): Asked => ({
  c,
  whose: { user: 0, handle: inPath(c).named },
  slice: sliceOf(cursors),
})

export const profileRoutes = router()
  .get('/user/:id{[0-9]+}', traced('profiles.read'), signedIn, idParam, feedQuery, (c) => {
    const whose = { user: c.req.valid('param').id, handle: '' }
    return tweetsPage({ c, whose, slice: sliceOf(c.req.valid('query')) }, '')
  })
  .get(`/${handle}`, traced('profiles.read'), feedQuery, (c) =>
    tweetsPage(atPath(c, c.req.valid('query')), ''),
  )
  .get(`/${handle}/replies`, traced('profiles.replies'), feedQuery, (c) =>
    tweetsPage(atPath(c, c.req.valid('query')), '/replies'),
  )
  .get(`/${handle}/likes`, traced('profiles.likes'), feedQuery, (c) =>
    tweetsPage(atPath(c, c.req.valid('query')), '/likes'),
  )
  .get(`/${handle}/followers`, traced('profiles.followers'), feedQuery, (c) =>
    peoplePage(atPath(c, c.req.valid('query')), '/followers'),
  )
  .get(`/${handle}/following`, traced('profiles.following'), feedQuery, (c) =>
    peoplePage(atPath(c, c.req.valid('query')), '/following'),
  )

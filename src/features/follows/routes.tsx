// Follow and unfollow, and the viewer's own lists of followers and followed people.
import type { Context } from 'hono'

import { Refusal } from '../../base/refusal.ts'
import { action } from '../../http/action.ts'
import { cameFrom, type Env, router } from '../../http/context.ts'
import { traced } from '../../http/request-span.ts'
import { signedIn } from '../../http/sessions.ts'
import { found } from '../../http/validation.ts'
import { answer } from '../../ui/answer.ts'
import { MyNewCount, NewCount } from '../../ui/counts.tsx'
import { answerFeed, feedQuery, readFeed, sliceOf, type Slice } from '../../ui/feed.tsx'
import { follow, followState, sides, unfollow, type FollowState, type Side } from './queries.ts'
import { InList, PersonCard, PressedFollow } from './views.tsx'

/** Answers with the button, the numbers that it changes, and the row that it adds to the list of the page or removes. */
function answerFollow(c: Context<Env>, state: FollowState) {
  const { viewer } = c.var
  const partial = (
    <>
      <PressedFollow {...state} />
      <NewCount of='followers' id={state.id} count={state.followerCount} />
      <MyNewCount of='following' id={viewer.id} count={state.viewerFollows} />
      <InList state={state} viewer={viewer} path={cameFrom(c, '/').split('?')[0]!} />
    </>
  )
  return answer(c, { partial, to: `#user-${state.id}` })
}

type OwnList = { side: Side; title: string; empty: string; slice: Slice }

/** The viewer's followers or followed people. */
async function ownList(c: Context<Env>, { side, title, empty, slice }: OwnList) {
  const { db, viewer } = c.var
  const feed = await readFeed(slice, sides[side](db), {
    user: viewer.id,
    handle: '',
    viewer: viewer.id,
  })
  return answerFeed(c, slice, feed, {
    label: title,
    path: `/${side}`,
    head: { title },
    item: (person, position) => <PersonCard person={person} viewer={viewer} position={position} />,
    empty: <p>{empty}</p>,
    around: (list) => (
      <>
        <h1>{title}</h1>
        {list}
      </>
    ),
  })
}

export const followRoutes = router()
  .post('/follow/:id{[0-9]+}', traced('follows.create'), ...action, async (c) => {
    const { db, viewer } = c.var
    const { id } = c.req.valid('param')
    if (id === viewer.id) throw new Refusal(400, 'You cannot follow yourself')
    await follow(db, viewer.id, id)
    return answerFollow(c, found(await followState(db, viewer.id, id)))
  })
  .post('/unfollow/:id{[0-9]+}', traced('follows.delete'), ...action, async (c) => {
    const { db, viewer } = c.var
    const { id } = c.req.valid('param')
    await unfollow(db, viewer.id, id)
    return answerFollow(c, found(await followState(db, viewer.id, id)))
  })
  .get('/followers', traced('follows.followers'), signedIn, feedQuery, (c) =>
    ownList(c, {
      side: 'followers',
      title: 'Followers',
      empty: 'Nobody follows you yet. Say something people want to hear more of.',
      slice: sliceOf(c.req.valid('query')),
    }),
  )
  .get('/following', traced('follows.following'), signedIn, feedQuery, (c) =>
    ownList(c, {
      side: 'following',
      title: 'Following',
      empty: 'You follow nobody yet. The trends are a good place to find people.',
      slice: sliceOf(c.req.valid('query')),
    }),
  )

// Follow and unfollow, and the lists of one's own followers and followed people.
import { answerFeed, feedQuery, sliceOf } from '../../feed.tsx'
import { limited } from '../../rate-limits.ts'
import { Refusal } from '../../refusal.ts'
import { traced } from '../../tracing.ts'
import { signedIn } from '../../viewer.ts'
import { answer, found, idParam, router } from '../../web.ts'
import { follow, followState, readPeople, unfollow, type Side } from './queries.ts'
import { FollowButton, FollowerCount, PersonCard } from './views.tsx'

const deed = (verb: 'follow' | 'unfollow') =>
  router().post(
    `/${verb}/:id{[0-9]+}`,
    traced(`follows.${verb}`),
    signedIn,
    limited('LIMIT_WRITE'),
    idParam,
    async (c) => {
      const { db, viewer } = c.var
      const { id } = c.req.valid('param')
      if (verb === 'follow' && id === viewer.id)
        throw new Refusal(400, 'You cannot follow yourself')
      await (verb === 'follow' ? follow : unfollow)(db, viewer.id, id)
      const state = found(await followState(db, viewer.id, id))
      const onProfile = /\/@[a-z0-9_]+$|\/user\/\d+$/.test(
        c.req.header('HX-Current-URL')?.split('?')[0] ?? '',
      )
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
    },
  )

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
      item: (person, position) => (
        <PersonCard person={person} viewer={viewer} position={position} />
      ),
      empty: <p>{empty}</p>,
      around: (list) => (
        <>
          <h1>{title}</h1>
          {list}
        </>
      ),
    })
  })

export const followRoutes = router()
  .route('/', deed('follow'))
  .route('/', deed('unfollow'))
  .route(
    '/',
    ownList(
      'followers',
      'Followers',
      'Nobody follows you yet. Say something people want to hear more of.',
    ),
  )
  .route(
    '/',
    ownList(
      'following',
      'Following',
      'You follow nobody yet. The trends are a good place to find people.',
    ),
  )

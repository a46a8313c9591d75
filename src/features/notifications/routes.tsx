// What others did: /notifications lists it, and is told up to which one it has been seen.
import type { Context } from 'hono'
import * as v from 'valibot'

import { clientKind, type Env, router } from '../../http/context.ts'
import { limited } from '../../http/rate-limits.ts'
import { traced } from '../../http/request-span.ts'
import { signedIn } from '../../http/sessions.ts'
import { form } from '../../http/validation.ts'
import { annotate } from '../../telemetry/spans.ts'
import { answer } from '../../ui/answer.ts'
import { answerFeed, feedQuery, readFeed, sliceOf, type Feed } from '../../ui/feed.tsx'
import { NewUnseen } from '../../ui/navigation.tsx'
import { grouped, markSeen, notificationsOf, rowsRead, type Row } from './queries.ts'
import { Entry } from './views.tsx'

const seenForm = form({
  id: v.pipe(
    v.string(),
    v.regex(/^\d{1,15}$/, 'This is the number of a notification.'),
    v.transform(Number),
  ),
})

/** What a program gets: the rows as they are. */
const answerRows = (c: Context<Env>, { rows, more, end }: Feed<Row>) => {
  const { notificationsSeen, unseen } = c.var.viewer
  return c.json({
    notifications: rows.map((row) => ({
      id: row.cursor,
      kind: row.kind,
      actor: { id: row.actorId, name: row.name, handle: row.handle },
      tweet: row.tweetId,
      msg: row.msg,
      created_at: row.createdAt,
      seen: row.cursor <= notificationsSeen,
    })),
    unseen,
    before: more ? end : null,
  })
}

/** Where there is JavaScript, it is sent when the page is opened; else by its button: a GET changes nothing. */
const SeenForm = ({ id }: { id: number }) => (
  <form
    id='seen'
    class='row'
    method='post'
    action='/notifications/seen'
    hx-post='/notifications/seen'
    hx-trigger='load, submit'
    hx-swap='none'
  >
    <input type='hidden' name='id' value={id} />
    <button class='btn quiet'>Mark all as seen</button>
  </form>
)

export const notificationRoutes = router()
  .get('/notifications', traced('notifications.list'), signedIn, feedQuery, async (c) => {
    const { db, viewer } = c.var
    const asked = c.req.valid('query')
    const slice = sliceOf(asked)
    const limit = asked.limit === undefined ? rowsRead : slice.limit
    const read = await readFeed({ ...slice, limit }, notificationsOf(db), { viewer: viewer.id })
    annotate({ 'app.notifications.rows': read.rows.length })
    if (clientKind(c) === 'program') return answerRows(c, read)
    const feed = { ...read, rows: grouped(read.rows) }
    // Also where it is of somebody who is suspended, and not shown: the badge counts it.
    const { first } = feed
    const isTop = slice.before === undefined && !feed.newer
    return answerFeed(c, slice, feed, {
      label: 'Notifications',
      path: '/notifications',
      head: { title: 'Notifications' },
      item: (group, position) => Entry({ group, position, seen: viewer.notificationsSeen }),
      empty: (
        <p>
          Nobody has liked, reposted or answered anything yet, or followed you. It will be here.
        </p>
      ),
      around: (list) => (
        <>
          <h1>Notifications</h1>
          {first !== undefined && isTop && viewer.unseen > 0 && <SeenForm id={first} />}
          {list}
        </>
      ),
    })
  })
  .post(
    '/notifications/seen',
    traced('notifications.seen'),
    signedIn,
    limited('LIMIT_WRITE'),
    seenForm,
    async (c) => {
      const unseen = await markSeen(c.var.db, c.var.viewer.id, c.req.valid('form').id)
      const partial = (
        <>
          <NewUnseen count={unseen} />
          <hx-partial hx-target='#seen' hx-swap='delete'></hx-partial>
        </>
      )
      return answer(c, { partial, to: '/notifications', json: { unseen } })
    },
  )

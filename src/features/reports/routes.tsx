// Reports: anybody who is signed in may report a post once; operators read and dismiss what is reported.
import type { Context } from 'hono'
import * as v from 'valibot'

import { Refusal } from '../../base/refusal.ts'
import { clientKind, type Env, router } from '../../http/context.ts'
import { operatorAction, operatorsOnly } from '../../http/operators.ts'
import { limited } from '../../http/rate-limits.ts'
import { keepsForm, type Redisplay } from '../../http/redisplay.ts'
import { traced } from '../../http/request-span.ts'
import { signedIn } from '../../http/sessions.ts'
import { form, found, idParam, text } from '../../http/validation.ts'
import { log } from '../../telemetry/log.ts'
import { answer, answerProblem, render } from '../../ui/answer.ts'
import { answerFeed, feedQuery, readFeed, sliceOf, Toast } from '../../ui/feed.tsx'
import { page } from '../../ui/layout.tsx'
import { authorOf, dismiss, openReports, report, type Report } from './queries.ts'
import { reasonMax, ReportCard, ReportForm } from './views.tsx'

/** Shows the form again, with what was typed. */
const reportAgain: Redisplay = (c, { reason = '' }, problems, status) => {
  const sentence = Object.values(problems)[0] ?? 'Something is wrong with the form.'
  if (clientKind(c) === 'program') throw new Refusal(status, sentence)
  const id = Number(c.req.param('id'))
  const again = <ReportForm id={id} reason={reason} problems={problems} />
  return answerProblem(c, status, sentence, () =>
    clientKind(c) === 'partial'
      ? render(c, again)
      : page(
          c,
          { title: 'Report', private: c.req.path },
          <>
            <h1>Report a post</h1>
            <p class='newer'>
              <a href={`/tweet/${id}`}>The post</a>
            </p>
            {again}
          </>,
        ),
  )
}

const reportForm = form(
  {
    reason: v.pipe(
      text,
      v.minLength(1, 'Say in a few words what is wrong.'),
      v.check(
        (reason) => [...reason].length <= reasonMax,
        `A reason has up to ${reasonMax} characters.`,
      ),
    ),
  },
  reportAgain,
)

const thanks = 'Reported. Those who run this site will look at it.'

async function create(c: Context<Env>, id: number, reason: string) {
  const { db, viewer } = c.var
  const tweet = found(await authorOf(db, id))
  if (tweet.userId === viewer.id)
    throw new Refusal(400, 'This is your own post. You can delete it.')
  await report(db, { tweetId: tweet.id, userId: viewer.id, reason })
  const partial = (
    <>
      <p class='notice'>{thanks}</p>
      <Toast>{thanks}</Toast>
    </>
  )
  return answer(c, { partial, to: `/tweet/${tweet.id}`, flash: thanks })
}

const reportJson = (row: Report) => ({
  id: row.cursor,
  tweet: row.tweetId,
  msg: row.msg,
  author: { id: row.authorId, name: row.name, handle: row.handle },
  suspended: row.suspendedAt !== null,
  reporter: { name: row.reporterName, handle: row.reporterHandle },
  reason: row.reason,
  created_at: row.createdAt,
})

export const reportRoutes = router()
  .post(
    '/report/:id{[0-9]+}',
    traced('reports.create'),
    signedIn,
    keepsForm(reportAgain),
    limited('LIMIT_REPORT'),
    idParam,
    reportForm,
    (c) => create(c, c.req.valid('param').id, c.req.valid('form').reason),
  )
  .get('/reports', traced('reports.list'), operatorsOnly, feedQuery, async (c) => {
    const slice = sliceOf(c.req.valid('query'))
    const feed = await readFeed(slice, openReports(c.var.db), {})
    c.header('Cache-Control', 'private, no-store')
    return answerFeed(c, slice, feed, {
      label: 'Reports',
      path: '/reports',
      head: { title: 'Reports', private: '/reports' },
      item: (one, position) => <ReportCard report={one} position={position} />,
      json: { name: 'reports', row: reportJson },
      empty: <p>Nothing is reported. What people report stands here until you dismiss it.</p>,
    })
  })
  .post('/reports/:id{[0-9]+}/dismiss', traced('reports.dismiss'), ...operatorAction, async (c) => {
    const { id } = c.req.valid('param')
    if (!(await dismiss(c.var.db, id))) throw new Refusal(404, 'There is nothing here.')
    log.info('report dismissed', { report_id: id, operator_id: c.var.viewer.id })
    return answer(c, { partial: <Toast>Dismissed.</Toast>, to: '/reports', flash: 'Dismissed.' })
  })

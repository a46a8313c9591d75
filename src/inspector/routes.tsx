// The inspector: what this process did, from the same spans that are exported by OTLP.
import type { Context } from 'hono'
import * as v from 'valibot'

import { Refusal } from '../base/refusal.ts'
import { cameFrom, clientKind, router, type Env } from '../http/context.ts'
import { chipCookie, keepChoice } from '../http/cookie-names.ts'
import { mayInspect } from '../http/sessions.ts'
import { form, found, query } from '../http/validation.ts'
import { otlpJson } from '../trace-store/otlp-json.ts'
import { answerProblem, flash, render } from '../ui/answer.ts'
import { instanceName } from '../ui/chip.tsx'
import { originOf, page, showsChip } from '../ui/layout.tsx'
import { clearersOnly, inspectorsOnly, mayClear, recorded, recorderOf } from './access.tsx'
import { ComparePage, CompareForm, compareQuery, whyNotComparable } from './compare.tsx'
import { filterQuery, liveQuery } from './filters.tsx'
import { Guide } from './guide.tsx'
import { titleOf, TraceList } from './list.tsx'
import { liveTail } from './live.tsx'
import { LogList, logQuery } from './logs.tsx'
import { matcher, type MatchContext } from './matching.ts'
import { personIdOf } from './person.ts'
import { Plans, plansOf } from './plan.tsx'
import { RuntimePage, runtimeJson } from './runtime.tsx'
import { StatisticsPage } from './statistics-table.tsx'
import { Gone, Panel, TracePage } from './trace.tsx'
import { uploadRoutes } from './upload-routes.tsx'

const by = query({
  by: v.optional(v.picklist(['route', 'query'], 'by is route or query.'), 'route'),
})
const chip = { chip: v.picklist(['on', 'off'], 'The chip is on or off.') }
const wide = true

/** `stopping` ends the live tails: open streams would keep the process from exiting. */
export const inspectorRoutes = (state: { stopping: boolean }) =>
  router()
    .get('/traces', recorded, inspectorsOnly, filterQuery, async (c) => {
      const recorder = recorderOf(c)
      const filter = c.req.valid('query')
      const list = {
        requests: recorder.requests(),
        filter,
        series: recorder.statistics.series(Date.now()),
        match: await matchContext(c, filter.person),
        mayClear: mayClear(c),
        exports: recorder.exports,
      }
      return page(c, { title: 'Traces', wide }, <TraceList {...list} />)
    })
    .get('/traces/live', recorded, inspectorsOnly, liveQuery, async (c) => {
      const filter = { ...c.req.valid('query'), sort: '' }
      const passes = matcher(filter, await matchContext(c, filter.person))
      return liveTail(c, passes, () => state.stopping)
    })
    .post('/traces/clear', recorded, clearersOnly, (c) => {
      recorderOf(c).clear()
      const kind = clientKind(c)
      if (kind === 'program') return c.json({ success: true })
      flash(c, 'All recorded traces, log lines and statistics are deleted.')
      if (kind === 'page') return c.redirect('/traces', 303)
      // The whole page changes, its charts, too.
      c.header('HX-Redirect', '/traces')
      return c.body(null, 200)
    })
    .get('/traces/runtime', recorded, inspectorsOnly, (c) => {
      const now = Date.now()
      const { instance } = recorderOf(c)
      const shown = { samples: c.get('runtime')?.since(now) ?? [], now, instance }
      if (clientKind(c) === 'program') return c.json(runtimeJson(shown))
      return page(c, { title: 'Runtime', wide }, <RuntimePage {...shown} />)
    })
    .route('/', compareRoutes)
    .route('/', uploadRoutes())
    .route('/', traceRoutes)
    .route('/', chipRoutes)
    .get('/traces/guide', (c) =>
      page(c, { title: 'Reading traces', wide }, <Guide chip={c.var.recorder && showsChip(c)} />),
    )
    .get('/logs', recorded, inspectorsOnly, logQuery, (c) => {
      const recorder = recorderOf(c)
      const list = { logs: recorder.logs(), newest: recorder.newestLog, ...c.req.valid('query') }
      return page(c, { title: 'Logs', wide }, <LogList {...list} />)
    })
    .get('/routes', recorded, inspectorsOnly, by, (c) => {
      const asked = c.req.valid('query').by
      const recorder = recorderOf(c)
      const { routes, queries } = recorder.statistics
      const rows = [...(asked === 'route' ? routes : queries).values()]
      const isKept = (id: string) => recorder.trace(id) !== undefined
      const title = asked === 'route' ? 'Routes' : 'Queries'
      return page(c, { title, wide }, <StatisticsPage rows={rows} by={asked} isKept={isKept} />)
    })

const matchContext = async (c: Context<Env>, person: string): Promise<MatchContext> => {
  const recorder = recorderOf(c)
  return { traceOf: (id) => recorder.trace(id), personId: await personIdOf(c, person) }
}

const compareRoutes = router().get('/traces/compare', recorded, compareQuery, (c) => {
  const recorder = recorderOf(c)
  const { a, b } = c.req.valid('query')
  const head = { title: 'Compare two traces', wide }
  if (a === '' || b === '') return page(c, head, <CompareForm a={a} b={b} />)
  const [first, second] = [recorder.trace(a), recorder.trace(b)]
  if (!first || !second) return answerGone(c, 'One of these traces is not here.')
  const problem = whyNotComparable(first, second)
  if (problem !== undefined) throw new Refusal(422, problem, { code: 'not_comparable' })
  return page(c, head, <ComparePage first={first} second={second} />)
})

const answerGone = (c: Context<Env>, sentence: string, keptBy?: string) =>
  answerProblem(c, 404, sentence, () =>
    page(c, { title: 'Trace', wide }, <Gone instance={recorderOf(c).instance} keptBy={keptBy} />),
  )

/** Which process recorded the trace, as the chip of its page says. */
const keeperQuery = query({
  kept_by: v.optional(v.pipe(v.string(), v.regex(instanceName, 'There is no such process.'))),
})

const traceRoutes = router()
  .get('/traces/:id{[0-9a-f]{32}}', recorded, keeperQuery, (c) => {
    const recorder = recorderOf(c)
    const trace = recorder.trace(c.req.param('id'))
    if (!trace) return answerGone(c, 'This trace is not here.', c.req.valid('query').kept_by)
    const shown = {
      trace,
      logs: recorder.logs().filter((line) => line.traceId === trace.id),
      since: recorder.requestsOfPage(trace.id),
      withStacks: mayInspect(c),
      grafana: c.var.settings.GRAFANA_URL,
      origin: originOf(c),
      // The ids of other people's traces are for those who may see the list.
      among: mayInspect(c) ? recorder.requests() : [],
    }
    const title = trace.requests[0] ? titleOf(trace.requests[0]) : 'Trace'
    return page(c, { title, wide }, <TracePage {...shown} />)
  })
  .get('/traces/:id{[0-9a-f]{32}}/panel', recorded, keeperQuery, (c) => {
    const recorder = recorderOf(c)
    const trace = recorder.trace(c.req.param('id'))
    if (trace) return render(c, <Panel trace={trace} since={recorder.requestsOfPage(trace.id)} />)
    const keptBy = c.req.valid('query').kept_by
    return render(c, <Gone instance={recorder.instance} keptBy={keptBy} />)
  })
  .get('/traces/:id{[0-9a-f]{32}}/otlp.json', recorded, async (c) => {
    const trace = found(recorderOf(c).trace(c.req.param('id')))
    const bytes = await otlpJson(trace, { withEvents: mayInspect(c) })
    return c.body(bytes, 200, { 'Content-Type': 'application/json' })
  })
  .get('/traces/:id{[0-9a-f]{32}}/plan/:span{[0-9a-f]{16}}', recorded, async (c) => {
    const trace = found(recorderOf(c).trace(c.req.param('id')))
    const span = found(trace.spans.find((one) => one.spanContext().spanId === c.req.param('span')))
    const plan = <Plans plans={await plansOf(c.var.db, span)} />
    return clientKind(c) === 'partial'
      ? render(c, plan)
      : page(c, { title: 'Query plan', wide }, plan)
  })

const chipRoutes = router().post('/chip', form(chip), (c) => {
  const isOff = c.req.valid('form').chip === 'off'
  keepChoice(c, chipCookie, isOff ? 'off' : undefined)
  if (isOff) flash(c, 'Hidden. To show it again, open the page "Reading traces", /traces/guide.')
  return c.redirect(cameFrom(c, '/'), 303)
})

// The inspector: what this process did, from the same spans that are exported by OTLP.
import { deleteCookie, setCookie } from 'hono/cookie'
import * as v from 'valibot'

import { cameFrom, clientKind, router } from '../http/context.ts'
import { chipCookie } from '../http/cookie-names.ts'
import { mayInspect } from '../http/sessions.ts'
import { form, found, query } from '../http/validation.ts'
import { otlpJson } from '../trace-store/otlp-json.ts'
import { answerProblem, flash, render } from '../ui/answer.ts'
import { page, showsChip } from '../ui/layout.tsx'
import { inspectorsOnly, recorded, recorderOf } from './access.tsx'
import { filterQuery, liveQuery } from './filters.tsx'
import { Guide } from './guide.tsx'
import { titleOf, TraceList } from './list.tsx'
import { liveTail } from './live.tsx'
import { LogList, logQuery } from './logs.tsx'
import { Plans, plansOf } from './plan.tsx'
import { StatisticsPage } from './statistics-table.tsx'
import { Gone, Panel, TracePage } from './trace.tsx'

const yearSeconds = 365 * 24 * 3600
const by = query({
  by: v.optional(v.picklist(['route', 'query'], 'by is route or query.'), 'route'),
})
const chip = { chip: v.picklist(['on', 'off'], 'The chip is on or off.') }
const wide = true

/** `stopping` ends the live tails: open streams would keep the process from exiting. */
export const inspectorRoutes = (state: { stopping: boolean }) =>
  router()
    .get('/traces', recorded, inspectorsOnly, filterQuery, (c) => {
      const recorder = recorderOf(c)
      const list = {
        requests: recorder.requests(),
        filter: c.req.valid('query'),
        series: recorder.statistics.series(Date.now()),
        exports: recorder.exports,
      }
      return page(c, { title: 'Traces', wide }, <TraceList {...list} />)
    })
    .get('/traces/live', recorded, inspectorsOnly, liveQuery, (c) =>
      liveTail(c, c.req.valid('query'), () => state.stopping),
    )
    .route('/', traceRoutes)
    .route('/', chipRoutes)
    .get('/traces/guide', (c) =>
      page(c, { title: 'Reading traces', wide }, <Guide chip={c.var.recorder && showsChip(c)} />),
    )
    .get('/logs', recorded, inspectorsOnly, logQuery, (c) =>
      page(
        c,
        { title: 'Logs', wide },
        <LogList logs={recorderOf(c).logs()} {...c.req.valid('query')} />,
      ),
    )
    .get('/routes', recorded, inspectorsOnly, by, (c) => {
      const asked = c.req.valid('query').by
      const recorder = recorderOf(c)
      const { routes, queries } = recorder.statistics
      const rows = [...(asked === 'route' ? routes : queries).values()]
      return page(
        c,
        { title: asked === 'route' ? 'Routes' : 'Queries', wide },
        <StatisticsPage rows={rows} by={asked} isKept={(id) => recorder.trace(id) !== undefined} />,
      )
    })

const traceRoutes = router()
  .get('/traces/:id{[0-9a-f]{32}}', recorded, (c) => {
    const recorder = recorderOf(c)
    const trace = recorder.trace(c.req.param('id'))
    if (!trace) {
      return answerProblem(c, 404, 'This trace is not here.', () =>
        page(c, { title: 'Trace', wide }, <Gone />),
      )
    }
    const logs = recorder.logs().filter((line) => line.traceId === trace.id)
    const since = recorder.requestsOfPage(trace.id)
    const shown = {
      trace,
      logs,
      since,
      withStacks: mayInspect(c),
      grafana: c.var.settings.GRAFANA_URL,
    }
    return page(
      c,
      { title: trace.requests[0] ? titleOf(trace.requests[0]) : 'Trace', wide },
      <TracePage {...shown} />,
    )
  })
  .get('/traces/:id{[0-9a-f]{32}}/panel', recorded, (c) => {
    const recorder = recorderOf(c)
    const trace = recorder.trace(c.req.param('id'))
    return render(
      c,
      trace ? <Panel trace={trace} since={recorder.requestsOfPage(trace.id)} /> : <Gone />,
    )
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
  if (c.req.valid('form').chip === 'on') deleteCookie(c, chipCookie, { path: '/' })
  else {
    setCookie(c, chipCookie, 'off', {
      path: '/',
      sameSite: 'Lax',
      httpOnly: true,
      maxAge: yearSeconds,
    })
    flash(c, 'Hidden. To show it again, open the page "Reading traces", /traces/guide.')
  }
  return c.redirect(cameFrom(c, '/'), 303)
})

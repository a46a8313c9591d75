// The routes of the fault lab. They come before the queue of the requests: a fault must not shut the way out.
import type { Context } from 'hono'
import * as v from 'valibot'

import { clientKind, router, type Env } from '../http/context.ts'
import { traced } from '../http/request-span.ts'
import { form } from '../http/validation.ts'
import { answer } from '../ui/answer.ts'
import { page } from '../ui/layout.tsx'
import { maySwitch, seersOnly, switchersOnly, visitorIfPossible } from './access.ts'
import type { ActiveFault, Fault } from './fault.ts'
import { faultsAtOnce, type FaultLab } from './lab.ts'
import { faults } from './list.ts'
import { FaultList, FaultPage } from './page.tsx'
import { breakableRoutes } from './route-pattern.ts'

const field = v.optional(v.pipe(v.string(), v.maxLength(200, 'That is too long.')))
const options = { strength: field, route: field, share: field, seed: field, seconds: field }

const switching = [visitorIfPossible, switchersOnly] as const

/** The routes that see, start and end faults; those of the inspector are exempt, too. */
export const faultRoutes = (lab: FaultLab) =>
  router()
    .get('/faults', traced('faults.list'), visitorIfPossible, seersOnly, (c) =>
      clientKind(c) === 'program'
        ? c.json(inJson(lab))
        : page(c, { title: 'Faults', wide: true }, <FaultPage {...listOf(c, lab)} />),
    )
    .post('/faults/stop', traced('faults.stop_all'), ...switching, async (c) => {
      const ended = lab.endAll('hand')
      return answer(c, { ...listAnswer(c, lab, 'All faults have ended.'), json: { ended } })
    })
    .post('/faults/:name', traced('faults.start'), ...switching, form(options), async (c) => {
      const { fault, until } = lab.start(c.req.param('name'), c.req.valid('form'))
      const said = [`${fault.title} has begun.`, ...lab.warnings].join(' ')
      return answer(c, { ...listAnswer(c, lab, said), json: { until } })
    })
    .post('/faults/:name/stop', traced('faults.stop'), ...switching, async (c) => {
      lab.end(c.req.param('name'), 'hand')
      return answer(c, listAnswer(c, lab, 'The fault has ended.'))
    })

const listAnswer = (c: Context<Env>, lab: FaultLab, flash: string) => ({
  partial: <FaultList {...listOf(c, lab)} />,
  to: '/faults' as const,
  flash,
})

const listOf = (c: Context<Env>, lab: FaultLab) => ({
  active: lab.active,
  warnings: lab.warnings,
  routes: breakableRoutes(lab.routes()),
  switches: maySwitch(c) && !lab.isGame,
  isGame: lab.isGame,
  refusalOf: (fault: Fault) => fault.refusal?.(lab.place),
})

const inJson = (lab: FaultLab) => ({
  faults: faults.map((fault) => {
    const { name, kind, title, does, moves, find, cure, strength, takesRoute = false } = fault
    const about = { name, kind, title, does, moves, find, cure, strength, takes_route: takesRoute }
    const active = activeJson(lab.active.find((one) => one.fault === fault))
    return { ...about, refused: fault.refusal?.(lab.place) ?? null, active }
  }),
  at_once: faultsAtOnce,
  game: lab.isGame,
  warnings: lab.warnings,
  routes: breakableRoutes(lab.routes()),
})

const activeJson = (active: ActiveFault | undefined) =>
  active
    ? {
        strength: active.strength,
        route: active.route || null,
        share: active.share,
        seed: active.seed,
        since: new Date(active.since).toISOString(),
        until: new Date(active.until).toISOString(),
      }
    : null

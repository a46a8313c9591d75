// Who may switch faults. Who may see them is who may inspect.
import type { Context } from 'hono'
import { createMiddleware } from 'hono/factory'

import { Refusal } from '../base/refusal.ts'
import type { Env } from '../http/context.ts'
import { isOnOwnMachine } from '../http/own-machine.ts'
import { loadVisitor, mayInspect } from '../http/sessions.ts'
import { isOurToken } from './token.ts'

/** Loads the visitor if the database lets us: the way out of a fault must not need it. */
export const visitorIfPossible = createMiddleware<Env>(async (c, next) => {
  await loadVisitor(c, () => Promise.resolve()).catch(() => c.set('visitor', undefined))
  await next()
})

/** May this client start and end faults? `visitorIfPossible` must have run. */
export const maySwitch = (c: Context<Env>): boolean =>
  isOurToken(c.req.header('Authorization')) ||
  isOnOwnMachine(c) ||
  c.get('visitor')?.operator === true

/** Refuses everybody who may not start and end faults. */
export const switchersOnly = createMiddleware<Env>(async (c, next) => {
  if (!maySwitch(c))
    throw new Refusal(
      403,
      'Only operators, programs with the token of the data folder, and people at this machine switch faults.',
      { code: 'may_not_switch' },
    )
  await next()
})

/** Refuses everybody who may not inspect, except those who may switch. */
export const seersOnly = createMiddleware<Env>(async (c, next) => {
  if (!mayInspect(c) && !maySwitch(c))
    throw new Refusal(403, 'Only operators of this instance see its faults.', {
      code: 'not_operator',
    })
  if (!c.var.settings.demo) c.header('Cache-Control', 'private, no-store')
  await next()
})

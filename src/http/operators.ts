import { createMiddleware } from 'hono/factory'

import { Refusal } from '../base/refusal.ts'
import type { Env } from './context.ts'
import { limited } from './rate-limits.ts'
import { signedIn } from './sessions.ts'
import { idParam } from './validation.ts'

/** For all but operators, signed in or not, there is nothing here. */
export const operatorsOnly = createMiddleware<Env>(async (c, next) => {
  if (c.get('visitor')?.operator !== true)
    throw new Refusal(404, 'There is nothing here.', { code: 'no_operator' })
  await next()
})

/** What comes before the handler of an action of an operator on one thing, such as `/suspend/:id`. */
export const operatorAction = [operatorsOnly, signedIn, limited('LIMIT_WRITE'), idParam] as const

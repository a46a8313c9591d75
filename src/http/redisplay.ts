// A form that was refused is shown again with what was typed, so that nobody has to write it twice.
import type { Context } from 'hono'
import { createMiddleware } from 'hono/factory'

import type { Refusal } from '../base/refusal.ts'
import type { Env } from './context.ts'

/**
 * Shows a form again: `problems` holds a sentence for a field under the field's name, and one about the form as a whole
 * under `form`. The status is 422 when a rule is broken and 429 when it was sent too often.
 */
export type Redisplay = (
  c: Context<Env>,
  given: Record<string, string>,
  problems: Record<string, string>,
  status: 422 | 429,
) => Response | Promise<Response>

declare module 'hono' {
  interface ContextVariableMap {
    /** How the form of this route is shown again, where `keepsForm` stands in the route. */
    redisplay: Redisplay | undefined
  }
}

/** Says how this route's form is shown again when it is refused for being sent too often. */
export const keepsForm = (redisplay: Redisplay) =>
  createMiddleware<Env>(async (c, next) => {
    c.set('redisplay', redisplay)
    await next()
  })

/** Answers a 429 with the form of the route; undefined when the route has none or it cannot be shown. */
export async function showAgain(c: Context<Env>, refusal: Refusal): Promise<Response | undefined> {
  const redisplay = refusal.status === 429 ? c.get('redisplay') : undefined
  try {
    return await redisplay?.(c, await typedFields(c), { form: refusal.message }, 429)
  } catch {
    // The page around the form needs the database, and the error itself needs nothing.
    return undefined
  }
}

/** The texts of the form in the body, or those of the query string in a GET. */
async function typedFields(c: Context<Env>): Promise<Record<string, string>> {
  const fields = c.req.method === 'POST' ? await c.req.parseBody() : c.req.query()
  return printable(
    Object.fromEntries(
      Object.entries(fields).filter(
        (pair): pair is [string, string] => typeof pair[1] === 'string',
      ),
    ),
  )
}

/** The same texts without the control characters that `text` in web.ts refuses: no page shows them. */
export const printable = (given: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(given).map(([name, value]) => [
      name,
      value.toWellFormed().replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g, ''),
    ]),
  )

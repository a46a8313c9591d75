// Shows a refused form again with the user's input, so that nobody has to type it twice.
import type { Context } from 'hono'
import { createMiddleware } from 'hono/factory'

import type { Refusal } from '../base/refusal.ts'
import { clientKind, type Env } from './context.ts'

/**
 * Shows a form again. `given` is the input. `problems` has a sentence for each bad field under the field's name, or one
 * about the whole form under `form`. The status is 422 when a value breaks a rule, 429 when it was sent too often,
 * 403 when somebody whom it is about has been blocked or has blocked.
 */
export type Redisplay = (
  c: Context<Env>,
  given: Record<string, string>,
  problems: Record<string, string>,
  status: 403 | 422 | 429,
) => Response | Promise<Response>

declare module 'hono' {
  interface ContextVariableMap {
    /** Shows the form of this route again. Set by `keepsForm`. */
    redisplay: Redisplay | undefined
  }
}

/** Middleware: sets how the form of this route is shown again when it was sent too often. */
export const keepsForm = (redisplay: Redisplay) =>
  createMiddleware<Env>(async (c, next) => {
    c.set('redisplay', redisplay)
    await next()
  })

/**
 * Answers a 429, and a browser's post across a block, with the form of the route. Undefined when the route has no form or
 * showing it fails. htmx leaves the form in the page as it is.
 */
export async function showAgain(c: Context<Env>, refusal: Refusal): Promise<Response | undefined> {
  const isBlocked = refusal.code === 'blocked' && clientKind(c) === 'page'
  const redisplay = refusal.status === 429 || isBlocked ? c.get('redisplay') : undefined
  try {
    return await redisplay?.(
      c,
      await typedFields(c),
      { form: refusal.message },
      isBlocked ? 403 : 429,
    )
  } catch {
    // Rendering the page needs the database and may fail. The caller then answers with a plain error.
    return undefined
  }
}

/** The text fields of the form: from the body of a POST, else from the query string. */
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

/** Removes the control characters that `text` in validation.ts refuses, so that the page can show the values. */
export const printable = (given: Record<string, string>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(given).map(([name, value]) => [
      name,
      value.toWellFormed().replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]/g, ''),
    ]),
  )

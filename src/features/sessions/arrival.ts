import type { Context } from 'hono'

import { markSession } from '../../viewer-mark.ts'
import { startSession } from '../../viewer.ts'
import type { Env } from '../../web.ts'

/** Lets somebody in, also in the place of another person who is signed in here, and leads on. */
export async function arrive(
  c: Context<Env>,
  userId: number,
  next: string | undefined,
): Promise<Response> {
  const tokenHash = await startSession(c, userId)
  markSession(c, { id: userId, tokenHash })
  return c.redirect(next ?? '/timeline', 303)
}

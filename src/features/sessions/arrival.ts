import type { Context } from 'hono'

import { draftIn, isDraftOf } from '../../drafts.tsx'
import { markSession } from '../../viewer-mark.ts'
import { findVisitor, startSession } from '../../viewer.ts'
import type { Env } from '../../web.ts'
import { postPage } from '../tweets/routes.tsx'

/**
 * Lets somebody in, also in the place of another person who is signed in here, and leads on: to `next`, or to the form with the words that its author has sent without a session.
 * They stand in this very answer: a redirect could carry them in an address or a cookie alone. Nothing is posted.
 */
export async function arrive(
  c: Context<Env>,
  userId: number,
  next: string | undefined,
): Promise<Response> {
  const tokenHash = await startSession(c, userId)
  markSession(c, { id: userId, tokenHash })
  const draft = await draftIn(c)
  const visitor = draft && isDraftOf(draft, userId) ? await findVisitor(c, tokenHash) : undefined
  if (!draft || !visitor) return c.redirect(next ?? '/timeline', 303)
  c.set('visitor', visitor)
  c.set('viewer', visitor)
  return postPage(c, { msg: draft.msg, ...(draft.key && { key: draft.key }) })
}

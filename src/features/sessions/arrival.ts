import type { Context } from 'hono'

import type { Env } from '../../http/context.ts'
import { findVisitor, startSession } from '../../http/sessions.ts'
import { markSession } from '../../http/viewer-mark.ts'
import { draftIn, isDraftOf } from '../../ui/drafts.tsx'
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

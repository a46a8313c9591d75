import type { Context } from 'hono'

import type { Env } from '../../http/context.ts'
import { findVisitor, startSession } from '../../http/sessions.ts'
import { markSession } from '../../http/viewer-mark.ts'
import { draftIn, isDraftOf } from '../../ui/drafts.tsx'
import { postPage } from '../tweets/compose.tsx'

/**
 * Starts a session, also if another user is signed in here, and redirects to `next`. If the form carries a draft of
 * this user, answers with the tweet form that contains the draft instead: a redirect could carry it only in a URL or a
 * cookie. Nothing is posted.
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
  return postPage(c, {
    msg: draft.msg,
    ...(draft.key && { key: draft.key }),
    ...(draft.replyTo && { replyTo: Number(draft.replyTo) }),
    ...(draft.quote && { quote: Number(draft.quote) }),
  })
}

// Who may sign up: everybody, or, where registration is closed, those with an invitation.
import type { Context } from 'hono'
import { createMiddleware } from 'hono/factory'

import { normalAddress } from '../../base/mail-address.ts'
import { Refusal } from '../../base/refusal.ts'
import type { Env } from '../../http/context.ts'
import { findInvitation } from '../../http/invitations.ts'
import type { Redisplay } from '../../http/redisplay.ts'
import { fieldsOf } from '../../ui/drafts.tsx'

declare module 'hono' {
  interface ContextVariableMap {
    /** The token hash of the invitation that somebody signs up with. */
    invitation: string | undefined
  }
}

export const spent = 'This invitation has been used or has expired. Ask for another one.'

/** Where registration is closed, nobody gets further without an invitation. */
export const openToAll = createMiddleware<Env>(async (c, next) => {
  if (c.var.settings.REGISTRATION === 'closed' && !(await fieldsOf(c))('invitation'))
    throw new Refusal(403, 'Registration is closed here.')
  await next()
})

/** Lets pass who has no invitation or a good one. */
export const invited = (redisplay: Redisplay) =>
  createMiddleware<Env>(async (c, next) => {
    const field = await fieldsOf(c)
    const token = field('invitation')
    const mailaddress = normalAddress(field('mailaddress'))
    if (token) c.set('invitation', await findInvitation(c.var.db, token, mailaddress))
    if (token && !c.var.invitation) return refuseInvitation(c, redisplay)
    await next()
    return undefined
  })

/** Says that an invitation is no good; where everybody may sign up, with the form, which needs none. */
export async function refuseInvitation(c: Context<Env>, redisplay: Redisplay): Promise<Response> {
  if (c.var.settings.REGISTRATION === 'closed')
    throw new Refusal(403, spent, { code: 'not_invited' })
  const field = await fieldsOf(c)
  const given = Object.fromEntries(
    ['name', 'handle', 'mailaddress', 'next'].map((name) => [name, field(name)]),
  )
  return redisplay(c, given, { form: `${spent} You can sign up without one.` }, 422)
}

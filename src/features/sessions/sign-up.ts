// Sign-up: validation and creation of the account.
import type { Context } from 'hono'
import { createMiddleware } from 'hono/factory'
import * as v from 'valibot'

import { isCommon } from '../../http/common-passwords.ts'
import type { Env } from '../../http/context.ts'
import { clientKey, type GiveBack } from '../../http/rate-limits.ts'
import type { Redisplay } from '../../http/redisplay.ts'
import { nextPath } from '../../http/validation.ts'
import { mailaddress, newHandle, newPassword, personName } from './fields.ts'
import { createUser, findUser, type Taken } from './queries.ts'

export const registration = {
  name: personName,
  handle: newHandle,
  mailaddress,
  password: newPassword,
  next: nextPath,
  /** The token of an invitation: `invited` has looked at it. */
  invitation: v.optional(v.string()),
}
type Newcomer = {
  name: string
  handle?: string | undefined
  mailaddress: string
  password: string
}
type Sent = {
  out: { form: Newcomer & { next?: string | undefined; invitation?: string | undefined } }
}

/** Refuses common passwords, except on a demo instance. */
export const notCommon = (redisplay: Redisplay) =>
  createMiddleware<Env, string, Sent>(async (c, proceed) => {
    const { password, ...person } = c.req.valid('form')
    if (c.var.settings.demo || !isCommon(password, [person.name, person.mailaddress]))
      return proceed()
    const problems = { password: 'Too many people use this password.' }
    return redisplay(c, typed(person), problems, 422)
  })

/** What was typed, to be shown again. */
export const typed = (given: Record<string, string | undefined>): Record<string, string> =>
  Object.fromEntries(Object.entries(given).map(([name, value]) => [name, value ?? '']))

/** One unit of the limit, shared by all concurrent sign-ups of one address from one client. */
type Share = { holders: number; spent?: Promise<GiveBack>; isMade: boolean }
const shares = new Map<string, Share>()

/**
 * Creates an account and returns its id, or what is taken already. The limit is charged before, so that
 * concurrent sign-ups cannot exceed it, and refunded if no account is created.
 */
export async function makeAccount(
  c: Context<Env>,
  { password, ...person }: Newcomer,
): Promise<number | Taken> {
  const { db, passwords, rateLimits } = c.var
  const client = clientKey(c)
  const key = `${client} ${person.mailaddress}`
  const share = shares.get(key) ?? { holders: 0, isMade: false }
  shares.set(key, share)
  share.holders += 1
  try {
    if (await findUser(db, person.mailaddress)) return 'mailaddress'
    await (share.spent ??= rateLimits.spend('LIMIT_REGISTER', client))
    const passwordHash = await passwords.hash(password, c.req.raw.signal)
    const made = await createUser(db, { ...person, passwordHash, invitation: c.var.invitation })
    share.isMade ||= typeof made === 'number'
    return made
  } finally {
    share.holders -= 1
    if (share.holders === 0) release(key, share)
  }
}

function release(key: string, { spent, isMade }: Share): void {
  shares.delete(key)
  // If the limit has refused, there is nothing to refund.
  if (!isMade)
    void spent?.then(
      (giveBack) => giveBack(),
      () => undefined,
    )
}

import type { Context } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'
import { createMiddleware } from 'hono/factory'

import type { Settings } from '../config/env.ts'
import type { Database } from '../db/db.ts'
import { asReplicaRequest, behindMs } from '../db/replica.ts'
import type { Env } from './context.ts'
import { wroteCookie } from './cookie-names.ts'

const wrote = '1'

/**
 * Lets the reads of a GET go to the replica, but those of people who have just written: they read from the primary until
 * every replica in use has what they wrote. Undefined without a replica.
 */
export function readYourWrites({ replica }: Database, { https }: Settings) {
  if (!replica) return undefined
  return createMiddleware<Env>(async (c, next) => {
    const reads = c.req.method === 'GET' || c.req.method === 'HEAD'
    const request = { mayBeOld: reads && !wantsNewest(c), hasWritten: false }
    await asReplicaRequest(request, next)
    // Also after a failure: what was sent may have been done.
    if (request.hasWritten && !reads)
      setCookie(c, wroteCookie, wrote, {
        path: '/',
        httpOnly: true,
        sameSite: 'Lax',
        secure: https,
        maxAge: behindMs / 1000,
      })
  })
}

/** The cookie is for browsers; a program that keeps none says it with the header that HTTP has for this. */
const wantsNewest = (c: Context<Env>): boolean =>
  getCookie(c, wroteCookie) === wrote || /\bno-cache\b/i.test(c.req.header('Cache-Control') ?? '')

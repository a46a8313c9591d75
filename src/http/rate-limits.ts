import type { Context } from 'hono'
import { createMiddleware } from 'hono/factory'
import RateLimiterMemory from 'rate-limiter-flexible/lib/RateLimiterMemory.js'
import RateLimiterRes from 'rate-limiter-flexible/lib/RateLimiterRes.js'

import { Refusal } from '../base/refusal.ts'
import type { RateName, Settings } from '../config/env.ts'
import type { Db } from '../db/db.ts'
import { measured } from '../telemetry/metrics.ts'
import { inBackground } from '../telemetry/spans.ts'
import { clientOf } from './client-address.ts'
import type { Env } from './context.ts'
import {
  countShared,
  forgetAttempts,
  isSweepDue,
  sharedLimits,
  uncountShared,
} from './shared-limits.ts'

declare module 'hono' {
  interface ContextVariableMap {
    rateLimits: RateLimits
  }
}

/** Undoes one `spend`, when the action did not happen. */
export type GiveBack = () => void

/**
 * Rate limiters, one for each rate in env.ts. They are in memory: a restart resets them, and each process counts for itself.
 * On a libSQL server, those of sign-ins and sign-ups are in the database.
 */
type RateLimits = { spend: (name: RateName, key: string) => Promise<GiveBack> }

/** Creates the rate limiters. `spend` counts one action of a key, or rejects with a 429 Refusal with Retry-After. */
export function createRateLimits(settings: Settings, db: Db): RateLimits {
  const isShared = !settings.DATABASE_URL.startsWith('file:')
  const limiters = new Map(
    Object.entries(settings.rates).map(([name, { count, seconds }]) => [
      name,
      new RateLimiterMemory({ points: count, duration: seconds }),
    ]),
  )
  return {
    async spend(name, key) {
      if (isShared && sharedLimits.has(name)) return spendShared(name, key)
      const limiter = limiters.get(name)!
      try {
        const { msBeforeNext } = await limiter.consume(key)
        return onceWithin(msBeforeNext, () => void limiter.reward(key))
      } catch (error) {
        if (!(error instanceof RateLimiterRes)) throw error
        // A refused action must not count, or actions given back would not allow new ones.
        void limiter.reward(key)
        throw tooOften(name, error.msBeforeNext)
      }
    },
  }

  async function spendShared(name: RateName, key: string): Promise<GiveBack> {
    const { refused, msBeforeNext } = await countShared(db, {
      name,
      key,
      rate: settings.rates[name],
    })
    if (isSweepDue()) inBackground('limits.forget', () => forgetAttempts(db, Date.now()))
    if (refused) throw tooOften(name, msBeforeNext)
    return onceWithin(msBeforeNext, () =>
      inBackground('limits.give_back', async () => uncountShared(db, name, key)),
    )
  }

  function tooOften(name: RateName, msBeforeNext: number): Refusal {
    measured().refusals.add(1, { limit: name })
    // At most the duration of the limit: the library uses the wall clock, which may have been set back.
    const waiting = Math.min(settings.rates[name].seconds, Math.ceil(msBeforeNext / 1000))
    const seconds = Math.max(1, waiting)
    return new Refusal(429, `That was too often. Try again in ${inWords(seconds)}.`, {
      headers: { 'Retry-After': String(seconds) },
      code: `rate_${name.toLowerCase()}`,
    })
  }
}

/** Runs the work at most once, and not after `ms` milliseconds: then the limiter has started again from zero. */
function onceWithin(ms: number, work: () => void): () => void {
  const until = performance.now() + ms
  let isDone = false
  return () => {
    if (!isDone && performance.now() < until) work()
    isDone = true
  }
}

const inWords = (seconds: number) =>
  seconds < 90
    ? `${seconds} second${seconds === 1 ? '' : 's'}`
    : `${Math.ceil(seconds / 60)} minutes`

/** The key of a person: the signed-in user, else the client's address. */
function visitorKey(c: Context<Env>): string {
  const visitor = c.get('visitor')
  return visitor ? `user ${visitor.id}` : clientKey(c)
}

/** The key of the client's address. For IPv6 its /64 network, because one person has all addresses of a /64. */
export function clientKey(c: Context<Env>): string {
  const address = clientOf(c).clientAddress
  return address.includes(':') ? networkOf(address) : address
}

/** The first four groups of an IPv6 address, without `::`. All groups of a NAT64 address, which stands for one IPv4. */
function networkOf(address: string): string {
  const [head = '', tail = ''] = address.split('::')
  const [groups, others] = [head, tail].map((part) => part.split(':').filter(Boolean))
  const zeros = Array<string>(8 - groups!.length - others!.length).fill('0')
  const all = [...groups!, ...zeros, ...others!]
  const isNat64 = all.slice(0, 6).join(':') === '64:ff9b:0:0:0:0'
  return all.slice(0, isNat64 ? 8 : 4).join(':')
}

/** Limits the failed requests of one client address: only answers with a 4xx status count. */
export const limitedMistakes = (name: RateName) =>
  createMiddleware<Env>(async (c, next) => {
    const giveBack = await c.get('rateLimits').spend(name, clientKey(c))
    await next()
    if (c.res.status < 400 || c.res.status >= 500) giveBack()
  })

/** Limits the requests of one person to a route. */
export const limited = (name: RateName) =>
  createMiddleware<Env>(async (c, next) => {
    await c.get('rateLimits').spend(name, visitorKey(c))
    await next()
  })

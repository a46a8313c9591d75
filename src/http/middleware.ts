import type { MiddlewareHandler, Next } from 'hono'
import { createMiddleware } from 'hono/factory'

import type { Env } from './context.ts'

/**
 * Several middleware as one, because each that Hono calls is two promises for every request. An error of a later one rejects
 * the `next` of those before it; Hono itself would make an answer of it first.
 */
export const inOne = (...all: MiddlewareHandler<Env>[]): MiddlewareHandler<Env> =>
  createMiddleware<Env>((c, next) =>
    all.reduceRight((rest: Next, one) => () => one(c, rest) as Promise<void>, next)(),
  )

/** Skips checks for GET and HEAD. Not Hono's `except`, which builds a chain of functions for each request: 30 us. */
export function unlessRead(...checks: MiddlewareHandler<Env>[]): MiddlewareHandler<Env> {
  const check = inOne(...checks)
  return createMiddleware<Env>((c, next) =>
    c.req.method === 'GET' || c.req.method === 'HEAD' ? next() : check(c, next),
  )
}

// What every route knows: the request's variables, who asks, and where they came from. Each variable is declared where it is set.
import type { HttpBindings } from '@hono/node-server'
import { Hono, type Context } from 'hono'

import type { Settings } from '../config/env.ts'
import type { Database, Db } from '../db/db.ts'

export type { Site } from '../config/env.ts'

export type Env = { Bindings: HttpBindings }

declare module 'hono' {
  interface ContextVariableMap {
    db: Db
    database: Database
    settings: Settings
  }
}

/** The routes of one feature. */
export const router = () => new Hono<Env>()

/** Who asks: htmx for a piece of a page, a browser for a page, or a program (curl, Locust, k6) for a result. */
export type ClientKind = 'partial' | 'page' | 'program'

export function clientKind(c: Context): ClientKind {
  const partial = c.req.header('HX-Request-Type') === 'partial'
  if (partial && !c.req.header('HX-History-Restore-Request')) return 'partial'
  if (c.req.header('HX-Request') || c.req.header('Accept')?.includes('text/html')) return 'page'
  return 'program'
}

/** Does this client want errors as JSON: does its `Accept` name JSON, and not HTML? A bare wildcard names neither. */
export function wantsJson(c: Context): boolean {
  const accept = c.req.header('Accept') ?? ''
  return names(accept, 'application/json') && !names(accept, 'text/html')
}

/** Does a list of media types have this one, with a weight that is not zero? */
const names = (accept: string, type: string): boolean =>
  accept.split(',').some((one) => {
    const [name, ...parameters] = one.split(';').map((part) => part.trim().toLowerCase())
    return name === type && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))
  })

/** The path of the page that the request came from, as htmx or the browser says, when it is one of ours; else `otherwise`. */
export function cameFrom(c: Context, otherwise: string): string {
  const from = c.req.header('HX-Current-URL') ?? c.req.header('Referer')
  if (!from || !URL.canParse(from)) return otherwise
  const { host, pathname, search } = new URL(from)
  return host === c.req.header('Host') ? safePath(pathname + search) : otherwise
}

const pathLengthMax = 2000

/**
 * A path on this very site, percent-encoded, so that it can stand in a header and in a form. Undefined for any other
 * text: `//evil` and `/\evil` would leave the site, and so would `/.//evil` once its dot is resolved.
 */
export function ownPath(path: string | undefined): string | undefined {
  if (!path || path.length > pathLengthMax || !/^\/(?![/\\])[^\u0000-\u001f]*$/.test(path))
    return undefined
  const { pathname, search, hash } = new URL(path, 'http://own.invalid')
  return pathname.startsWith('//') ? undefined : pathname + search + hash
}

/** A path on this very site, or the timeline. */
export const safePath = (path: string | undefined): string => ownPath(path) ?? '/timeline'

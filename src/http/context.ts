// What every route uses: the variables of a request, the kind of client, and the page it came from. Other files add
// their variables to ContextVariableMap where they set them.
import type { HttpBindings } from '@hono/node-server'
import { Hono, type Context } from 'hono'

import type { Settings } from '../config/env.ts'
import type { Database, Db } from '../db/db.ts'

export type { Site } from '../config/site.ts'

export type Env = { Bindings: HttpBindings }

declare module 'hono' {
  interface ContextVariableMap {
    db: Db
    database: Database
    settings: Settings
    /** The result of `clientKind`, after its first call: a page asks three times. */
    clientKind: ClientKind | undefined
  }
}

/** A new router for the routes of one feature. */
export const router = () => new Hono<Env>()

/** What a client wants: htmx a part of a page, a browser a page, a program (curl, Locust, k6) a result. */
export type ClientKind = 'partial' | 'page' | 'program'

/** Determines the kind of client from the request headers. */
export function clientKind(c: Context): ClientKind {
  const known = c.get('clientKind')
  if (known) return known
  const kind = readClientKind(c)
  c.set('clientKind', kind)
  return kind
}

function readClientKind(c: Context): ClientKind {
  const partial = c.req.header('HX-Request-Type') === 'partial'
  if (partial && !c.req.header('HX-History-Restore-Request')) return 'partial'
  if (c.req.header('HX-Request') || c.req.header('Accept')?.includes('text/html')) return 'page'
  return 'program'
}

/** Does this client want errors as JSON? Yes if its `Accept` names JSON and not HTML. A wildcard names neither. */
export function wantsJson(c: Context): boolean {
  const accept = c.req.header('Accept') ?? ''
  return names(accept, 'application/json') && !names(accept, 'text/html')
}

/** Does an `Accept` header name this media type with a weight (q) above 0? */
const names = (accept: string, type: string): boolean =>
  accept.split(',').some((one) => {
    const [name, ...parameters] = one.split(';').map((part) => part.trim().toLowerCase())
    return name === type && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))
  })

/** The path of the page that sent the request, by htmx's header or the Referer; `otherwise` when it is not our page. */
export function cameFrom(c: Context, otherwise: string): string {
  const from = c.req.header('HX-Current-URL') ?? c.req.header('Referer')
  if (!from || !URL.canParse(from)) return otherwise
  const { host, pathname, search } = new URL(from)
  return host === c.req.header('Host') ? safePath(pathname + search) : otherwise
}

const pathLengthMax = 2000

/**
 * A path on this site, percent-encoded, safe in a header and in a form. Undefined for any other text: `//evil` and
 * `/\evil` lead to another site, and so does `/.//evil` after its dot is resolved.
 */
export function ownPath(path: string | undefined): string | undefined {
  if (!path || path.length > pathLengthMax || !/^\/(?![/\\])[^\u0000-\u001f]*$/.test(path))
    return undefined
  const { pathname, search, hash } = new URL(path, 'http://own.invalid')
  return pathname.startsWith('//') ? undefined : pathname + search + hash
}

/** The path when it is on this site, else the timeline. */
export const safePath = (path: string | undefined): string => ownPath(path) ?? '/timeline'

// The page to return to after sign-in: the page on which a visitor tried to do something that needs a session.
import type { Context } from 'hono'

import { cameFrom, clientKind, type Env } from './context.ts'

/** Addresses of actions, and the page that offers the action. Signing in does not carry out the action itself. */
const pagesOfActions: [address: RegExp, page: string][] = [
  [/^\/(login|register|logout|theme|chip)($|\?.*)/, ''],
  [/^\/account\/.*/, '/account'],
  [/^\/tweet($|\?.*)/, '/post'],
  [/^\/(?:un)?favorite\/(\d+).*/, '/tweet/$1'],
  [/^\/(?:un)?follow\/(\d+).*/, '/user/$1'],
]

/** A longer path may not fit in a header of a proxy. */
const pathMax = 2000

/** The page to return to after sign-in, as a path on this site; `''` when there is none. */
export function signInPlace(c: Context<Env>): string {
  const { pathname, search } = new URL(c.req.url)
  const own = pathname + search
  const reads = c.req.method === 'GET' || c.req.method === 'HEAD'
  // The next part of a list (`before`) is not a page. Search while typing is: its address shows the same results.
  const isPage = reads && (clientKind(c) !== 'partial' || c.req.query('before') === undefined)
  const place = isPage ? own : cameFrom(c, own)
  const page = pagesOfActions.reduce((path, [action, form]) => path.replace(action, form), place)
  const candidates = [page, page.split('?')[0]!]
  return candidates.find((path) => encodeURIComponent(path).length <= pathMax) ?? ''
}

/** The address of the sign-in form, with `signInPlace` as its `next` parameter. */
export function signInPath(c: Context<Env>): string {
  const place = signInPlace(c)
  return place ? `/login?next=${encodeURIComponent(place)}` : '/login'
}

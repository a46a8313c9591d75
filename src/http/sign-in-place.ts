// Where sign-in leads back to: the page on which somebody without a session wanted to do something.
import type { Context } from 'hono'

import { cameFrom, clientKind, type Env } from './context.ts'

/** Addresses that are no pages, and the page that offers the same: signing in carries nothing out by itself. */
const offers: [address: RegExp, page: string][] = [
  [/^\/(login|register|logout|theme|chip)($|\?.*)/, ''],
  [/^\/account\/.*/, '/account'],
  [/^\/tweet($|\?.*)/, '/post'],
  [/^\/(?:un)?favorite\/(\d+).*/, '/tweet/$1'],
  [/^\/(?:un)?follow\/(\d+).*/, '/user/$1'],
]

/** As much as fits in a header behind any proxy. */
const placeMax = 2000

/** The page to come back to after sign-in, a path of ours; `''` where there is none. */
export function signInPlace(c: Context<Env>): string {
  const { pathname, search } = new URL(c.req.url)
  const own = pathname + search
  const reads = c.req.method === 'GET' || c.req.method === 'HEAD'
  // The next slice of a list is no page of its own, but search as one types is.
  const isPage = reads && (clientKind(c) !== 'partial' || c.req.query('before') === undefined)
  const place = isPage ? own : cameFrom(c, own)
  const page = offers.reduce((path, [address, offer]) => path.replace(address, offer), place)
  const fitting = [page, page.split('?')[0]!]
  return fitting.find((path) => encodeURIComponent(path).length <= placeMax) ?? ''
}

/** The address of the sign-in form that leads back to `signInPlace`. */
export function signInPath(c: Context<Env>): string {
  const place = signInPlace(c)
  return place ? `/login?next=${encodeURIComponent(place)}` : '/login'
}

// A mark of who the pages of a browser are made for, where scripts can read it: a page that Back brings from a cache
// compares its own with the cookie's and knows, without asking anybody, that the session has changed.
import type { Context } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'

import { clientKind, type Env } from './context.ts'
import { changedCookie, viewerCookie } from './cookie-names.ts'
import type { Viewer } from './sessions.ts'

const yearSeconds = 365 * 24 * 3600
const nobody = '0'

/** Their id and a quarter of the hash of the session's token: it tells sessions apart and opens none. `0` for a visitor. */
export const markOf = (visitor: Pick<Viewer, 'id' | 'tokenHash'> | undefined): string =>
  visitor ? `${visitor.id}-${visitor.tokenHash.slice(0, 16)}` : nobody

/** Whose mark the browser has, when it is another's than `mark`. */
function isOthers(c: Context<Env>, mark: string): boolean {
  const before = getCookie(c, viewerCookie) ?? nobody
  return before !== nobody && before !== mark
}

function setMark(c: Context<Env>, mark: string): void {
  const options = { path: '/', sameSite: 'Lax', secure: c.get('settings').https } as const
  setCookie(c, viewerCookie, mark, { ...options, maxAge: yearSeconds })
}

/**
 * Marks the browser with a session that begins: in this answer and not with the next page, which the browser would
 * not take from its cache again once its requests have another cookie. The pages of who was here before go.
 */
export function markSession(c: Context<Env>, session: { id: number; tokenHash: string }): void {
  const mark = markOf(session)
  if (isOthers(c, mark)) c.header('Clear-Site-Data', '"cache"')
  setMark(c, mark)
}

type Mark = {
  /** Who this page is for; undefined where nobody has looked yet, on some pages that say what went wrong. */
  mark: string | undefined
  /** The pages before were another's: somebody has signed out, or the session has ended elsewhere. */
  left: boolean
}

/** The mark of this page; the browser gets it where it has another's. */
export function markPage(c: Context<Env>): Mark {
  const visitor = c.get('visitor')
  if (!visitor && !('visitor' in c.var)) return { mark: undefined, left: false }
  const mark = markOf(visitor)
  if (!isOthers(c, mark) || clientKind(c) !== 'page') return { mark, left: false }
  setMark(c, mark)
  // Chromium drops a page that says `no-store` from its back/forward cache only when an HttpOnly cookie has changed.
  const options = { path: '/', sameSite: 'Lax', secure: c.get('settings').https } as const
  setCookie(c, changedCookie, '1', { ...options, httpOnly: true, maxAge: 1 })
  return { mark, left: true }
}

/** The id of the user that this browser's pages were made for; `''` when there was none, or anything when forged. */
export const markedUser = (c: Context<Env>): string =>
  /^([1-9]\d*)-/.exec(getCookie(c, viewerCookie) ?? '')?.[1] ?? ''

// A cookie with a mark of the user for whom the last page was made, readable by scripts. A page that Back restores from
// the browser's cache compares its own mark with the cookie. If they differ, the session has changed since.
import type { Context } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'

import { clientKind, type Env } from './context.ts'
import { changedCookie, viewerCookie } from './cookie-names.ts'
import type { Viewer } from './sessions.ts'

const yearSeconds = 365 * 24 * 3600
const nobody = '0'

/** The mark: the user's id and 16 hex digits of the token hash. It identifies a session but does not open it. */
export const markOf = (visitor: Pick<Viewer, 'id' | 'tokenHash'> | undefined): string =>
  visitor ? `${visitor.id}-${visitor.tokenHash.slice(0, 16)}` : nobody

function setMark(c: Context<Env>, mark: string): void {
  const options = { path: '/', sameSite: 'Lax', secure: c.get('settings').https } as const
  setCookie(c, viewerCookie, mark, { ...options, maxAge: yearSeconds })
}

/**
 * Marks the browser when a session begins. In this answer, not with the next page: pages vary by Cookie, so the browser
 * cannot reuse a cached page that has changed a cookie itself. Clears the cache of a browser that had another session:
 * where somebody signed out and in at once, the page between may not have done it (see `markPage`).
 */
export function markSession(c: Context<Env>, session: { id: number; tokenHash: string }): void {
  const mark = markOf(session)
  if ((getCookie(c, viewerCookie) ?? mark) !== mark) c.header('Clear-Site-Data', '"cache"')
  setMark(c, mark)
}

type Mark = {
  /** The mark of the user of this page. Undefined on error pages that are sent before the session is read. */
  mark: string | undefined
  /** The pages before were made for another user: somebody has signed out, or the session has ended elsewhere. */
  left: boolean
}

/** The mark of this page. Sets the cookie when the browser has the mark of another user. */
export function markPage(c: Context<Env>): Mark {
  const visitor = c.get('visitor')
  if (!visitor && !('visitor' in c.var)) return { mark: undefined, left: false }
  const mark = markOf(visitor)
  const before = getCookie(c, viewerCookie) ?? nobody
  const left = before !== nobody && before !== mark
  if (!left || clientKind(c) !== 'page') return { mark, left: false }
  setMark(c, mark)
  // Chromium removes a `no-store` page from its back/forward cache only when an HttpOnly cookie has changed.
  const options = { path: '/', sameSite: 'Lax', secure: c.get('settings').https } as const
  setCookie(c, changedCookie, '1', { ...options, httpOnly: true, maxAge: 1 })
  return { mark, left: true }
}

/** The user id in the browser's mark; `''` when there is none. The cookie can be forged, so never trust this id. */
export const markedUser = (c: Context<Env>): string =>
  /^([1-9]\d*)-/.exec(getCookie(c, viewerCookie) ?? '')?.[1] ?? ''

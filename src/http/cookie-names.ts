// Cookies are shared by all ports of a host. So our cookie names start with the name of the product.
import type { Context } from 'hono'
import { deleteCookie, setCookie } from 'hono/cookie'

import type { Settings } from '../config/env.ts'

const yearSeconds = 365 * 24 * 3600

/** Keeps what somebody has chosen in this browser for a year; undefined: it has the default again. */
export function keepChoice(c: Context, cookie: string, value: string | undefined): void {
  if (value === undefined) deleteCookie(c, cookie, { path: '/' })
  else
    setCookie(c, cookie, value, { path: '/', sameSite: 'Lax', httpOnly: true, maxAge: yearSeconds })
}

/** A sentence that the next page shows once. */
export const flashCookie = 'tracewren_flash'
/** `light` or `dark`. Without this cookie the setting of the operating system applies. */
export const themeCookie = 'tracewren_theme'
/** `off` hides the trace chip. */
export const chipCookie = 'tracewren_chip'

/** `1` for ten seconds after an action: what its holder reads comes from the primary server. Only with a replica. */
export const wroteCookie = 'tracewren_wrote'

/** The user that the last page was made for. Scripts can read it: see viewer-mark.ts. */
export const viewerCookie = 'tracewren_viewer'
/** Set for one second when `viewerCookie` changes to another user. */
export const changedCookie = 'tracewren_changed'

/** The name of the session cookie. With https its prefix `__Host-` keeps other hosts and plain http from setting it. */
export const sessionCookie = ({ https }: Pick<Settings, 'https'>): string =>
  https ? '__Host-tracewren_session' : 'tracewren_session'

/** The name of the session cookie before 0.1.0. Version 0.1.0 still reads it, the next version will not. */
export const formerSessionCookie = ({ https }: Pick<Settings, 'https'>): string =>
  https ? '__Host-session' : 'session'

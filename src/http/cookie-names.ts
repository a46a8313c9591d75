// Programs on one host share cookies whatever their ports, so each of ours carries the product's name.
import type { Settings } from '../config/env.ts'

/** Keeps one sentence for the next page. */
export const flashCookie = 'tracewren_flash'
/** `light` or `dark`; without it the system decides. */
export const themeCookie = 'tracewren_theme'
/** `off` hides the chip. */
export const chipCookie = 'tracewren_chip'

/** Who the last page was made for, which scripts may read: see viewer-mark.ts. */
export const viewerCookie = 'tracewren_viewer'
/** Set for a second when that changes. */
export const changedCookie = 'tracewren_changed'

/** The cookie with the token of the session: with https one that no other host and no plain http can set. */
export const sessionCookie = ({ https }: Pick<Settings, 'https'>): string =>
  https ? '__Host-tracewren_session' : 'tracewren_session'

/** What the session's cookie was called before 0.1.0, which still reads it; the release after that does not. */
export const formerSessionCookie = ({ https }: Pick<Settings, 'https'>): string =>
  https ? '__Host-session' : 'session'

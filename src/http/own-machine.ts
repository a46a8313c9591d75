// A demo that somebody runs for themselves on their own machine: what only operators may do elsewhere, they may do there.
import type { Context } from 'hono'

import { isLocalDemo } from '../config/fault-settings.ts'
import { clientOf } from './client-address.ts'
import type { Env } from './context.ts'

const localHost = /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/i
/** Any of these headers means that a proxy stands between: the socket's address is not that of the client. */
const forwarding = /^(forwarded|via|x-forwarded(-.*)?|x-real-ip)$/i

/**
 * Does this request come from the machine of a demo that only this machine can reach? The name in `Host` counts, too:
 * another site could point a name of its own at the loopback address (DNS rebinding).
 */
export const isOnOwnMachine = (c: Context<Env>): boolean =>
  isLocalDemo(c.get('settings')) &&
  /^(127\.|::1$)/.test(clientOf(c).address) &&
  localHost.test(c.req.header('Host') ?? '') &&
  !Object.keys(c.req.header()).some((name) => forwarding.test(name))

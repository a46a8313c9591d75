// A demo that somebody runs for themselves on their own machine: what only operators may do elsewhere, they may do there.
import { isIP } from 'node:net'

import type { Context } from 'hono'

import type { Env } from './context.ts'

const isLoopback = (address: string) =>
  (isIP(address) === 4 && address.startsWith('127.')) ||
  address === '::1' ||
  address.startsWith('::ffff:127.')

/** Any of these headers means that a proxy stands between: the socket's address is not that of the client. */
const isFromProxy = (name: string) =>
  name.startsWith('x-forwarded') || ['forwarded', 'via', 'x-real-ip'].includes(name)

/**
 * Does this request come from the machine of a demo that only this machine can reach? The name in `Host` counts, too:
 * another site could point a name of its own at the loopback address.
 */
export function isOnOwnMachine(c: Context<Env>): boolean {
  const { demo, HOST, PUBLIC_ORIGIN } = c.get('settings')
  const incoming = c.env?.incoming
  if (!demo || PUBLIC_ORIGIN !== undefined || !incoming) return false
  if (HOST !== 'localhost' && !isLoopback(HOST)) return false
  const host = /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/i.test(incoming.headers.host ?? '')
  return (
    host &&
    isLoopback(incoming.socket.remoteAddress ?? '') &&
    !Object.keys(incoming.headers).some(isFromProxy)
  )
}

import type { buildConnector } from 'undici'

import type { Target } from './address-guard.ts'
import { Unfit } from './unfit.ts'

type Connector = buildConnector.connector

/** One address may take this long, so that there is time for another one. */
export const attemptMs = 1000

/**
 * A connector that connects to the addresses of `target`, one after the other, and to nothing else: no name is resolved
 * again. TLS checks that the certificate is for the name.
 */
export const connectorTo =
  ({ name, port, addresses }: Target, connect: Connector, signal: AbortSignal): Connector =>
  (options, callback) => {
    const isAddress = addresses.includes(name)
    const attempt = (at: number) => {
      const address = addresses[at]
      if (address === undefined || signal.aborted) return callback(new Unfit('unreachable'), null)
      connect(
        {
          ...options,
          hostname: address,
          host: address.includes(':') ? `[${address}]` : address,
          port: String(port),
          // Without one, undici takes `host`: TLS has no server names that are addresses.
          ...(isAddress ? {} : { servername: name }),
        },
        (...result) => (result[0] ? attempt(at + 1) : callback(...result)),
      )
    }
    attempt(0)
  }

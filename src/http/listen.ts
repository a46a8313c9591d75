import type { Server } from 'node:http'

import { serve } from '@hono/node-server'

import type { Settings } from '../config/env.ts'
import { asListenError } from '../config/start-error.ts'
import { acceptedConnections } from '../overload/admission-queue.ts'

/** Listens on HOST and PORT. Rejects with a StartError when that address cannot be had. */
export function listen(
  fetch: Parameters<typeof serve>[0]['fetch'],
  settings: Settings,
): Promise<Server> {
  return new Promise((resolve, reject) => {
    // The cast is right: `serve` creates an http.Server unless it is given another `createServer`.
    const server = serve({
      fetch,
      port: settings.PORT,
      hostname: settings.HOST,
      serverOptions: {
        // Node's defaults (60 s and 300 s) are so long that 800 slow clients could hold all sockets for minutes.
        headersTimeout: 5000,
        requestTimeout: 10_000,
        connectionsCheckingInterval: 1000,
        // Longer than nginx keeps an idle upstream connection (60 s). Else nginx could send a POST on a closing one.
        keepAliveTimeout: 65_000,
      },
    }) as Server
    server.on('connection', () => (acceptedConnections.count += 1))
    server.once('listening', () => resolve(server))
    server.once('error', (error) => reject(asListenError(error, settings)))
  })
}

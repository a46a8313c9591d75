// Gives memory back when nobody asks for anything. V8 collects while somebody allocates: what a crowd leaves behind
// would stay until the next one comes, 100 MB of 250.
import type { ServerType } from '@hono/node-server'

import { errorFacts, log } from './log.ts'

const quietMs = 5000
/** Less is not worth it: V8 throws compiled code away with the garbage, and the next thousand pages cost twice as much. */
const grownBytes = 64 * 1024 * 1024

/**
 * Watches the server for as long as the process lives: when memory has grown by 64 MB, since now or the last time, it
 * collects garbage after five seconds without a new request but health checks, a pause of some 80 ms.
 */
export function giveBackMemory(server: ServerType): void {
  let asked = 0
  let kept = process.memoryUsage.rss()
  // Who watches over this process asks every few seconds, for ever.
  server.on('request', ({ url }) => {
    if (url !== '/livez' && url !== '/readyz') asked += 1
  })
  const timer = setInterval(() => {
    const quiet = asked === 0
    asked = 0
    if (!quiet || process.memoryUsage.rss() < kept + grownBytes) return
    collectGarbage()
      .then(() => (kept = process.memoryUsage.rss()))
      .catch((error: unknown) => {
        clearInterval(timer)
        log.warn('memory cannot be given back', errorFacts(error))
      })
  }, quietMs)
  timer.unref()
}

/** By way of the inspector, Node's one public door to it: `--expose-gc` would be a flag of the command line. */
async function collectGarbage(): Promise<void> {
  const before = process.memoryUsage.rss()
  const { Session } = await import('node:inspector/promises')
  const session = new Session()
  session.connect()
  try {
    await session.post('HeapProfiler.collectGarbage')
  } finally {
    session.disconnect()
  }
  log.debug('memory given back', { before, after: process.memoryUsage.rss() })
}

// The live tail: new requests as server-sent events. The number of readers is bounded, and how far each may lag behind.
import type { Context } from 'hono'
import { streamSSE } from 'hono/streaming'

import { Refusal } from '../base/refusal.ts'
import type { Env } from '../http/context.ts'
import type { RecordedRequest } from '../trace-store/recorded.ts'
import { recorderOf } from './access.tsx'
import { passes, type Filter } from './filters.tsx'
import { RequestRow } from './list.tsx'

const tailsMax = 20
const lagMax = 200
const stuckMs = 5000
const lookMs = 250
const heartbeatMs = 15_000
/** Rows in one message, at most ten messages a second: up to 500 requests a second. */
const rowsAtOnce = 50
const everyMs = 100

let tails = 0

const pause = (ms: number) =>
  new Promise<'late'>((done) => setTimeout(() => done('late'), ms).unref())

async function isStuck(written: Promise<unknown>, stopping: () => boolean): Promise<boolean> {
  for (let ms = 0; ms < stuckMs && !stopping(); ms += lookMs)
    if ((await Promise.race([written, pause(lookMs)])) !== 'late') return false
  return true
}

/** Streams the rows of new requests that pass the filter until the reader leaves, lags behind, or the process stops. */
export function liveTail(c: Context<Env>, filter: Filter, stopping: () => boolean): Response {
  if (tails >= tailsMax) {
    throw new Refusal(503, 'Too many people follow live. Try again later.', {
      code: 'too_many_tails',
      headers: { 'Retry-After': '30' },
    })
  }
  tails += 1
  const waiting: RecordedRequest[] = []
  const lag = { isTooLong: false }
  const stop = recorderOf(c).listen((request) => {
    if (!passes(request, filter)) return
    if (waiting.length < lagMax) waiting.push(request)
    else lag.isTooLong = true
  })
  // Without this header nginx would buffer the rows.
  c.header('X-Accel-Buffering', 'no')
  return streamSSE(c, async (stream) => {
    // Send a heartbeat first: before the first bytes, neither browser nor proxy knows that the stream is open.
    let quietMs = heartbeatMs
    try {
      while (!stream.aborted && !stream.closed && !lag.isTooLong && !stopping()) {
        const rows = waiting.splice(0, rowsAtOnce)
        const written =
          rows.length > 0
            ? stream.writeSSE({
                data: rows
                  .toReversed()
                  .map((request) => (<RequestRow request={request} />).toString())
                  .join(''),
              })
            : quietMs >= heartbeatMs
              ? stream.write(': still here\n\n')
              : undefined
        quietMs = written ? 0 : quietMs + everyMs
        // Disconnect a reader that does not read: its unsent rows would use memory.
        if (written && (await isStuck(written, stopping))) {
          c.env.outgoing?.destroy()
          break
        }
        await pause(everyMs)
      }
    } finally {
      stop()
      tails -= 1
      stream.abort()
    }
  })
}

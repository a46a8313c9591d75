// The live tail: new requests as server-sent events. Bounded in how many watch and in how far one may lag behind.
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
/** At most this many rows in one message, ten times a second: twenty could not keep up with 200 requests a second. */
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
  // nginx would gather rows into whole buffers.
  c.header('X-Accel-Buffering', 'no')
  return streamSSE(c, async (stream) => {
    // Begins with a beat: before the first bytes neither a browser nor a proxy knows that the stream is open.
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
        // A reader that does not read is cut off; everybody else must not pay for its queue.
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

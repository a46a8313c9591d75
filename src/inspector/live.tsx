// The live tail: new requests as server-sent events. The number of readers is bounded, and how far each may lag behind.
import type { Context } from 'hono'

import { Refusal } from '../base/refusal.ts'
import type { Env } from '../http/context.ts'
import { answerStream, openStreams } from '../http/event-stream.ts'
import type { RecordedRequest } from '../trace-store/recorded.ts'
import { recorderOf } from './access.tsx'
import { RequestRow } from './list.tsx'

const tailsMax = 20
const lagMax = 200
/** Rows in one message, at most ten messages a second: up to 500 requests a second. */
const rowsAtOnce = 50
const everyMs = 100

/** Streams the rows of new requests that pass the filter until the reader leaves, lags behind, or the process stops. */
export function liveTail(
  c: Context<Env>,
  passes: (request: RecordedRequest) => boolean,
  stopping: () => boolean,
): Response {
  if (openStreams.traces >= tailsMax) {
    throw new Refusal(503, 'Too many people follow live. Try again later.', {
      code: 'too_many_tails',
      headers: { 'Retry-After': '30' },
    })
  }
  let stop = () => {}
  return answerStream(c, { kind: 'traces', stopping, onEnd: () => stop() }, (stream) => {
    const waiting: RecordedRequest[] = []
    const unlisten = recorderOf(c).listen((request) => {
      if (!passes(request)) return
      if (waiting.length < lagMax) waiting.push(request)
      else stream.end()
    })
    const timer = setInterval(() => {
      if (waiting.length === 0 || stream.isBehind) return
      const rows = waiting.splice(0, rowsAtOnce).toReversed()
      stream.send(rows.map((request) => (<RequestRow request={request} />).toString()).join(''))
    }, everyMs).unref()
    stop = () => {
      clearInterval(timer)
      unlisten()
    }
  })
}

// GET /timeline/live: how many posts are newer than those of the page, as server-sent events.
import { createMiddleware } from 'hono/factory'
import * as v from 'valibot'

import { Refusal } from '../../base/refusal.ts'
import type { Db } from '../../db/db.ts'
import { router, type Env } from '../../http/context.ts'
import { answerStream } from '../../http/event-stream.ts'
import { clientKey } from '../../http/rate-limits.ts'
import { traced } from '../../http/request-span.ts'
import { query } from '../../http/validation.ts'
import { place } from '../../ui/feed.tsx'
import { LiveHub, type LiveLimits } from './hub.ts'

const lifeMs = 600_000

/** Not `signedIn`: a stream cannot be continued on the page to sign in. */
const viewersOnly = createMiddleware<Env>(async (c, next) => {
  if (!c.var.visitor) throw new Refusal(401, 'Sign in first.', { code: 'signed_out' })
  c.set('viewer', c.var.visitor)
  await next()
})

/** No route with LIVE_STREAMS=0. `state.stopping` ends the streams. */
export function liveRoutes(db: Db, limits: LiveLimits, state: { stopping: boolean }) {
  const routes = router()
  if (limits.LIVE_STREAMS === 0) return routes
  const hub = new LiveHub(db, limits)
  return routes.get(
    '/timeline/live',
    traced('live.open'),
    viewersOnly,
    query({ after: v.optional(place, '0') }),
    async (c) => {
      const { id: viewer, tokenHash } = c.var.viewer
      const { after } = c.req.valid('query')
      const waiting = await hub.enter({ viewer, tokenHash, address: clientKey(c), after })
      const ends = { stopping: () => state.stopping, onEnd: () => hub.leave(waiting) }
      return answerStream(c, { kind: 'timeline', lifeMs, ...ends }, (stream) =>
        hub.begin(waiting, stream),
      )
    },
  )
}

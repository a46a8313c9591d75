import type { Context } from 'hono'

import { router, wantsJson } from '../http/context.ts'
import { untraced } from '../telemetry/spans.ts'

/** `/livez`: the process answers. `/readyz`: it can serve: it is not stopping, and the database is writable. */
export const healthRoutes = (state: { stopping: boolean }) =>
  router()
    .get('/livez', (c) => c.text('ok\n'))
    .get('/readyz', async (c) => {
      if (state.stopping) return unready(c, 'stopping')
      try {
        // The Collector drops the spans of health checks: a span below one would have no parent there.
        await untraced(() => c.var.database.probe())
        return c.text('ok\n')
      } catch {
        return unready(c, 'the database cannot be written')
      }
    })

const unready = (c: Context, why: string) =>
  wantsJson(c) ? c.json({ error: why }, 503) : c.text(`${why}\n`, 503)

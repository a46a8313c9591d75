import { router } from '../web.ts'

/** `/livez`: the process answers. `/readyz`: it can serve people: not stopping, and the database takes a write. */
export const healthRoutes = (state: { stopping: boolean }) =>
  router()
    .get('/livez', (c) => c.text('ok\n'))
    .get('/readyz', async (c) => {
      if (state.stopping) return c.text('stopping\n', 503)
      try {
        await c.var.database.probe()
        return c.text('ok\n')
      } catch {
        return c.text('the database cannot be written\n', 503)
      }
    })

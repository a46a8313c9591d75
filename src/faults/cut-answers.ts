import { setTimeout as pause } from 'node:timers/promises'

import type { HttpBindings } from '@hono/node-server'
import type { Context } from 'hono'

import type { Env } from '../http/context.ts'
import { requestCosts } from '../telemetry/query-tracing.ts'
import type { Fault } from './fault.ts'

export const cutAnswers: Fault = {
  name: 'cut-answers',
  kind: 'application',
  title: 'Cut answers',
  does: 'The connection ends in the middle of some pages, after the status has been sent.',
  moves:
    'http.response.body.size of the route falls; errors in the browser, in nginx and in load tests, while the status of the server span stays 200.',
  find: '/routes: errors 0, but "KB" of a row has fallen. Compare http.response.body.size of its traces: some have only a part of the page.',
  cure: 'Look at what closes connections: timeouts, memory limits, a proxy; watch errors where the clients are.',
  strength: { what: 'Part that is sent', unit: '%', min: 1, max: 99, default: 50 },
  takesRoute: true,
  start({ around, strength }) {
    around(async (c, next) => {
      await next()
      // Only what was rendered: streams and downloads have no whole that could be halved.
      if (c.get('answeredAt') !== undefined) await cut(c, strength / 100)
    })
  },
}

async function cut(c: Context<Env>, part: number): Promise<void> {
  const whole = new Uint8Array(await c.res.arrayBuffer())
  const sent = whole.subarray(0, Math.floor(whole.length * part))
  let isSent = false
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (isSent) return hangUp(c.env?.outgoing, controller)
        controller.enqueue(sent)
        isSent = true
      },
    },
    { highWaterMark: 0 },
  )
  const { status, headers } = c.res
  c.res = new Response(body, { status, headers })
  // The length of the whole page: who reads it notices that something is missing.
  c.res.headers.set('Content-Length', String(whole.length))
  const costs = requestCosts()
  if (costs) costs.bytes = sent.length
}

/** Closes the connection once the first part is on its way. An error of the stream would be a line about a bug in the log. */
async function hangUp(
  outgoing: HttpBindings['outgoing'] | undefined,
  controller: ReadableStreamDefaultController,
): Promise<void> {
  if (!outgoing) return controller.error(new Error('The answer was cut.'))
  for (let tries = 0; tries < 1000 && !outgoing.headersSent; tries++) await pause(1)
  const { socket } = outgoing
  if (socket && 'destroySoon' in socket) socket.destroySoon()
  else outgoing.destroy()
}

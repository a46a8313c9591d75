import { setTimeout as pause } from 'node:timers/promises'

import type { Fault } from './fault.ts'

export const latency: Fault = {
  name: 'latency',
  kind: 'application',
  title: 'Latency',
  does: 'The handler of some requests waits before it begins, as for a service that answers slowly.',
  moves:
    'Durations of the route (http.server.request.duration, p95 and p99 before the mean); its handler span grows, its queries do not.',
  find: '/routes: p99 of one row is far above its p50 (with a share of 1, both are up). "Slowest" opens a trace: a long gap in the handler span before its first query.',
  cure: 'Find what the handler waits for; give it a timeout, or take it out of the request.',
  strength: { what: 'Wait', unit: 'ms', min: 1, max: 5000, default: 500 },
  takesRoute: true,
  start({ around, strength }) {
    around(async (_, next) => {
      await pause(strength)
      await next()
    })
  },
}

import { raw } from 'hono/html'

import { addNotice } from '../ui/notice.ts'
import { busyMsMax, keepBusy } from './busy.ts'
import type { Fault } from './fault.ts'

export const slowRender: Fault = {
  name: 'slow-render',
  kind: 'application',
  title: 'Slow render',
  does: 'Building the HTML of a page takes more work than it should.',
  moves:
    'app.render.duration_ms and the span render of the route; nodejs.eventloop.delay, so that other routes wait behind it, too; no query.',
  find: '/routes: p50 of a row is up, its queries are not. "Slowest" opens a trace: "rendering" has most of its time.',
  cure: 'Profile the CPU (node --cpu-prof); do less for each row, or keep what was rendered.',
  strength: { what: 'Work', unit: 'ms', min: 1, max: busyMsMax, default: 100 },
  takesRoute: true,
  start({ around, strength }) {
    const slow = new WeakSet<object>()
    around((c, next) => {
      slow.add(c)
      return next()
    })
    // A promise, because what the page is made of is awaited within the time of rendering.
    return addNotice((c) =>
      slow.has(c)
        ? Promise.resolve().then(() => {
            keepBusy(strength)
            return raw('')
          })
        : '',
    )
  },
}

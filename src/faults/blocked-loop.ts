import { busyMsMax, keepBusy } from './busy.ts'
import type { Fault } from './fault.ts'

/** From the end of one block to the next one, at least, and at most twice as long. */
const pauseMs = 500

export const blockedLoop: Fault = {
  name: 'blocked-loop',
  kind: 'process',
  title: 'Blocked event loop',
  does: 'Now and then the process computes something and answers nobody meanwhile.',
  moves:
    'nodejs.eventloop.delay (max, p99) and p99 of all routes alike; queries are as short as before.',
  find: '/routes: p99 of every row is up, p50 is not. In slow traces, spans that do nothing are long, each time in another place.',
  cure: 'Profile the CPU (node --cpu-prof); move the work to a worker, or do it in slices.',
  strength: { what: 'Blocked at a time', unit: 'ms', min: 1, max: busyMsMax, default: 300 },
  start({ strength, random }) {
    let timer: NodeJS.Timeout | undefined
    const next = () => {
      timer = setTimeout(
        () => {
          keepBusy(strength)
          next()
        },
        pauseMs * (1 + random()),
      ).unref()
    }
    next()
    return () => clearTimeout(timer)
  },
}

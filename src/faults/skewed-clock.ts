import { faultPoints } from '../telemetry/fault-points.ts'
import type { Fault } from './fault.ts'

export const skewedClock: Fault = {
  name: 'skewed-clock',
  kind: 'telemetry',
  title: 'Skewed clock',
  does: 'The clock that times the spans of this process is ahead of all other clocks.',
  moves:
    'Start and end of all spans of a request, not their durations; against nginx and against the log lines of the same trace.',
  find: '/traces: the time of the newest trace is in the future. Its log lines (link Logs) were written before it began.',
  cure: 'Synchronise the clocks (NTP), and watch their offset.',
  strength: { what: 'Ahead by', unit: 'seconds', min: 1, max: 3600, default: 30 },
  start({ strength }) {
    faultPoints.clockAheadMs = strength * 1000
    return () => {
      faultPoints.clockAheadMs = 0
    }
  },
}

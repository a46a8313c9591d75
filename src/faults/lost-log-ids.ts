import { faultPoints } from '../telemetry/fault-points.ts'
import { breaking } from './breaking.ts'
import type { Fault } from './fault.ts'

export const lostLogIds: Fault = {
  name: 'lost-log-ids',
  kind: 'telemetry',
  title: 'Logs without trace ids',
  does: 'Log lines are written without the ids of their trace and their span.',
  moves: 'trace_id and span_id of the log lines, on standard output, over OTLP and in /logs.',
  find: '/traces, any trace, "Logs": there are none, though /logs has the line of the request, without a link to its trace.',
  cure: 'Write logs through one function that adds the ids of the active span, inside of its context.',
  strength: { what: 'Lines that lose their ids', unit: '%', min: 1, max: 100, default: 100 },
  start: breaking(faultPoints, 'losesIds'),
}

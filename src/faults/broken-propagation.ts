import { faultPoints } from '../telemetry/fault-points.ts'
import { breaking } from './breaking.ts'
import type { Fault } from './fault.ts'

export const brokenPropagation: Fault = {
  name: 'broken-propagation',
  kind: 'telemetry',
  title: 'Broken propagation',
  does: 'Requests no longer continue the trace of nginx or of a load generator: each begins a trace of its own.',
  moves:
    'The server span has no parent, and another trace id than the traceparent that came with the request; traces of nginx end at nginx.',
  find: '/traces: send a request with a traceparent header and search for its trace id: there is none.',
  cure: 'Look at what removes the header on its way (a proxy), at OTEL_PROPAGATORS, and at TRUSTED_PROXIES.',
  strength: { what: 'Requests that lose their trace', unit: '%', min: 1, max: 100, default: 100 },
  start: breaking(faultPoints, 'losesTrace'),
}

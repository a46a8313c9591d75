import { faultPoints } from '../telemetry/fault-points.ts'
import { breaking } from './breaking.ts'
import type { Fault } from './fault.ts'

export const lostParents: Fault = {
  name: 'lost-parents',
  kind: 'telemetry',
  title: 'Spans without parents',
  does: 'The spans of queries lose their parents: each is a trace of its own, as after a lost context.',
  moves:
    'Traces of a single query span appear; traces of requests have fewer spans than app.db.query_count says.',
  find: '/traces, a trace of a page: the server span says app.db.query_count 2, but no query is below it.',
  cure: 'Find the callback, queue or timer that runs outside of the context of its request (AsyncLocalStorage).',
  strength: { what: 'Queries that lose their parent', unit: '%', min: 1, max: 100, default: 100 },
  start: breaking(faultPoints, 'losesParent'),
}

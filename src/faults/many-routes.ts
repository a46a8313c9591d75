import { faultPoints } from '../telemetry/fault-points.ts'
import type { Fault } from './fault.ts'

/** A metrics store keeps a series for long after it has ended, so the bound counts those of the whole life of the process. */
export const seriesMax = 1000
const made = new Set<string>()

export const manyRoutes: Fault = {
  name: 'many-routes',
  kind: 'telemetry',
  title: 'High-cardinality routes',
  does: 'http.route is no longer the pattern but a name of its own for each of many requests, as if ids were in it.',
  moves:
    'The number of series of http.server.request.duration; names of server spans; rows of /routes with one request each.',
  find: '/routes: hundreds of rows with a count of 1, whose names begin alike and end in a number.',
  cure: 'Record the pattern of the route, not the path; set a limit for the cardinality of the metric.',
  strength: { what: 'Made-up series', unit: 'series', min: 1, max: seriesMax, default: 300 },
  start({ strength, random }) {
    const named = new WeakMap<object, string>()
    faultPoints.nameRoute = (route, { method, status, key }) => {
      const known = named.get(key)
      if (known !== undefined) return known
      const name = `${route}/${Math.floor(random() * strength)}`
      const series = `${method} ${status} ${name}`
      const chosen = made.has(series) || made.size < strength ? name : route
      if (chosen === name) made.add(series)
      named.set(key, chosen)
      return chosen
    }
    return () => {
      faultPoints.nameRoute = undefined
    }
  },
}

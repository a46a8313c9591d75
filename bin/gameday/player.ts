// A player that is a script: it knows what a fault looks like and reads only the public pages.
import { everywhere, type Answers } from './score.ts'
import type { Seen, SeenTrace } from './seen.ts'
import { signs, usualOf, type Sign, type Usual } from './signs.ts'

/** Fewer may be an accident. */
const hitsMin = 3
/** What is said of one route must be true of so many of the traces that show it. */
const ofOneRoute = 0.8
const sampleMs = 10_000

type Found = { fault: string; route: string; since: number }

/** What seems to be wrong, as answers; undefined while nothing does. `healthyUntil`: ms UTC. */
export function diagnose(seen: Seen, faults: string[], healthyUntil: number): Answers | undefined {
  const usual = usualOf(seen.traces, seen.samples, healthyUntil)
  for (const [fault, sign] of Object.entries(signs)) {
    if (!faults.includes(fault)) continue
    const found = findingOf(fault, sign, { seen, usual, healthyUntil })
    if (found)
      return {
        fault: found.fault,
        route: found.route || everywhere,
        since: new Date(found.since).toISOString(),
      }
  }
  return undefined
}

type View = { seen: Seen; usual: Usual; healthyUntil: number }

/** Faults of a route: all of their traces are of one. */
const ofRoutes = new Set([
  'errors',
  'latency',
  'n-plus-one',
  'slow-render',
  'cut-answers',
  'full-scan',
])

function findingOf(
  fault: string,
  sign: Sign,
  { seen, usual, healthyUntil }: View,
): Found | undefined {
  const { trace: shows, sample: samples, line } = sign
  if (fault === 'skewed-clock') return skewed(seen)
  if (ofRoutes.has(fault))
    return shows && routeFinding(fault, hitsOf(seen, shows, usual, healthyUntil))
  if (samples) {
    const hits = seen.samples.filter((one) => one.at > healthyUntil + 1000 && samples(one, usual))
    const first = hits[0]
    // A leak and a log that grow are seen a little late: the middle of the ten seconds before is nearer.
    if (hits.length >= 2 && first)
      return { fault, route: '', since: Math.max(healthyUntil, first.at - sampleMs / 2) }
    return undefined
  }
  const lines = seen.lines.filter((one) => line?.(one))
  // What has been there from the beginning is a decoy.
  if (lines.some(({ at }) => at < healthyUntil)) return undefined
  const times = shows
    ? hitsOf(seen, shows, usual, healthyUntil).map(({ at }) => at)
    : lines.map(({ at }) => at)
  if (times.length < hitsMin && !(fault === 'held-lock' && times.length > 0)) return undefined
  return { fault, route: '', since: Math.min(...times) }
}

const hitsOf = (
  { traces }: Seen,
  shows: NonNullable<Sign['trace']>,
  usual: Usual,
  healthyUntil: number,
): SeenTrace[] => traces.filter((trace) => trace.at > healthyUntil && shows(trace, usual))

function routeFinding(fault: string, hits: SeenTrace[]): Found | undefined {
  const counts = new Map<string, number>()
  for (const { route } of hits) counts.set(route, (counts.get(route) ?? 0) + 1)
  const [route, count] = [...counts].toSorted(([, one], [, other]) => other - one)[0] ?? ['', 0]
  if (count < hitsMin || count < hits.length * ofOneRoute) return undefined
  const own = hits.filter((hit) => hit.route === route)
  return { fault, route, since: Math.min(...own.map(({ at }) => at)) }
}

/** The spans of a clock that is ahead: the newest one tells by how much. */
function skewed({ traces, readAt }: Seen): Found | undefined {
  const newest = Math.max(...traces.map(({ at }) => at))
  if (newest < readAt + 20_000) return undefined
  const ahead = newest - readAt
  const jumped = traces.filter(({ at }) => at > readAt - 120_000 + ahead)
  return {
    fault: 'skewed-clock',
    route: '',
    since: Math.min(...jumped.map(({ at }) => at)) - ahead,
  }
}

// Draws the mystery of a game day from a seed: the same seed and level give the same one.
import { random, type Random } from '../../src/base/random.ts'
import { faultNamed, faults, hiding } from '../../src/faults/list.ts'
import type { Strike } from './app.ts'

export const levels = [1, 2, 3] as const
export type Level = (typeof levels)[number]

export type Mystery = {
  fault: Strike
  /** From the start of the traffic, seconds. */
  after: number
  /** Level 3: something that is odd from the start on, and is not what the questions ask for. */
  decoy: Strike | undefined
}

/** Where the traffic goes often enough for traces to be there. */
export const busyRoutes = [
  'GET /',
  'GET /timeline',
  'GET /tweet/:id',
  'GET /:handle',
  'GET /search',
]
const withLists = ['GET /', 'GET /timeline', 'GET /:handle', 'GET /search']

type Candidate = {
  name: string
  /** The strength that leaps to the eye. */
  strong: number
  /** The one of level 2, for a share of what it strikes; undefined where there is no such thing. */
  partly?: number
  /** The one of a decoy; undefined where it would be no fair one. */
  weak?: number
  routes?: string[]
  /** It needs somewhere to export to. */
  exports?: true
}

const candidates: Candidate[] = [
  { name: 'errors', strong: 90, partly: 100, routes: busyRoutes },
  { name: 'latency', strong: 1200, partly: 600, weak: 60, routes: busyRoutes },
  { name: 'n-plus-one', strong: 3, partly: 1, routes: withLists },
  { name: 'slow-render', strong: 350, partly: 200, routes: busyRoutes },
  { name: 'cache-off', strong: 100, partly: 70, weak: 20 },
  { name: 'cut-answers', strong: 30, partly: 30, routes: busyRoutes },
  { name: 'full-scan', strong: 400, partly: 250, routes: withLists },
  { name: 'held-lock', strong: 3500 },
  { name: 'slow-commit', strong: 600, weak: 30 },
  { name: 'wal-growth', strong: 96 },
  { name: 'blocked-loop', strong: 500 },
  { name: 'memory-leak', strong: 200 },
  { name: 'password-queue', strong: 60 },
  { name: 'exporter-unreachable', strong: 100, partly: 50, exports: true },
  { name: 'broken-propagation', strong: 100, partly: 40 },
  { name: 'lost-parents', strong: 100, partly: 30 },
  { name: 'many-routes', strong: 300 },
  { name: 'sampling', strong: 1, partly: 30, exports: true },
  { name: 'lost-log-ids', strong: 100, partly: 40, weak: 10 },
  { name: 'skewed-clock', strong: 180, weak: 3 },
]

/** What a game may be like here. */
export type Ground = {
  /** Does the app export its telemetry? Else nothing of that can be broken. */
  exports: boolean
  /** The first and the last second in which the fault may begin. */
  window: [first: number, last: number]
}

export const usualWindow: Ground['window'] = [45, 150]

/** Draws the fault, its route and its beginning; at level 3 a decoy, too. */
export function draw(seed: number, level: Level, { exports, window }: Ground): Mystery {
  const next = random(Math.imul(seed, 0x9e3779b1) ^ level)
  const possible = candidates.filter(
    (one) => (exports || !one.exports) && (level !== 2 || one.partly !== undefined),
  )
  const chosen = shuffled(possible, Math.floor(seed / possible.length), level)[
    seed % possible.length
  ]!
  const fault = struck(
    chosen,
    { strength: strengthOf(chosen, level), share: level === 2 ? 0.4 : 1 },
    next,
  )
  const after = window[0] + Math.floor(next() * (window[1] - window[0] + 1))
  return { fault, after, decoy: level === 3 ? decoyOf(fault, next) : undefined }
}

/** The seeds of a class are often 1, 2, 3: as many seeds in a row as there are faults draw each of them once. */
function shuffled(list: Candidate[], round: number, level: Level): Candidate[] {
  const next = random(Math.imul(round + 1, 0x85ebca6b) ^ (level * 0x27d4eb2f))
  return list
    .map((one) => ({ one, key: next() }))
    .toSorted((a, b) => a.key - b.key)
    .map(({ one }) => one)
}

const strengthOf = ({ strong, partly }: Candidate, level: Level) =>
  level === 2 ? (partly ?? strong) : strong

/** Weak, of another kind than the fault, and nothing that hides it. */
function decoyOf(fault: Strike, next: Random): Strike {
  const possible = candidates.filter(
    ({ name, weak }) =>
      weak !== undefined &&
      faultNamed(name)!.kind !== faultNamed(fault.name)!.kind &&
      hiding([name, fault.name]).length === 0,
  )
  const chosen = oneOf(possible, next)
  return struck(chosen, { strength: chosen.weak!, share: 1 }, next)
}

const struck = (
  { name, routes }: Candidate,
  how: { strength: number; share: number },
  next: Random,
): Strike => ({
  name,
  strength: how.strength,
  route: routes ? oneOf(routes, next) : '',
  share: how.share,
  seed: Math.floor(next() * 1_000_000),
})

const oneOf = <T>(list: readonly T[], next: Random): T => list[Math.floor(next() * list.length)]!

/** All names that may be the answer, in the order of /faults. */
export const namesOf = ({ exports }: Pick<Ground, 'exports'>): string[] =>
  faults
    .map(({ name }) => name)
    .filter((name) => exports || candidates.find((one) => one.name === name)?.exports !== true)

// All faults, in the order of the page.
import { blockedLoop } from './blocked-loop.ts'
import { brokenPropagation } from './broken-propagation.ts'
import { cacheOff } from './cache-off.ts'
import { cutAnswers } from './cut-answers.ts'
import { errors } from './errors.ts'
import { exporterUnreachable } from './exporter-unreachable.ts'
import type { Fault } from './fault.ts'
import { fullScan } from './full-scan.ts'
import { heldLock } from './held-lock.ts'
import { latency } from './latency.ts'
import { lostLogIds } from './lost-log-ids.ts'
import { lostParents } from './lost-parents.ts'
import { manyRoutes } from './many-routes.ts'
import { memoryLeak } from './memory-leak.ts'
import { nPlusOne } from './n-plus-one.ts'
import { passwordQueue } from './password-queue.ts'
import { sampling } from './sampling.ts'
import { skewedClock } from './skewed-clock.ts'
import { slowCommit } from './slow-commit.ts'
import { slowRender } from './slow-render.ts'
import { walGrowth } from './wal-growth.ts'

export const faults: Fault[] = [
  errors,
  latency,
  nPlusOne,
  slowRender,
  cacheOff,
  cutAnswers,
  fullScan,
  heldLock,
  slowCommit,
  walGrowth,
  blockedLoop,
  memoryLeak,
  passwordQueue,
  exporterUnreachable,
  brokenPropagation,
  lostParents,
  manyRoutes,
  sampling,
  lostLogIds,
  skewedClock,
]

/** The fault of this name; undefined when there is none. */
export const faultNamed = (name: string): Fault | undefined =>
  faults.find((one) => one.name === name)

/** Two faults that hide each other, and how. */
const pairs: [one: string, other: string, how: string][] = [
  [
    'errors',
    'latency',
    'A request that waits and then fails is in the durations as in the errors.',
  ],
  ['errors', 'n-plus-one', 'A request that fails at once makes no queries.'],
  ['errors', 'slow-render', 'A request that fails at once renders a short page.'],
  ['errors', 'cut-answers', 'A page that reports an error is small for a reason of its own.'],
  ['latency', 'blocked-loop', 'Both make requests slow without a query: one a route, one all.'],
  [
    'n-plus-one',
    'full-scan',
    'Each changes the database client of a request; the one that began later is the one that counts.',
  ],
  ['held-lock', 'slow-commit', 'Both make writes slow and their queue long.'],
  ['held-lock', 'wal-growth', 'The writes that make the log grow wait for the lock.'],
  ['full-scan', 'blocked-loop', 'Both keep the event loop busy, and share one bound for it.'],
  ['slow-render', 'blocked-loop', 'Both keep the event loop busy, and share one bound for it.'],
  ['exporter-unreachable', 'sampling', 'Where nothing arrives, nobody sees how little would.'],
  ['sampling', 'lost-parents', 'Each lost span is a trace that is sampled for itself.'],
  [
    'broken-propagation',
    'skewed-clock',
    'Without the spans of nginx in the trace, its clock cannot be compared.',
  ],
  ['slow-render', 'cache-off', 'Both make rendering slow: one a route, one all lists.'],
]

/** What somebody who looks for one of these faults may not see because of another one, as sentences. */
export const hiding = (names: string[]): string[] =>
  pairs
    .filter(([one, other]) => names.includes(one) && names.includes(other))
    .map(
      ([one, other, how]) =>
        `${faultNamed(one)!.title} and ${faultNamed(other)!.title} hide each other. ${how}`,
    )

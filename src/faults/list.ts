// All faults, in the order of the page.
import { cacheOff } from './cache-off.ts'
import { errors } from './errors.ts'
import type { Fault } from './fault.ts'
import { latency } from './latency.ts'
import { slowRender } from './slow-render.ts'

export const faults: Fault[] = [errors, latency, slowRender, cacheOff]

/** The fault of this name; undefined when there is none. */
export const faultNamed = (name: string): Fault | undefined =>
  faults.find((one) => one.name === name)

/** Two faults that hide each other, and how. Where both take a route, only if they share one. */
const pairs: [one: string, other: string, how: string][] = [
  [
    'errors',
    'latency',
    'A request that fails at once may still wait first: the durations of the failures are those of the latency.',
  ],
]

/** What somebody who looks for one of these faults may not see because of another one, as sentences. */
export const hiding = (names: string[]): string[] =>
  pairs
    .filter(([one, other]) => names.includes(one) && names.includes(other))
    .map(([one, other, how]) => `${one} and ${other} hide each other. ${how}`)

// The three hints of a game, from vague to narrow.
import { random } from '../../src/base/random.ts'
import { faultNamed } from '../../src/faults/list.ts'
import type { Mystery } from './draw.ts'
import { clock } from './evidence.ts'
import type { Truth } from './score.ts'

/** The second hint names a time of this length. */
const spanMs = 120_000
const namesInHint = 3

/** All hints of this mystery, in their order. */
export function hintsOf({ fault }: Mystery, truth: Truth, faults: string[]): string[] {
  const { kind } = faultNamed(truth.fault)!
  const scope = truth.route === '' ? 'It strikes the whole process.' : 'It strikes one route.'
  const next = random(fault.seed)
  const from = truth.since - Math.floor(next() * spanMs)
  return [
    `It is in the ${kind}. ${scope}`,
    `It begins between ${clock(from)} and ${clock(from + spanMs)}.`,
    `It is one of these: ${suspects(truth.fault, faults, next).join(', ')}.`,
  ]
}

/** The fault and two others, in the order of the list. */
function suspects(fault: string, faults: string[], next: () => number): string[] {
  const others = faults.filter((one) => one !== fault)
  const chosen = new Set([fault])
  while (chosen.size < namesInHint) chosen.add(others[Math.floor(next() * others.length)]!)
  return faults.filter((one) => chosen.has(one))
}

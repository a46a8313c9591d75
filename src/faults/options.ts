// Reads what a request asks of a fault. Every mistake is a sentence that says what is accepted.
import { Refusal } from '../base/refusal.ts'
import type { Fault, Strike } from './fault.ts'

/** Without an end of its own a fault ends after this. */
export const secondsByDefault = 300
export const secondsMax = 3600
const seedMax = 4_294_967_295
const routeByDefault = '/timeline'

/** The fields of the form. An empty one is as none. */
export type Asked = Partial<
  Record<'strength' | 'route' | 'share' | 'seed' | 'seconds', string | undefined>
>

const refuse = (sentence: string) => new Refusal(422, sentence, { code: 'bad_fault' })

type Range = { min: number; max: number; otherwise: number }

function whole(name: string, given: string | undefined, { min, max, otherwise }: Range): number {
  const text = given?.trim() ?? ''
  if (text === '') return otherwise
  const value = Number(text)
  if (/^\d{1,10}$/.test(text) && value >= min && value <= max) return value
  throw refuse(`${name} must be a whole number from ${min} to ${max}.`)
}

function shareOf(given: string | undefined): number {
  const text = given?.trim() ?? ''
  if (text === '') return 1
  const value = Number(text)
  if (/^\d{0,4}\.?\d{1,6}$/.test(text) && value > 0 && value <= 1) return value
  throw refuse('share must be a number above 0 and up to 1, such as 0.25 for one request in four.')
}

/** Reads the options of a fault. Throws a 422 Refusal. */
export function strikeOf(fault: Fault, asked: Asked): Strike {
  const { min, max, default: otherwise } = fault.strength
  const route = asked.route?.trim() ?? ''
  if (!fault.takesRoute && route !== '')
    throw refuse(`${fault.name} strikes the whole process: it takes no route.`)
  if (!fault.takesRoute && (asked.share?.trim() ?? '') !== '')
    throw refuse(`${fault.name} strikes the whole process: it takes no share of requests.`)
  return {
    strength: whole('strength', asked.strength, { min, max, otherwise }),
    route: fault.takesRoute ? route || routeByDefault : '',
    share: shareOf(asked.share),
    seed: whole('seed', asked.seed, { min: 0, max: seedMax, otherwise: 1 }),
    seconds: whole('seconds', asked.seconds, {
      min: 1,
      max: secondsMax,
      otherwise: secondsByDefault,
    }),
  }
}

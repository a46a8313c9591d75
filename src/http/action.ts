import { limited } from './rate-limits.ts'
import { signedIn } from './sessions.ts'
import { idParam } from './validation.ts'

/** What comes before the handler of an action on one thing, such as `/favorite/:id`. */
export const action = [signedIn, limited('LIMIT_WRITE'), idParam] as const

/** What the handler of such an action finds as valid. */
export type OfOne = { out: { param: { id: number } } }

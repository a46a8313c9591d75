import { limited } from './rate-limits.ts'
import { traced } from './request-span.ts'
import { signedIn } from './sessions.ts'
import { idParam } from './validation.ts'

/** What comes before the handler of an action on one thing (`/favorite/:id`); `span` is the name of its handler span. */
export const action = (span: string) =>
  [traced(span), signedIn, limited('LIMIT_WRITE'), idParam] as const

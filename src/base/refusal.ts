import { HTTPException } from 'hono/http-exception'
import type { ContentfulStatusCode } from 'hono/utils/http-status'

type Extras = { headers?: Record<string, string>; code?: string }

/**
 * An error answer, thrown where the reason is known. `message` is a sentence for the person who reads the answer.
 * `code` identifies the reason in logs and spans and does not change.
 */
export class Refusal extends HTTPException {
  readonly headers: Record<string, string>
  readonly code: string

  constructor(status: ContentfulStatusCode, message: string, extras: Extras = {}) {
    // No stack trace: a refusal is not a defect, and the trace would be 5 % of the CPU time of refusing many requests.
    const frames = Error.stackTraceLimit
    Error.stackTraceLimit = 0
    super(status, { message })
    Error.stackTraceLimit = frames
    this.headers = extras.headers ?? {}
    this.code = extras.code ?? `refused_${status}`
  }
}

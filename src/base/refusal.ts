import { HTTPException } from 'hono/http-exception'
import type { ContentfulStatusCode } from 'hono/utils/http-status'

type Extras = { headers?: Record<string, string>; code?: string }

/**
 * An answer that is not a success, thrown where it is known and worded for the person who reads it. `code` is a
 * stable code of the place that threw it, for logs and spans.
 */
export class Refusal extends HTTPException {
  readonly headers: Record<string, string>
  readonly code: string

  constructor(status: ContentfulStatusCode, message: string, extras: Extras = {}) {
    // An answer, not a defect: nobody reads where it was thrown, and writing that down is a twentieth of refusing a crowd.
    const frames = Error.stackTraceLimit
    Error.stackTraceLimit = 0
    super(status, { message })
    Error.stackTraceLimit = frames
    this.headers = extras.headers ?? {}
    this.code = extras.code ?? `refused_${status}`
  }
}

/** Why a page was not read. The words are few and fixed: they are values of a metric. */
export type Reason =
  | 'refused_url'
  | 'refused_port'
  | 'refused_address'
  | 'refused_service'
  | 'no_address'
  | 'unreachable'
  | 'timeout'
  | 'status'
  | 'too_many_hops'
  | 'not_html'
  | 'too_large'
  | 'encoding'
  | 'charset'
  | 'no_title'
  | 'stopped'

/** A page that cannot be read, or that nobody may be led to. */
export class Unfit extends Error {
  readonly reason: Reason
  /** For the span of the request: few values, without an address. */
  readonly code: string

  constructor(reason: Reason) {
    super(reason)
    this.name = 'Unfit'
    this.reason = reason
    this.code = reason
  }
}

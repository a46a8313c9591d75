import { hash } from 'node:crypto'

/** SHA-256 of a list of values, in base64url. Encoded as JSON first, so that two different lists never collide. */
export const digest = (values: readonly (string | number)[]): string =>
  hash('sha256', JSON.stringify(values), 'base64url')

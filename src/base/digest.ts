import { hash } from 'node:crypto'

/** SHA-256 of a list of values; as JSON, so that no two lists give the same text. */
export const digest = (values: readonly (string | number)[]): string =>
  hash('sha256', JSON.stringify(values), 'base64url')

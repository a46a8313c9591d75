// The parameters that several pages of the inspector have in their query strings.
import * as v from 'valibot'

export const numeric = v.optional(
  v.pipe(
    v.string(),
    v.regex(/^\d{0,12}$/, 'That is no number.'),
    v.transform((text) => (text === '' ? undefined : Number(text))),
  ),
)

export const word = v.optional(v.pipe(v.string(), v.maxLength(200, 'That is too long.')), '')

export const traceId = v.optional(
  v.pipe(
    v.string(),
    v.trim(),
    v.regex(/^([0-9a-f]{32})?$/, 'A trace id has 32 hexadecimal digits.'),
  ),
  '',
)

/** A query string of the parameters that have a value, with its question mark; empty without any. */
export function queryOf(parameters: Record<string, string | number>): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== '')
  return given.length === 0
    ? ''
    : `?${given.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&')}`
}

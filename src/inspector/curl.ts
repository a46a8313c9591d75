// A request as a curl command. Everything in it came from a client: it is quoted for a POSIX shell, and has no cookie.
import {
  ATTR_HTTP_REQUEST_METHOD,
  ATTR_URL_PATH,
  ATTR_URL_QUERY,
} from '@opentelemetry/semantic-conventions'

import type { RecordedSpan } from '../trace-store/recorded.ts'

/** In single quotes a shell expands nothing; a single quote itself ends them, so it is written outside. */
const quoted = (text: string) => `'${text.replaceAll("'", String.raw`'\''`)}'`

/** Percent-encodes all but visible ASCII: a terminal would act on control characters, and people cannot see others. */
const visible = (text: string) =>
  text.toWellFormed().replaceAll(/[^\u0021-\u007e]+/g, (piece) => encodeURIComponent(piece))

/** The headers that make the site answer this kind of client in the same way. */
const headersOf: Record<string, string[]> = {
  page: ['Accept: text/html'],
  partial: ['Accept: text/html', 'HX-Request: true', 'HX-Request-Type: partial'],
}

/** The names that a form had, as the server span has them. */
function fieldsOf({ attributes }: RecordedSpan): string[] {
  const names = attributes['app.form.fields']
  return Array.isArray(names) ? names.map(String) : []
}

/**
 * The command that repeats a request to `origin`; undefined for what is no request, or had a method unknown to HTTP.
 * The values of the form are not recorded: its fields are empty.
 */
export function curlOf(span: RecordedSpan, origin: string): string | undefined {
  const { attributes } = span
  const method = attributes[ATTR_HTTP_REQUEST_METHOD]
  const path = attributes[ATTR_URL_PATH]
  if (typeof method !== 'string' || !/^[A-Z]{3,7}$/.test(method)) return undefined
  if (typeof path !== 'string' || !path.startsWith('/')) return undefined
  const query = attributes[ATTR_URL_QUERY]
  const url = `${origin}${path}${typeof query === 'string' && query !== '' ? `?${query}` : ''}`
  const fields = fieldsOf(span)
  const parts = [
    // --globoff: curl itself would expand braces and brackets; --path-as-is: it would shorten `/../`.
    'curl --globoff --path-as-is',
    method === 'HEAD' && '--head',
    method !== 'GET' && method !== 'HEAD' && `--request ${method}`,
    ...(headersOf[String(attributes['app.client.kind'])] ?? []).map(
      (one) => `--header ${quoted(one)}`,
    ),
    ...fields.map((name) => `--data-urlencode ${quoted(`${visible(name)}=`)}`),
    quoted(visible(url)),
  ]
  return parts.filter(Boolean).join(' ')
}

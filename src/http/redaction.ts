// Redacts the path and query string of a URL before they are recorded. People put secrets into URLs by mistake: a
// password in a link, a token for another site. Spans and logs must not store them, because others read these.
import type { Env as AnyEnv, Hono } from 'hono'

declare module 'hono' {
  interface ContextVariableMap {
    redaction: Redaction
    destination: Destination
  }
}

/** The text that replaces a value. */
const redacted = 'REDACTED'
/** At most this many parameters, or segments of an unknown path, are recorded. The rest is cut off. */
const piecesMax = 100
/** A `next` parameter may contain a path with another `next`. They are parsed to this depth. */
const depthMax = 3

/** Names of parameters whose values are never recorded, even if a route declares them. */
const secretName =
  /pass|pwd|secret|token|auth|session|cookie|credential|signature|api.?key|jwt|otp|mail|address|phone/i
/** Path segments that are often followed by a secret, as in `/reset/4f0c2a`. */
const secretParent =
  /^(?:log-?in|sign-?in|sso|reset|verif|confirm|activat|invit|magic|unsubscribe|code)|pass|secret|token|auth(?!or)|session|otp/i

/** The parameters that each validator of a query string declares. */
const declared = new WeakMap<object, readonly string[]>()

/** Declares the parameters of a query-string validator, whose values may be recorded. Returns the validator. */
export function declares<T extends object>(names: readonly string[], validator: T): T {
  declared.set(validator, names)
  return validator
}

/** Redacts the path and query string of a request. */
export type Redaction = (request: {
  method: string
  /** The path as the router matches it. */
  routed: string
  path: string
  query: string
  /** Has a route answered with a status below 400? */
  isServed: boolean
}) => { path: string; query: string }

/** The pattern of the route that a refused request would have reached; undefined when there is none. */
type Destination = (method: string, path: string) => string | undefined

/** Finds the routes of an app. */
export const destinationFor =
  <E extends AnyEnv>(app: Hono<E>): Destination =>
  (method, path) => {
    const [found] = app.router.match(method === 'HEAD' ? 'GET' : method, path)
    // The last one answers; those before it are its middleware. `ALL` is the middleware of everything.
    return found.findLast(([[, route]]) => route.method !== 'ALL')?.[0][1].path
  }

type Route = { isKnown: boolean; names: readonly string[] }
type RouteOf = (method: string, path: string) => Route

/** Does this route take any text, as `/static/*` and `/tag/:tag` do? A path that it refuses may have a secret in it. */
export const takesAnyName = (route: string): boolean => /\*$|:\w+(?=\/|$)/.test(route)

/** Creates the redaction for an app. The parameters that a route declares are read from its validators. */
export function redactionFor<E extends AnyEnv>(app: Hono<E>): Redaction {
  const routeOf: RouteOf = (method, path) => {
    const [found] = app.router.match(method === 'HEAD' ? 'GET' : method, path)
    const names: string[] = []
    let isKnown = false
    for (const [[, route]] of found) {
      if (route.method === 'ALL') continue
      names.push(...(declared.get(route.handler) ?? []))
      isKnown ||= !takesAnyName(route.path)
    }
    return { isKnown, names }
  }
  return ({ method, routed, path, query, isServed }) => {
    const { isKnown, names } = routeOf(method, routed)
    return {
      path: isKnown || isServed ? path : redactPath(path),
      query: query && redactQuery(query, { names, routeOf, depth: 0 }),
    }
  }
}

type QueryContext = { names: readonly string[]; routeOf: RouteOf; depth: number }

/** Splits a text at the separators, maps each piece with `each` and joins them again. Cuts after `piecesMax` pieces. */
function mapPieces(text: string, separator: RegExp, each: (piece: string) => string): string {
  const pieces = text.split(separator, 2 * piecesMax + 1)
  const end = pieces.length > 2 * piecesMax ? '\u2026' : ''
  if (end) pieces.pop()
  return (
    pieces.map((piece, at) => (at % 2 === 1 || piece === '' ? piece : each(piece))).join('') + end
  )
}

const redactQuery = (query: string, context: QueryContext): string =>
  mapPieces(query, /([&;])/, (parameter) => redactParameter(parameter, context))

function redactParameter(parameter: string, context: QueryContext): string {
  const end = parameter.indexOf('=')
  const written = end < 0 ? parameter : parameter.slice(0, end)
  const name = decoded(written)
  const isOurs = name !== undefined && context.names.includes(name) && !secretName.test(name)
  // Without a value, the name itself may be a secret: `?eyJhbGciOi`.
  if (end < 0) return isOurs ? parameter : redacted
  // Text after a second question mark may be another query string: `?before=5?token=4f0c2a`.
  if (isOurs && name !== 'next') return parameter.replace(/\?.+$/s, `?${redacted}`)
  const value = isOurs ? redactNext(parameter.slice(end + 1), context) : redacted
  return `${isWord(name) ? written : redacted}=${value}`
}

/** Redacts the value of `next`: a path on this site with its own query string. Any other value is replaced. */
function redactNext(written: string, { routeOf, depth }: QueryContext): string {
  const next = decoded(written)
  const [, path, query, fragment] =
    /^(\/(?![/\\])[^?#]*)(?:\?([^#]*))?(#.*)?$/s.exec(next ?? '') ?? []
  if (path === undefined || depth >= depthMax) return redacted
  const { isKnown, names } = routeOf('GET', path)
  const kept =
    (isKnown ? path : redactPath(path)) +
    (query === undefined ? '' : `?${redactQuery(query, { names, routeOf, depth: depth + 1 })}`) +
    (fragment === undefined ? '' : `#${redacted}`)
  return kept === next ? written : encodeURIComponent(kept).replaceAll('%2F', '/')
}

const unknown: Route = { isKnown: false, names: [] }
const noRoute: QueryContext = { names: unknown.names, routeOf: () => unknown, depth: 0 }

/** Redacts a path that no route knows. Short words stay, so that a broken link can be found. */
function redactPath(path: string): string {
  let isSecret = false
  return mapPieces(path, /([/\\]|%2f|%5c)/i, (segment) => {
    const end = segment.search(/[;&]|%3b|%26/i)
    const first = end < 0 ? segment : segment.slice(0, end)
    const name = decoded(first)
    const shown = isSecret || !isWord(name) ? redacted : first
    isSecret ||= name === undefined || secretParent.test(name)
    const parameters = segment.slice(first.length)
    const shownParameters = mapPieces(parameters, /([;&]|%3b|%26)/i, (one) =>
      redactParameter(one, noRoute),
    )
    return shown + shownParameters
  })
}

/**
 * Is this a name or a word, and so not a secret? A text of 20 characters or more, or with six digits in a row, may be a
 * token, a card number or a telephone number. Up to 40 characters are allowed for lower-case words joined by dots,
 * hyphens or underscores.
 */
const isWord = (text: string | undefined): boolean =>
  text !== undefined &&
  (/^@?[\p{L}\p{M}\p{N}_.[\]-]{1,19}$/u.test(text)
    ? !/\d{6}/.test(text)
    : /^(?=.{1,40}$)[a-z]+(?:[._-][a-z]+)*$/.test(text))

function decoded(text: string): string | undefined {
  if (!/[%+]/.test(text)) return text
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return undefined
  }
}

// What may be recorded of an address. Whatever people put into one by mistake (a password in a link, a token that was
// meant for another site) would else stand in spans and logs, where it stays and where others read it.
import type { Env as AnyEnv, Hono } from 'hono'

declare module 'hono' {
  interface ContextVariableMap {
    redaction: Redaction
  }
}

/** What stands in place of a value. */
const redacted = 'REDACTED'
/** Beyond these many parameters, or segments of a path that no route knows, nothing is recorded. */
const piecesMax = 100
/** How deep a `next` is followed into the `next` of its own query. */
const depthMax = 3

/** Names of parameters that are never recorded with their value, even if a route declares them. */
const secretName =
  /pass|pwd|secret|token|auth|session|cookie|credential|signature|api.?key|jwt|otp|mail|address|phone/i
/** Segments of a path behind which a secret stands in many a site: `/reset/4f0c2a`. */
const secretParent =
  /^(?:log-?in|sign-?in|sso|reset|verif|confirm|activat|invit|magic|unsubscribe|code)|pass|secret|token|auth(?!or)|session|otp/i

/** The validators of query strings, with the names that each of them knows. */
const declared = new WeakMap<object, readonly string[]>()

/** Notes which parameters a validator of the query string knows: their values may be recorded. */
export function declares<T extends object>(names: readonly string[], validator: T): T {
  declared.set(validator, names)
  return validator
}

/** An address without what must not be recorded. */
export type Redaction = (request: {
  method: string
  /** The path as the router reads it. */
  routed: string
  path: string
  query: string
  /** A route has answered, and not by saying that there is nothing. */
  isServed: boolean
}) => { path: string; query: string }

type Route = { isKnown: boolean; names: readonly string[] }
type RouteOf = (method: string, path: string) => Route

/** The redaction for an app: which parameters a route declares is read off its validators. */
export function redactionFor<E extends AnyEnv>(app: Hono<E>): Redaction {
  const routeOf: RouteOf = (method, path) => {
    const [found] = app.router.match(method === 'HEAD' ? 'GET' : method, path)
    const names: string[] = []
    let isKnown = false
    for (const [[, route]] of found) {
      if (route.method === 'ALL') continue
      names.push(...(declared.get(route.handler) ?? []))
      isKnown ||= !route.path.endsWith('*') // `/static/*` takes any name
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

type Around = { names: readonly string[]; routeOf: RouteOf; depth: number }

/** Puts together again what `each` makes of the pieces between the separators. */
function rewritten(text: string, separator: RegExp, each: (piece: string) => string): string {
  const pieces = text.split(separator, 2 * piecesMax + 1)
  const end = pieces.length > 2 * piecesMax ? '\u2026' : ''
  if (end) pieces.pop()
  return (
    pieces.map((piece, at) => (at % 2 === 1 || piece === '' ? piece : each(piece))).join('') + end
  )
}

const redactQuery = (query: string, around: Around): string =>
  rewritten(query, /([&;])/, (parameter) => redactParameter(parameter, around))

function redactParameter(parameter: string, around: Around): string {
  const end = parameter.indexOf('=')
  const written = end < 0 ? parameter : parameter.slice(0, end)
  const name = decoded(written)
  const isOurs = name !== undefined && around.names.includes(name) && !secretName.test(name)
  // Without a value, the name may be one: `?eyJhbGciOi`.
  if (end < 0) return isOurs ? parameter : redacted
  // A second question mark begins what somebody took for a query: `?before=5?token=4f0c2a`.
  if (isOurs && name !== 'next') return parameter.replace(/\?.+$/s, `?${redacted}`)
  const value = isOurs ? redactNext(parameter.slice(end + 1), around) : redacted
  return `${isWord(name) ? written : redacted}=${value}`
}

/** A path of this site keeps what may be recorded of it, its own query included. */
function redactNext(written: string, { routeOf, depth }: Around): string {
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
const noRoute: Around = { names: unknown.names, routeOf: () => unknown, depth: 0 }

/** A path that no route knows: short words stay, so that a wrong link can be found. */
function redactPath(path: string): string {
  let isSecret = false
  return rewritten(path, /([/\\]|%2f|%5c)/i, (segment) => {
    const end = segment.search(/[;&]|%3b|%26/i)
    const first = end < 0 ? segment : segment.slice(0, end)
    const name = decoded(first)
    const shown = isSecret || !isWord(name) ? redacted : first
    isSecret ||= name === undefined || secretParent.test(name)
    const parameters = segment.slice(first.length)
    const shownParameters = rewritten(parameters, /([;&]|%3b|%26)/i, (one) =>
      redactParameter(one, noRoute),
    )
    return shown + shownParameters
  })
}

/**
 * Is this a name or a word? Whatever has 20 characters, or six digits in a row, may be a token, a number of a card or a
 * telephone; longer ones are words when they are small letters with dots or hyphens between.
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

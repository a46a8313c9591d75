// What every route is made of: the request's variables, who asks and how to answer them, and validation at the door.
import type { HttpBindings } from '@hono/node-server'
import { Hono, type Context } from 'hono'
import type { HtmlEscapedString } from 'hono/utils/html'
import type { ContentfulStatusCode } from 'hono/utils/http-status'
import { validator } from 'hono/validator'
import * as v from 'valibot'

import { chipMark, chipNumbers } from './chip.tsx'
import { flashCookie } from './cookie-names.ts'
import type { Database, Db } from './db.ts'
import type { Settings } from './env.ts'
import { encode } from './memo.ts'
import type { Passwords } from './passwords.ts'
import type { Peer } from './peers.ts'
import { requestCosts } from './query-tracing.ts'
import type { RateLimits } from './rate-limits.ts'
import type { Recorder } from './recorder.ts'
import { declares, type Redaction } from './redaction.ts'
import { printable, type Redisplay } from './redisplay.ts'
import { Refusal } from './refusal.ts'
import type { Viewer } from './viewer.ts'

export type Env = {
  Bindings: HttpBindings
  Variables: {
    db: Db
    settings: Settings
    database: Database
    passwords: Passwords
    rateLimits: RateLimits
    trusts: (address: string) => boolean
    /** What may be recorded of an address. */
    redaction: Redaction
    /** Who is at the other end, once somebody has asked. */
    peer: Peer | undefined
    /** What the inspector reads; undefined when it is off. */
    recorder: Recorder | undefined
    /** When the answer was rendered (performance.now): the end of its spans, so that all numbers of it agree. */
    answeredAt: number | undefined
    /** The stable code of why this request was refused. */
    errorCode: string | undefined
    /** How the form of this route is shown again, where `keepsForm` stands in the route. */
    redisplay: Redisplay | undefined
    /** Who is signed in; undefined for a visitor. */
    visitor: Viewer | undefined
    /** The visitor, once `signedIn` has let them pass. */
    viewer: Viewer
  }
}

/** The routes of one feature. */
export const router = () => new Hono<Env>()

export type Html = HtmlEscapedString | Promise<HtmlEscapedString>

/** Answers with HTML and notes what rendering it cost. */
export async function render(c: Context, html: Html): Promise<Response> {
  const costs = requestCosts()
  const started = performance.now()
  const rendered = (await html).toString()
  const answeredAt = performance.now()
  if (costs) {
    costs.renderMs += answeredAt - started
    c.set('answeredAt', answeredAt)
  }
  // A page's chip says what the page cost: known only now, and the same number that its span will say.
  const text = costs ? rendered.replace(chipMark, () => chipNumbers(costs, answeredAt)) : rendered
  const bytes = encode(text)
  if (costs) costs.bytes = bytes.length
  return c.body(bytes, { headers: { 'Content-Type': 'text/html; charset=UTF-8' } })
}

/** Who asks: htmx for a piece of a page, a browser for a page, or a program (curl, Locust, k6) for a result. */
export type ClientKind = 'partial' | 'page' | 'program'

export function clientKind(c: Context): ClientKind {
  const partial = c.req.header('HX-Request-Type') === 'partial'
  if (partial && !c.req.header('HX-History-Restore-Request')) return 'partial'
  if (c.req.header('HX-Request') || c.req.header('Accept')?.includes('text/html')) return 'page'
  return 'program'
}

/** Does this client want errors as JSON: does its `Accept` name JSON, and not HTML? A bare wildcard names neither. */
export function wantsJson(c: Context): boolean {
  const accept = c.req.header('Accept') ?? ''
  return names(accept, 'application/json') && !names(accept, 'text/html')
}

/** Does a list of media types have this one, with a weight that is not zero? */
const names = (accept: string, type: string): boolean =>
  accept.split(',').some((one) => {
    const [name, ...parameters] = one.split(';').map((part) => part.trim().toLowerCase())
    return name === type && !parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter))
  })

/** An error that has a page or a form of its own, shown by `show`; a client that wants JSON gets the sentence alone. */
export function answerProblem(
  c: Context<Env>,
  status: ContentfulStatusCode,
  sentence: string,
  show: () => Response | Promise<Response>,
): Response | Promise<Response> {
  if (wantsJson(c)) throw new Refusal(status, sentence)
  c.status(status)
  return show()
}

type Action = {
  /** What a click changed, rendered anew: the answer for htmx. */
  partial: Html
  /** Where a browser goes without htmx: a path, or a fragment of the page that it came from. */
  to: `/${string}` | `#${string}`
  /** One sentence for the page after that redirect. */
  flash?: string
}

/** The three answers of an action that succeeded: the partial, a 303, or `{"success":true}`. */
export function answer(c: Context<Env>, { partial, to, flash: sentence }: Action) {
  const kind = clientKind(c)
  if (kind === 'partial') return render(c, partial)
  if (kind === 'program') return c.json({ success: true })
  if (sentence) flash(c, sentence)
  return c.redirect(to.startsWith('#') ? `${cameFrom(c, '/timeline')}${to}` : to, 303)
}

/** Keeps one sentence for the next page: how a browser without htmx learns what it has done. */
export function flash(c: Context, sentence: string): void {
  c.header(
    'Set-Cookie',
    `${flashCookie}=${encodeURIComponent(sentence)}; Path=/; Max-Age=60; HttpOnly; SameSite=Lax`,
    {
      append: true,
    },
  )
}

/** The path of the page that the request came from, as htmx or the browser says, when it is one of ours; else `otherwise`. */
export function cameFrom(c: Context, otherwise: string): string {
  const from = c.req.header('HX-Current-URL') ?? c.req.header('Referer')
  if (!from || !URL.canParse(from)) return otherwise
  const { host, pathname, search } = new URL(from)
  return host === c.req.header('Host') ? safePath(pathname + search) : otherwise
}

const pathLengthMax = 2000

/**
 * A path on this very site, percent-encoded, so that it can stand in a header and in a form. Undefined for any other
 * text: `//evil` and `/\evil` would leave the site, and so would `/.//evil` once its dot is resolved.
 */
export function ownPath(path: string | undefined): string | undefined {
  if (!path || path.length > pathLengthMax || !/^\/(?![/\\])[^\u0000-\u001f]*$/.test(path))
    return undefined
  const { pathname, search, hash } = new URL(path, 'http://own.invalid')
  return pathname.startsWith('//') ? undefined : pathname + search + hash
}

/** A path on this very site, or the timeline. */
export const safePath = (path: string | undefined): string => ownPath(path) ?? '/timeline'

/** Where to go after signing in, sent along as a parameter or a hidden field; anything else than a path of ours is none. */
export const nextPath = v.optional(
  v.pipe(
    v.string(),
    v.transform((path: string) => ownPath(path)),
  ),
)

/** The row, or a 404 in the words of the page. */
export function found<T>(row: T | undefined): T {
  if (row === undefined) throw new Refusal(404, 'There is nothing here.')
  return row
}

/** `:id` of the path as a number; more digits than an id can have is a 404. */
export const idParam = validator('param', (param) => {
  const id = Number(param['id'])
  if (!Number.isSafeInteger(id)) throw new Refusal(404, 'There is nothing here.')
  return { id }
})

/** Text from outside: one value, no control characters but newline and tab, well-formed, NFC, trimmed. */
export const text = v.pipe(
  v.string('Send each field once, as text.'),
  v.check((value) => value.isWellFormed(), 'There is a broken character in the text.'),
  v.transform((value) => value.replace(/\r\n?/g, '\n').normalize('NFC').trim()),
  // SQLite gives text back only up to a NUL, so that "alice\0x" would read as "alice".
  v.regex(
    /^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]*$/u,
    'There is a control character in the text.',
  ),
)

type Fields = Record<string, v.GenericSchema<unknown, unknown>>
type Parsed<T extends Fields> = v.InferOutput<v.ObjectSchema<T, undefined>>

/**
 * Validates the form in the body: a missing, repeated or wrongly typed field is 400. A broken rule is 422, answered
 * by `redisplay` where there is a page for it.
 */
export const form = <T extends Fields>(fields: T, redisplay?: Redisplay) => {
  const schema = v.object(fields)
  return validator('form', (value, c: Context<Env>): Parsed<T> | Response | Promise<Response> => {
    for (const name of Object.keys(fields)) {
      const given = value[name]
      if (typeof given === 'string' || (given === undefined && isOptional(fields[name]))) continue
      throw new Refusal(400, `Send the field "${name}" once, as text.`, { code: 'bad_field' })
    }
    const given = value as Record<string, string>
    const parsed = v.safeParse(schema, given)
    if (parsed.success) return parsed.output
    const problems = problemsOf(parsed.issues)
    if (redisplay) return redisplay(c, printable(given), problems, 422)
    throw new Refusal(422, Object.values(problems)[0]!, { code: 'invalid_input' })
  })
}

/** Validates the query string; of a repeated parameter the first counts. Values of other parameters are not recorded. */
export const query = <T extends Fields>(fields: T) => {
  const schema = v.object(fields)
  const validated = validator('query', (value): Parsed<T> => {
    const firsts = Object.entries(value).map(([name, given]) => [name, [given].flat()[0]])
    const parsed = v.safeParse(schema, Object.fromEntries(firsts))
    if (parsed.success) return parsed.output
    throw new Refusal(400, parsed.issues[0].message, { code: 'bad_query' })
  })
  return declares(Object.keys(fields), validated)
}

const isOptional = (schema: v.GenericSchema<unknown, unknown> | undefined) =>
  schema?.type === 'optional'

/** The first sentence for each field. */
const problemsOf = (issues: v.BaseIssue<unknown>[]) =>
  Object.fromEntries(
    issues.map((issue) => [String(issue.path?.[0]?.key), issue.message] as const).toReversed(),
  )

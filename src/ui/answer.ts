// How a route answers: HTML, the three answers of an action, and a flash message for the next page.
import type { Context } from 'hono'
import type { HtmlEscapedString } from 'hono/utils/html'
import type { ContentfulStatusCode } from 'hono/utils/http-status'

import { Refusal } from '../base/refusal.ts'
import { cameFrom, clientKind, wantsJson, type Env } from '../http/context.ts'
import { flashCookie } from '../http/cookie-names.ts'
import { requestCosts, tracePast, type RequestCosts } from '../telemetry/query-tracing.ts'
import { encode, type Late } from './fragment-cache.ts'

declare module 'hono' {
  interface ContextVariableMap {
    /** When the answer was rendered (performance.now). Its spans end here, so that all durations agree. */
    answeredAt: number | undefined
  }
}

export type Html = HtmlEscapedString | Promise<HtmlEscapedString>

type Rendering = {
  /** Ready-made text gets no span, which would be dearer than it. */
  isReady?: boolean
  /** What stands at `latePlaceholder`: a text with the costs of the request until `answeredAt` (performance.now). */
  late?: { bytesMax: Late['bytesMax']; text: (costs: RequestCosts, answeredAt: number) => string }
}

/**
 * Answers with HTML. The time from the first element to the last byte is the span `render`; it and the size (bytes) are
 * added to the costs of the request. A function builds what would be built too early: JSX itself is built late.
 */
export function render(
  c: Context,
  html: Html | (() => Html),
  rendering: Rendering = {},
): Response | Promise<Response> {
  const started = performance.now()
  const made = typeof html === 'function' ? html() : html
  // Not `async`: what is not awaited needs no promise.
  return made instanceof Promise
    ? made.then((text) => send(c, text, started, rendering))
    : send(c, made, started, rendering)
}

function send(
  c: Context,
  made: HtmlEscapedString,
  started: number,
  { isReady = false, late }: Rendering,
): Response {
  const costs = requestCosts()
  const text = made.toString()
  let answeredAt = 0
  // The duration in the page's chip is that of the page's span.
  const bytes = encode(
    text,
    costs && late && { ...late, text: () => late.text(costs, (answeredAt = performance.now())) },
  )
  if (costs) {
    answeredAt ||= performance.now()
    costs.renderMs += answeredAt - started
    costs.bytes = bytes.length
    c.set('answeredAt', answeredAt)
    if (!isReady) tracePast('render', { costs, from: started, to: answeredAt })
  }
  return c.body(bytes, { headers: { 'Content-Type': 'text/html; charset=UTF-8' } })
}

/** Builds an answer that is no page; its time is the span `render`, as that of a page. */
export function built<T>(build: () => T): T {
  const costs = requestCosts()
  const started = performance.now()
  const result = build()
  if (costs) {
    const ended = performance.now()
    costs.renderMs += ended - started
    tracePast('render', { costs, from: started, to: ended })
  }
  return result
}

/** Answers an error with its own page or form (`show`); throws a Refusal for a client that wants JSON. */
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
  /** The HTML that a click changed: the answer for htmx. */
  partial: Html
  /** The redirect target for a browser without htmx: a path, or a fragment (`#id`) of the page that it came from. */
  to: `/${string}` | `#${string}`
  /** A flash message for the page after that redirect. */
  flash?: string
  /** What a program gets beside `success`. */
  json?: Record<string, number>
}

/** Answers a successful action: the partial for htmx, a 303 for other browsers, `{"success":true}` for a program. */
export function answer(c: Context<Env>, { partial, to, flash: sentence, json }: Action) {
  const kind = clientKind(c)
  if (kind === 'partial') return render(c, partial)
  if (kind === 'program') return c.json({ success: true, ...json })
  if (sentence) flash(c, sentence)
  return c.redirect(to.startsWith('#') ? `${cameFrom(c, '/timeline')}${to}` : to, 303)
}

/** Stores a flash message for the next page in a cookie (60 s), for browsers without htmx. */
export function flash(c: Context, sentence: string): void {
  const cookie = `${flashCookie}=${encodeURIComponent(sentence)}`
  const attributes = 'Path=/; Max-Age=60; HttpOnly; SameSite=Lax'
  c.header('Set-Cookie', `${cookie}; ${attributes}`, { append: true })
}

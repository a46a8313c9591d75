// How a route answers: HTML, the three answers of an action, and a sentence for the next page.
import type { Context } from 'hono'
import type { HtmlEscapedString } from 'hono/utils/html'
import type { ContentfulStatusCode } from 'hono/utils/http-status'

import { Refusal } from '../base/refusal.ts'
import { cameFrom, clientKind, wantsJson, type Env } from '../http/context.ts'
import { flashCookie } from '../http/cookie-names.ts'
import { requestCosts } from '../telemetry/query-tracing.ts'
import { chipMark, chipNumbers } from './chip.tsx'
import { encode } from './fragment-cache.ts'

declare module 'hono' {
  interface ContextVariableMap {
    /** When the answer was rendered (performance.now): the end of its spans, so that all numbers of it agree. */
    answeredAt: number | undefined
  }
}

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

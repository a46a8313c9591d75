// The one place where an error becomes an answer.
import { randomBytes } from 'node:crypto'

import type { Context, Hono, NotFoundHandler } from 'hono'
import { raw } from 'hono/html'
import { HTTPException } from 'hono/http-exception'
import { methodNotAllowed } from 'hono/method-not-allowed'
import type { ContentfulStatusCode } from 'hono/utils/http-status'

import { behindQuery, damageIn, isAway } from '../base/query-error.ts'
import { Refusal } from '../base/refusal.ts'
import { isConstraint } from '../db/db.ts'
import { clientKind, type Env, wantsJson } from '../http/context.ts'
import { showAgain } from '../http/redisplay.ts'
import { errorFacts, log } from '../telemetry/log.ts'
import { traceId } from '../telemetry/spans.ts'
import { render } from './answer.ts'
import { cachedFragment } from './fragment-cache.ts'
import { head, page } from './layout.tsx'

declare module 'hono' {
  interface ContextVariableMap {
    /** The stable code of the reason why this request was refused. */
    errorCode: string | undefined
  }
}

/** Forms that redirect programs, too. All other POSTs are actions: programs get their errors as JSON. */
const redirectsAll = (path: string) => /^\/(login|register|post|logout|theme|chip)$/.test(path)

/**
 * Answers an error: with the form again, a page, a partial or JSON, depending on the client kind. The cause goes only
 * to the log.
 */
export function answerError(error: unknown, c: Context<Env>): Response | Promise<Response> {
  const refusal = asRefusal(error, c)
  c.set('errorCode', refusal.code)
  const errorId = traceId() ?? randomBytes(16).toString('hex')
  const isBusy = error instanceof Refusal && refusal.status === 503
  if (isBusy) countBusy(refusal.code)
  else if (refusal.status >= 500) {
    const cure = damageIn(error)?.cure
    log.error('request failed', {
      error_id: errorId,
      slug: refusal.code,
      ...(cure !== undefined && { cure }),
      ...errorFacts(error),
    })
  }
  for (const [name, value] of Object.entries(refusal.headers)) c.header(name, value)
  c.header('Cache-Control', 'no-store')
  if (c.get('redisplay') && clientKind(c) !== 'program' && !wantsJson(c))
    return showAgain(c, refusal).then(
      (shown) => shown ?? answerPlainly(c, refusal, { errorId, isBusy }),
    )
  return answerPlainly(c, refusal, { errorId, isBusy })
}

type Failure = { errorId: string; isBusy: boolean }

function answerPlainly(c: Context<Env>, refusal: Refusal, { errorId, isBusy }: Failure) {
  const kind = clientKind(c)
  if (kind === 'partial') return c.html(<p class='problem'>{refusal.message}</p>, refusal.status)
  const isAction = kind === 'program' && c.req.method === 'POST' && !redirectsAll(c.req.path)
  if (isAction || wantsJson(c)) return c.json({ error: refusal.message }, refusal.status)
  if (isBusy) {
    c.status(refusal.status)
    return render(c, busyPage({ message: refusal.message }), { isReady: true })
  }
  return problemPage(c, refusal, errorId)
}

const busyReportMs = 10_000
const busy = new Map<string, number>()

/** Counts refusals. One log line every 10 s gives the sum: a line for each would add load when the server is busy. */
function countBusy(code: string): void {
  if (busy.size === 0) setTimeout(reportBusy, busyReportMs).unref()
  busy.set(code, (busy.get(code) ?? 0) + 1)
}

function reportBusy(): void {
  log.warn('busy: requests refused', Object.fromEntries(busy))
  busy.clear()
}

/** The page of an overload refusal. It is cached, without layout and visitor: a refusal must cost little CPU. */
const busyPage = cachedFragment(
  { keyOf: ({ message }: { message: string }) => message },
  ({ message }) => (
    <>
      {raw('<!doctype html>')}
      <html lang='en'>
        <head>
          {head}
          <title>Busy</title>
        </head>
        <body>
          <main class='empty-state'>
            <h1 class='big'>{message}</h1>
            <p>
              <a href=''>Try again</a>
            </p>
          </main>
        </body>
      </html>
    </>
  ),
)

/** Answers what no route of the app answers: 404, or 405 where it has routes of other methods. */
export function answerUnknown(app: Hono<Env>): NotFoundHandler<Env> {
  // Called here and not used as middleware, which every page would pass. It replaces an answer of 404.
  const replaceIfKnown = methodNotAllowed({ app, onMethodNotAllowed: answerNotAllowed })
  return async (c) => {
    await replaceIfKnown(c, async () => {
      c.res = await answerNotFound(c)
    })
    return c.res
  }
}

/** Answers 404: no route has this path. */
const answerNotFound = (c: Context<Env>) =>
  answerError(new Refusal(404, 'There is nothing here.', { code: 'no_route' }), c)

/** Answers 405 to a known path with another method than `methods`; answers OPTIONS with `Allow`. */
const answerNotAllowed = (c: Context<Env>, methods: string[]) => {
  const allow = [...methods, 'OPTIONS'].join(', ')
  if (c.req.method === 'OPTIONS') return c.body(null, 200, { Allow: allow })
  const extras = { code: 'wrong_method', headers: { Allow: allow } }
  return answerError(new Refusal(405, 'That cannot be done to this address.', extras), c)
}

function asRefusal(error: unknown, c: Context<Env>): Refusal {
  if (error instanceof Refusal) return error
  if (error instanceof HTTPException) {
    return new Refusal(error.status, sentences[error.status] ?? 'This request cannot be answered.')
  }
  // With foreign keys on, a like of a missing tweet fails at the insert: no query is needed before.
  if (isConstraint(error, 'FOREIGN KEY')) return new Refusal(404, 'There is nothing here.')
  // A trigger refuses what goes across a block (drizzle/0012): no path can forget it.
  if (isConstraint(error, 'BLOCKED')) {
    const sentence = 'You cannot do this, because one of you has blocked the other.'
    return new Refusal(403, sentence, { code: 'blocked' })
  }
  for (let one = behindQuery(error); one instanceof Error; one = one.cause) {
    const code = 'code' in one ? String(one.code) : ''
    if (/SQLITE_FULL|disk is full/.test(`${one.message} ${code}`)) {
      const sentence = 'There is no space left to keep this. Nothing was saved; try again later.'
      return new Refusal(507, sentence, { code: 'disk_full' })
    }
    if (one instanceof Refusal) return one
  }
  if (isAway(error)) return mayHaveActed(c) ? perhapsDone : notDone
  const code = damageIn(error)?.code ?? 'unexpected'
  return new Refusal(500, 'Something went wrong on our side.', { code })
}

/** Has this request perhaps written something? Nothing is written before it is known who sends it. */
const mayHaveActed = (c: Context<Env>): boolean =>
  c.req.method !== 'GET' && c.req.method !== 'HEAD' && 'visitor' in c.var

const headers = { 'Retry-After': '2' }

const notDone = new Refusal(503, 'The database does not answer. Try again in a moment.', {
  code: 'database_away',
  headers,
})

/** The answer to the write is lost, or that to a read after it. */
const perhapsDone = new Refusal(
  503,
  'The database did not answer in time. This may have been done, or not: look before you do it again.',
  { code: 'perhaps_done', headers },
)

const sentences: Partial<Record<ContentfulStatusCode, string>> = {
  400: 'This request is malformed.',
  413: 'That is too large.',
}

function problemPage(c: Context<Env>, { status, message }: Refusal, errorId: string) {
  const title = status === 404 ? 'Not found' : status < 500 ? 'That did not work' : 'Our mistake'
  c.status(status)
  return page(
    c,
    { title, failed: status >= 500 },
    <div class='empty-state'>
      <h1 class='big'>{message}</h1>
      {status >= 500 && (
        <p>
          Error id: <code>{errorId}</code>
        </p>
      )}
      <p>
        <a href='/'>Go to the start page</a>
      </p>
    </div>,
  )
}

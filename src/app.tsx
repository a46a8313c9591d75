// The middleware in its order, then the list of features.
import { Hono } from 'hono'
import { createMiddleware } from 'hono/factory'

import { Refusal } from './base/refusal.ts'
import { shutdownSignal } from './base/shutdown.ts'
import type { Settings } from './config/env.ts'
import { trustedProxies } from './config/trusted-proxies.ts'
import type { Database } from './db/db.ts'
import { FaultLab } from './faults/lab.ts'
import { faultRoutes } from './faults/routes.tsx'
import { exportRoutes } from './features/account/export.ts'
import { accountRoutes } from './features/account/routes.tsx'
import { bookmarkedRoutes } from './features/bookmarks-list.tsx'
import { bookmarkRoutes } from './features/bookmarks.tsx'
import { everybodyRoutes } from './features/everybody.tsx'
import { favoriteRoutes } from './features/favorites.tsx'
import { followRoutes } from './features/follows/routes.tsx'
import { healthRoutes } from './features/health.ts'
import { hiddenRoutes } from './features/hidden/routes.tsx'
import { likedRoutes } from './features/likes-list.tsx'
import { liveRoutes } from './features/live/routes.ts'
import { notificationRoutes } from './features/notifications/routes.tsx'
import { previewsFor, type Previews } from './features/previews/queue.ts'
import { previewRoutes } from './features/previews/routes.tsx'
import { personFeedRoutes } from './features/profiles/atom.ts'
import { profileRoutes } from './features/profiles/routes.tsx'
import { reportRoutes } from './features/reports/routes.tsx'
import { retweetRoutes } from './features/retweets.tsx'
import { searchRoutes } from './features/search/routes.tsx'
import { sessionRoutes } from './features/sessions/routes.tsx'
import { loginPage } from './features/sessions/views.tsx'
import { sideColumn } from './features/side-column.tsx'
import { siteRoutes } from './features/site.tsx'
import { suspensionRoutes } from './features/suspension.tsx'
import { tagRoutes } from './features/tags.tsx'
import { themeRoutes } from './features/theme.ts'
import { timelineRoutes } from './features/timeline.tsx'
import { trendRoutes } from './features/trends.tsx'
import { tweetRoutes } from './features/tweets/routes.tsx'
import { serveAsset } from './http/assets.ts'
import type { Env } from './http/context.ts'
import { databaseBudget } from './http/database-budget.ts'
import { bodyTooLarge, readForm, readsOwnBody } from './http/form-body.ts'
import { inOne, unlessRead } from './http/middleware.ts'
import { Passwords } from './http/passwords.ts'
import { createRateLimits } from './http/rate-limits.ts'
import { readYourWrites } from './http/read-your-writes.ts'
import { destinationFor, redactionFor } from './http/redaction.ts'
import { traceRequests } from './http/request-span.ts'
import { securityHeaders } from './http/security-headers.ts'
import { loadVisitor } from './http/sessions.ts'
import { inspectorRoutes } from './inspector/routes.tsx'
import { AdmissionQueue } from './overload/admission-queue.ts'
import { activeRequests } from './overload/work-queue.ts'
import { traceWait } from './telemetry/waiting.ts'
import type { Recorder } from './trace-store/recorder.ts'
import type { RuntimeSamples } from './trace-store/runtime.ts'
import { answerError, answerUnknown } from './ui/errors.tsx'

/** What the app needs from the process. With `state.stopping`, /readyz fails while the last requests finish. */
type Deps = {
  database: Database
  settings: Settings
  /** The lane for bcrypt, when the process has one already: there is to be one. */
  passwords?: Passwords
  /** The reader of linked pages, when somebody else has to wait for it. */
  previews?: Previews | undefined
  state: { stopping: boolean }
  recorder?: Recorder | undefined
  /** What the inspector shows of the process itself. */
  runtime?: RuntimeSamples | undefined
  /** What breaks this app on purpose; undefined with FAULTS=0. */
  lab?: FaultLab | undefined
}

/** Creates the application: a function from Request to Response. */
export function createApp({
  database,
  settings,
  passwords = new Passwords(settings),
  previews = previewsFor(settings, database.db, shutdownSignal),
  state,
  recorder,
  runtime,
  lab = settings.faults ? new FaultLab({ settings, database, passwords }) : undefined,
}: Deps) {
  const rateLimits = createRateLimits(settings, database.db)
  const trusts = trustedProxies(settings.TRUSTED_PROXIES)

  const app = new Hono<Env>()
  const redaction = redactionFor(app)
  const destination = destinationFor(app)
  app.onError(answerError)
  app.notFound(answerUnknown(app))
  const withVariables = createMiddleware<Env>((c, next) => {
    c.set('settings', settings)
    c.set('database', database)
    c.set('db', database.db)
    c.set('passwords', passwords)
    c.set('previews', previews)
    c.set('rateLimits', rateLimits)
    c.set('trusts', trusts)
    c.set('redaction', redaction)
    c.set('destination', destination)
    c.set('recorder', recorder)
    c.set('runtime', runtime)
    // At shutdown, after any answer, so that clients do not reuse the connection.
    const hangUp = () => c.res.headers.set('Connection', 'close')
    return next().then(() => (state.stopping ? hangUp() : undefined))
  })
  app.use(inOne(withVariables, traceRequests, securityHeaders(settings)))
  app.get('/static/*', serveAsset)
  app.route('/', healthRoutes(state))
  app.use(
    inOne(
      privateAnswers,
      unlessRead(bodyCap(settings.MAX_BODY_BYTES), sameOrigin(settings), readForm),
    ),
  )
  // Before the queue of the requests: a fault may fill that, and must still be ended.
  if (lab) app.route('/', faultRoutes(lab))
  const ofServer = [databaseBudget(settings), readYourWrites(database, settings)]
  app.use(inOne(crowdControl(settings), ...ofServer.filter((one) => one !== undefined)))
  // Before the visitor is known: a feed is the same for everybody, and an answer that sets a cookie cannot be cached.
  app.route('/', personFeedRoutes)
  app.use(inOne(sideColumn, loadVisitor))

  addFeatures(app, { database, settings, state })
  app.route('/', inspectorRoutes(state))
  if (lab) lab.routes = () => app.routes
  return app
}

/** What people do: one line a feature. */
function addFeatures(
  app: Hono<Env>,
  { database, settings, state }: Pick<Deps, 'database' | 'settings' | 'state'>,
): void {
  app.route('/', trendRoutes)
  app.route('/', timelineRoutes)
  app.route('/', liveRoutes(database.db, settings, state))
  app.route('/', tweetRoutes(loginPage))
  app.route('/', previewRoutes)
  app.route('/', favoriteRoutes)
  app.route('/', retweetRoutes)
  app.route('/', bookmarkRoutes)
  app.route('/', bookmarkedRoutes)
  app.route('/', everybodyRoutes)
  app.route('/', likedRoutes)
  app.route('/', notificationRoutes)
  app.route('/', followRoutes)
  app.route('/', hiddenRoutes)
  app.route('/', suspensionRoutes)
  app.route('/', reportRoutes)
  app.route('/', searchRoutes)
  app.route('/', tagRoutes)
  app.route('/', profileRoutes)
  app.route('/', sessionRoutes)
  app.route('/', accountRoutes)
  app.route('/', exportRoutes)
  app.route('/', siteRoutes)
  app.route('/', themeRoutes)
}

/** Answers depend on the user, so they are private. Not `no-store`, which disables the browser's back/forward cache. */
const privateAnswers = createMiddleware<Env>((c, next) => {
  c.header('Cache-Control', 'private, no-cache')
  c.header('Vary', 'HX-Request, HX-Request-Type, Cookie, Accept')
  return next()
})

/** Refuses a body whose Content-Length is too large. A chunked body is counted while it is read (http/form-body.ts). */
const bodyCap = (bytesMax: number) =>
  createMiddleware<Env>((c, next) => {
    if (Number(c.req.header('Content-Length') ?? 0) > bytesMax && !readsOwnBody(c))
      throw bodyTooLarge()
    return next()
  })

/**
 * Refuses requests that another site makes a browser send with our cookies (CSRF). Programs send neither header and
 * pass. Not `hono/csrf`: it checks only the content types of forms, but here an empty body may have any content type.
 */
function sameOrigin({ PUBLIC_ORIGIN }: Settings) {
  const isOurs = (origin: string, host: string | undefined) =>
    PUBLIC_ORIGIN === undefined
      ? URL.canParse(origin) && new URL(origin).host === host
      : origin === PUBLIC_ORIGIN
  return createMiddleware<Env>((c, next) => {
    const origin = c.req.header('Origin')
    const site = c.req.header('Sec-Fetch-Site')
    const isProgram = origin === undefined && site === undefined
    if (isProgram || site === 'same-origin' || isOurs(origin ?? '', c.req.header('Host')))
      return next()
    throw new Refusal(403, 'This request came from another site, so it was not carried out.', {
      code: 'other_site',
    })
  })
}

/** Limits active and waiting requests. Beyond the limits a quick 503 is better for everybody than a long queue. */
function crowdControl({ MAX_IN_FLIGHT, REQUEST_QUEUE, REQUEST_WAIT_MS }: Settings) {
  const queue = new AdmissionQueue({ waiting: REQUEST_QUEUE, waitMs: REQUEST_WAIT_MS })
  return createMiddleware<Env>(async (c, next) => {
    // Not the signal of the Request, if there is a socket: to make one for each that waits costs as much as a query.
    const socket = c.env?.incoming?.socket
    const admission = queue.enter(() => socket?.destroyed ?? c.req.raw.signal.aborted)
    if (admission) await traceWait('request_queue.wait', admission)
    if (activeRequests.count >= MAX_IN_FLIGHT) {
      throw new Refusal(503, 'This server is busy. Try again in a moment.', {
        code: 'too_many_in_flight',
        headers: { 'Retry-After': '1' },
      })
    }
    activeRequests.count += 1
    try {
      await next()
    } finally {
      activeRequests.count -= 1
    }
  })
}

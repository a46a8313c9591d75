// The process: reads settings, opens the database, seeds the demo world, listens, and shuts down gracefully.
import { once } from 'node:events'
import type { Server } from 'node:http'

import { createApp } from './app.tsx'
import { settleOutput, stderr, stdout } from './base/output.ts'
import { behindQuery } from './base/query-error.ts'
import { shutDown, Shutdown, shutdownSignal } from './base/shutdown.ts'
import { listenForOrders, socketPath, type UserSocket } from './cli/user-socket.ts'
import { processSettings, processTelemetry, type Settings } from './config/env.ts'
import { banner, linkOrigin } from './config/own-address.ts'
import { asStartError, StartError } from './config/start-error.ts'
import { isExporting } from './config/telemetry-settings.ts'
import { normaliseAddresses } from './db/addresses.ts'
import { filePath } from './db/database-file.ts'
import { openDb, type Database, type Db } from './db/db.ts'
import { runMaintenance } from './db/maintenance.ts'
import { addressOf, demoPassword } from './demo/accounts.ts'
import { demoLeftover } from './demo/leftover.ts'
import { openLab, type OpenLab } from './faults/process.ts'
import { answerOrder, type Administration } from './features/administration.ts'
import { forgetOldPreviews } from './features/previews/store.ts'
import { watchConnections } from './http/connections.ts'
import { listen } from './http/listen.ts'
import { Passwords } from './http/passwords.ts'
import { countSessions, sessionJobs } from './http/sessions.ts'
import { forgetAttempts } from './http/shared-limits.ts'
import { activeRequests } from './overload/work-queue.ts'
import { errorFacts, log, printRequests, setLogLevel, surviveStdout } from './telemetry/log.ts'
import { observe } from './telemetry/metrics.ts'
import { watchRuntime } from './telemetry/runtime.ts'
import type { Telemetry } from './telemetry/sdk.ts'
import { cardLookups } from './ui/fragment-cache.ts'

/** At shutdown, running requests may take this long. */
const drainMs = 10_000
/** The whole shutdown may take this long. Then the process exits with code 1. */
const stopMs = 20_000
/** When a signal comes during the start, the current step of the start may take this long. */
const startStopMs = 1000
/** At exit, a slow reader of standard output has this long to read the last lines. */
const settleMs = 500

/** What must be closed at exit. */
const running: {
  telemetry?: Telemetry | undefined
  database?: Database
  orders?: UserSocket | undefined
  faults?: OpenLab | undefined
  listens?: true
} = {}

surviveStdout()
stderr.neverWait()
process.on('uncaughtException', (error, origin) => {
  const what = origin === 'unhandledRejection' ? 'unhandled rejection' : 'uncaught exception'
  log.error(what, errorFacts(error))
  shutDown(origin, 1)
})

try {
  await Promise.race([run(processSettings()), startGivenUp()])
} catch (error) {
  if (!(error instanceof Shutdown)) await refuse(error)
  else await leave(error.code)
}

/** Runs from the start to the shutdown. Rejects with the reason of the end: a `Shutdown`, or an error of the start. */
async function run(settings: Settings): Promise<never> {
  setLogLevel(settings.LOG_LEVEL)
  if (shutdownSignal.aborted) stopping()
  else shutdownSignal.addEventListener('abort', stopping)
  const telemetry = (running.telemetry = await loadTelemetry(settings))
  const database = (running.database = await openDb(settings, shutdownSignal))
  const observed = {
    walBytes: database.walBytes,
    freeBytes: database.freeBytes,
    replicaLagMs: () => database.replica?.lagMs,
    activeSessions: () => countSessions(database.db),
    activeRequests: () => activeRequests.count,
    cardLookups: () => cardLookups,
    droppedLines: () => stdout.dropped,
  }
  if (telemetry) observe(observed)
  await seedOnFirstStart(database, settings)
  // Two accounts have it: nobody knows which of them is meant.
  for (const address of await normaliseAddresses(database.db)) settings.operators.delete(address)
  await runMaintenance({
    database,
    sessions: sessionJobs,
    daily: [forgetOldPreviews, forgetAttempts],
  })
  const state = { stopping: false }
  shutdownSignal.throwIfAborted()
  const passwords = new Passwords(settings)
  const faults = (running.faults = openLab({ settings, database, passwords }))
  const recorder = telemetry?.recorder
  const runtime = recorder && watchRuntime({ ...observed, dropped: telemetry.dropped }).samples
  const server = await listen(
    createApp({ database, settings, passwords, state, recorder, runtime, lab: faults?.lab }).fetch,
    settings,
  )
  running.listens = true
  const connections = watchConnections(server)
  const port = announce(server, settings)
  running.orders = await takeOrders(settings, port, { db: database.db, passwords })
  if (!shutdownSignal.aborted) await once(shutdownSignal, 'abort')
  state.stopping = true
  await connections.drain(drainMs)
  throw shutdownSignal.reason
}

function stopping(): void {
  log.info('stopping', { signal: (shutdownSignal.reason as Shutdown).signal })
  setTimeout(() => process.exit(1), stopMs).unref()
}

/**
 * Rejects when a signal came during the start and the current step of the start does not end soon. Giving up there is
 * safe: every step is atomic.
 */
function startGivenUp(): Promise<never> {
  return new Promise((_, reject) => {
    const giveUp = () => !running.listens && reject(shutdownSignal.reason as Shutdown)
    shutdownSignal.addEventListener('abort', () => setTimeout(giveUp, startStopMs).unref())
  })
}

async function refuse(error: unknown): Promise<never> {
  const known = behindQuery(error)
  const isBug = known instanceof Error && !(known instanceof StartError)
  const text = isBug ? known.stack : known instanceof Error ? known.message : String(known)
  stderr.write(`${text}\n`)
  await settleOutput(settleMs)
  process.exit(1)
}

async function leave(code: number): Promise<never> {
  try {
    running.faults?.close()
    await running.orders?.close()
    await running.database?.close()
    log.info('stopped')
  } catch (error) {
    log.error('closing the database failed', errorFacts(error))
  }
  await running.telemetry?.stop()
  await settleOutput(settleMs)
  process.exit(code)
}

/** Writes the demo world into a new database. Throws a StartError when the database cannot be written. */
async function seedOnFirstStart(database: Database, settings: Settings): Promise<void> {
  const { db, patient, isNew } = database
  try {
    if (isNew && settings.demo) {
      const { seedDemoWorld } = await import('./demo/world.ts')
      if (!(await seedDemoWorld(patient, Date.now())))
        log.info('another process has written the demo world')
    }
    if (!settings.demo) await warnOfDemoWorld(db)
  } catch (error) {
    const url = settings.DATABASE_URL
    throw asStartError(error, url.startsWith('file:') ? filePath(url) : url)
  }
}

/** Somebody tried the demo first: its people stay on the pages, and would be taken for real. */
async function warnOfDemoWorld(db: Db): Promise<void> {
  const left = await demoLeftover(db)
  if (!left) return
  const hint =
    'DEMO=0 does not hide the demo world. Its people cannot sign in. For an empty instance, name another DATABASE_URL.'
  log.warn('the demo world is in this database', { ...left, hint })
}

/** Loads the OpenTelemetry SDK only when a setting asks for telemetry: it costs memory and time. */
async function loadTelemetry(settings: Settings): Promise<Telemetry | undefined> {
  const { wanted, warnings } = processTelemetry(settings)
  // Without an exporter, the line of each request is not printed, so that the terminal stays readable. /logs has it.
  printRequests(wanted !== undefined && isExporting(wanted))
  const telemetry = wanted && (await (await import('./telemetry/sdk.ts')).startTelemetry(wanted))
  if (telemetry && settings.LINK_PREVIEWS === '1')
    (await import('./telemetry/outgoing.ts')).traceOutgoing()
  // Logged after the SDK has started, so that the warnings reach the collector, too.
  for (const warning of warnings) log.warn(warning)
  return telemetry
}

function announce(server: Server, settings: Settings): number {
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : settings.PORT
  log.info('listening', { host: settings.HOST, port, pid: process.pid })
  stderr.write(banner(settings, port, `${addressOf(1)} / ${demoPassword}`))
  return port
}

/** Lets `npm run user` ask this process; without the socket, it has to be stopped for that. */
async function takeOrders(
  settings: Settings,
  port: number,
  open: Pick<Administration, 'db' | 'passwords'>,
): Promise<UserSocket | undefined> {
  const path = socketPath(settings.DATABASE_URL)
  if (path === undefined) return undefined
  const given = { ...open, origin: linkOrigin(settings, port), operators: settings.operators }
  try {
    return await listenForOrders(path, (order) => answerOrder(given, order))
  } catch (error) {
    log.warn('no socket for npm run user', { path, ...errorFacts(error) })
    return undefined
  }
}

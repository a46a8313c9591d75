// The process: settings, database, demo world, listening, and a stop that loses nothing.
import { once } from 'node:events'
import type { Server } from 'node:http'

import { serve } from '@hono/node-server'

import { createApp } from './app.tsx'
import { settleOutput, stderr, stdout } from './base/output.ts'
import { behindQuery } from './base/query-error.ts'
import { shutDown, Shutdown, shutdownSignal } from './base/shutdown.ts'
import { processSettings, processTelemetry, type Settings } from './config/env.ts'
import { asStartError, StartError } from './config/start-error.ts'
import { normaliseAddresses } from './db/addresses.ts'
import { filePath } from './db/database-file.ts'
import { openDb, type Database } from './db/db.ts'
import { runMaintenance } from './db/maintenance.ts'
import { addressOf, demoPassword } from './demo/accounts.ts'
import { watchConnections } from './http/connections.ts'
import { countSessions, sessionJobs } from './http/sessions.ts'
import { accepted } from './overload/admission-queue.ts'
import { errorFacts, log, printRequests, setLogLevel, surviveStdout } from './telemetry/log.ts'
import { observe } from './telemetry/metrics.ts'
import type { Telemetry } from './telemetry/sdk.ts'
import { cardLookups } from './ui/fragment-cache.ts'

const drainMs = 10_000
const stopMs = 20_000
/** How long a start that is to stop may finish what it is at. */
const startStopMs = 1000
/** How long a slow reader has for the last lines. */
const settleMs = 500

/** What is open, and is closed at the end. */
const running: { telemetry?: Telemetry | undefined; database?: Database; listens?: true } = {}

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

/** From the start to the end; rejects with what ended it. */
async function run(settings: Settings): Promise<never> {
  setLogLevel(settings.LOG_LEVEL)
  if (shutdownSignal.aborted) stopping()
  else shutdownSignal.addEventListener('abort', stopping)
  const telemetry = (running.telemetry = await loadTelemetry(settings))
  const database = (running.database = await openDb(settings, shutdownSignal))
  if (telemetry)
    observe({
      walBytes: database.walBytes,
      activeSessions: () => countSessions(database.db),
      cardLookups: () => cardLookups,
      droppedLines: () => stdout.dropped,
    })
  await seedOnFirstStart(database, settings)
  // Two accounts have it: nobody knows which of them is meant.
  for (const address of await normaliseAddresses(database.db)) settings.operators.delete(address)
  await runMaintenance({ database, sessions: sessionJobs })
  const state = { stopping: false }
  shutdownSignal.throwIfAborted()
  const server = await listen(
    createApp({ database, settings, state, recorder: telemetry?.recorder }).fetch,
    settings,
  )
  running.listens = true
  const connections = watchConnections(server)
  announce(server, settings)
  if (!shutdownSignal.aborted) await once(shutdownSignal, 'abort')
  state.stopping = true
  await connections.drain(drainMs)
  throw shutdownSignal.reason
}

function stopping(): void {
  log.info('stopping', { signal: (shutdownSignal.reason as Shutdown).signal })
  setTimeout(() => process.exit(1), stopMs).unref()
}

/** Rejects when a start that is to stop still waits for something: every step of it is done or not done at all. */
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
    await running.database?.close()
    log.info('stopped')
  } catch (error) {
    log.error('not closed', errorFacts(error))
  }
  await running.telemetry?.stop()
  await settleOutput(settleMs)
  process.exit(code)
}

/** What people find at the first start: the demo world. */
async function seedOnFirstStart({ db, isNew }: Database, settings: Settings): Promise<void> {
  try {
    if (isNew && settings.demo) {
      const { seedDemoWorld } = await import('./demo/world.ts')
      await seedDemoWorld(db, Date.now())
    }
  } catch (error) {
    const url = settings.DATABASE_URL
    throw asStartError(error, url.startsWith('file:') ? filePath(url) : url)
  }
}

/** The SDK is loaded only when the environment asks for it: it costs 30 MB and a quarter of a second. */
async function loadTelemetry(settings: Settings): Promise<Telemetry | undefined> {
  const { wanted, warnings } = processTelemetry(settings)
  // With the inspector alone, the terminal stays readable: /logs has the line of every request.
  printRequests(
    wanted !== undefined && Object.values(wanted.exporters).some((kind) => kind !== 'none'),
  )
  const telemetry = wanted && (await import('./telemetry/sdk.ts')).startTelemetry(wanted)
  // Only now: before, they would reach the terminal but not the collector.
  for (const warning of warnings) log.warn(warning)
  return telemetry
}

function listen(fetch: Parameters<typeof serve>[0]['fetch'], settings: Settings): Promise<Server> {
  return new Promise((resolve, reject) => {
    // Without another `createServer` it is one of these.
    const server = serve({
      fetch,
      port: settings.PORT,
      hostname: settings.HOST,
      serverOptions: {
        // Node's own are so long that 800 slow clients could hold all sockets for minutes.
        headersTimeout: 5000,
        requestTimeout: 10_000,
        connectionsCheckingInterval: 1000,
        // Longer than nginx keeps an idle upstream connection (60 s): else it would send a POST into a closing one.
        keepAliveTimeout: 65_000,
      },
    }) as Server
    server.on('connection', () => (accepted.connections += 1))
    server.once('listening', () => resolve(server))
    server.once('error', (error: NodeJS.ErrnoException) => {
      const where = `${settings.HOST}:${settings.PORT}`
      if (error.code === 'EADDRINUSE') {
        reject(
          new StartError(
            `${where} is in use by another program. Stop it, or set PORT to another number.`,
          ),
        )
      } else if (
        error.code === 'EACCES' ||
        error.code === 'EADDRNOTAVAIL' ||
        error.code === 'ENOTFOUND'
      ) {
        reject(
          new StartError(
            `Cannot listen on ${where} (${error.code}). Set HOST and PORT to an address of this machine.`,
          ),
        )
      } else reject(error)
    })
  })
}

function announce(server: Server, settings: Settings): void {
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : settings.PORT
  const host =
    settings.HOST === '0.0.0.0'
      ? 'localhost'
      : settings.HOST.includes(':')
        ? `[${settings.HOST}]`
        : settings.HOST
  log.info('listening', { host: settings.HOST, port, pid: process.pid })
  const lines = [
    '',
    `  Tracewren  ${settings.PUBLIC_ORIGIN ?? `http://${host}:${port}/`}`,
    ...(settings.demo ? [`  Demo login ${addressOf(1)} / ${demoPassword}`] : []),
    `  Data       ${settings.DATABASE_URL}`,
    '',
  ]
  stderr.write(`${lines.join('\n')}\n`)
}

// The process: settings, database, demo world, listening, and a stop that loses nothing.
import { serve, type ServerType } from '@hono/node-server'

import { createApp } from './app.tsx'
import { openDb, type Database } from './db.ts'
import { addressOf, demoPassword } from './demo/accounts.ts'
import { processSettings, processTelemetry, type Settings } from './env.ts'
import { errorFacts, log, printRequests, setLogLevel } from './log.ts'
import { cardLookups } from './memo.ts'
import { observe } from './metrics.ts'
import { asStartError, StartError } from './start-error.ts'
import type { Telemetry } from './telemetry.ts'
import { accepted } from './turns.ts'
import { startUpkeep } from './upkeep.ts'
import { countSessions } from './viewer.ts'

const drainMs = 10_000
const stopMs = 20_000

try {
  await start(processSettings())
} catch (error) {
  if (!(error instanceof StartError)) throw error
  process.stderr.write(`${error.message}\n`)
  process.exit(1)
}

async function start(settings: Settings): Promise<void> {
  setLogLevel(settings.LOG_LEVEL)
  const telemetry = await loadTelemetry(settings)
  const database = await openDb(settings)
  if (telemetry)
    observe({
      walBytes: database.walBytes,
      activeSessions: () => countSessions(database.db),
      cardLookups: () => cardLookups,
    })
  await furnish(database, settings)
  await startUpkeep(database)
  const state = { stopping: false }
  const server = await listen(
    createApp({ database, settings, state, recorder: telemetry?.recorder }).fetch,
    settings,
  )
  announce(server, settings)
  stopOnSignal({ server, database, state, telemetry })
}

/** What people find at the first start: the demo world. */
async function furnish({ db, isNew }: Database, settings: Settings): Promise<void> {
  try {
    if (isNew && settings.demo) {
      const { seedDemoWorld } = await import('./demo/world.ts')
      await seedDemoWorld(db, Date.now())
    }
  } catch (error) {
    throw asStartError(error, settings.DATABASE_URL)
  }
}

/** The SDK is loaded only when the environment asks for it: it costs 30 MB and a quarter of a second. */
async function loadTelemetry(settings: Settings): Promise<Telemetry | undefined> {
  const { wanted, warnings } = processTelemetry(settings)
  // With the inspector alone, the terminal stays readable: /logs has the line of every request.
  printRequests(
    wanted !== undefined && Object.values(wanted.exporters).some((kind) => kind !== 'none'),
  )
  const telemetry = wanted && (await import('./telemetry.ts')).startTelemetry(wanted)
  // Only now: before, they would reach the terminal but not the collector.
  for (const warning of warnings) log.warn(warning)
  return telemetry
}

function listen(
  fetch: Parameters<typeof serve>[0]['fetch'],
  settings: Settings,
): Promise<ServerType> {
  return new Promise((resolve, reject) => {
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
    })
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

function announce(server: ServerType, settings: Settings): void {
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
  process.stderr.write(`${lines.join('\n')}\n`)
}

type Running = {
  server: ServerType
  database: Database
  state: { stopping: boolean }
  telemetry: Telemetry | undefined
}

/** SIGTERM or SIGINT: turn away new connections, finish what runs, close the database, leave. */
function stopOnSignal({ server, database, state, telemetry }: Running): void {
  const stop = (signal: string, code: number) => {
    if (state.stopping) return
    state.stopping = true
    log.info('stopping', { signal })
    setTimeout(() => process.exit(1), stopMs).unref()
    setTimeout(
      () => 'closeAllConnections' in server && server.closeAllConnections(),
      drainMs,
    ).unref()
    server.close(() => void leave(database, telemetry, code))
    if ('closeIdleConnections' in server) server.closeIdleConnections()
  }
  process.on('SIGTERM', () => stop('SIGTERM', 0))
  process.on('SIGINT', () => stop('SIGINT', 0))
  process.on('unhandledRejection', (error) => {
    log.error('unhandled rejection', errorFacts(error))
    stop('unhandledRejection', 1)
  })
}

async function leave(
  database: Database,
  telemetry: Telemetry | undefined,
  code: number,
): Promise<void> {
  try {
    await database.close()
    log.info('stopped')
  } catch (error) {
    log.error('not closed', errorFacts(error))
  }
  await telemetry?.stop()
  process.exit(code)
}

import { setTimeout as pause } from 'node:timers/promises'

import { createClient } from '@libsql/client/http'
import type { Client, InStatement, ResultSet, TransactionMode } from '@libsql/core/api'

import type { Settings } from '../config/env.ts'
import { StartError } from '../config/start-error.ts'
import { WorkQueue } from '../overload/work-queue.ts'
import type { Opened } from './database-file.ts'
import { onServer, type Check } from './integrity-query.ts'
import { writes } from './libsql-statement.ts'
import { isNew, migrate, readWholeIndexes } from './migrate.ts'

const portOf = (url: URL) => Number(url.port) || (url.protocol === 'http:' ? 80 : 443)

/** Timeout of calls that no request waits for, such as computing the trend scores of a million likes again. */
const patientMs = 120_000
/** Timeout of a migration: a new index of millions of tweets takes a while. */
const migrationMs = 600_000

/**
 * Connects to a libSQL server over HTTP and migrates its database. Every call times out after DATABASE_TIMEOUT_MS; writes
 * wait for a place as on a file, within WRITE_QUEUE and WRITE_WAIT_MS.
 * Throws a StartError when the server does not answer.
 */
export async function openServer(settings: Settings): Promise<Opened> {
  const url = new URL(settings.DATABASE_URL)
  const client = clientOf(settings)
  const queue = new WorkQueue({
    name: 'write',
    concurrency: writesAtOnce,
    waiting: settings.WRITE_QUEUE,
    waitMs: settings.WRITE_WAIT_MS,
  })
  try {
    await migrate(client, clientOf(settings, migrationMs))
    return {
      client: queueingWrites(client, queue),
      patient: clientOf(settings, patientMs),
      place: { namespace: 'main', server: { address: url.hostname, port: portOf(url) } },
      isNew: await isNew(client),
      whole: await readWholeIndexes(client),
      walBytes: () => undefined,
      freeBytes: () => undefined,
      probe: async () => void (await queueingWrites(client, queue).execute(sameEpoch)),
      close: async () => {
        await queue.drained()
        client.close()
      },
    }
  } catch (error) {
    throw unanswered(error, url)
  }
}

/** A write that changes nothing: reads are answered also while nothing can be written. */
const sameEpoch = 'UPDATE trends SET epoch = epoch'

/** sqld 0.24 gives each write that waits a thread; with fifty at once it stops answering, until it is killed. */
const writesAtOnce = 4

const isBusyServer = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY')

/** The same client; its writes wait in a queue, as those of a file do. */
function queueingWrites(client: Client, queue: WorkQueue): Client {
  const isWrite = (one: InStatement) => writes(typeof one === 'string' ? one : one.sql)
  const write = <T>(job: () => Promise<T>): Promise<T> =>
    queue.run(async () => {
      try {
        return await job()
      } catch (error) {
        if (!isBusyServer(error)) throw error
      }
      // Nothing of it was done. Some writer of another process holds the lock: once more, then it is a 503.
      await pause(20 + Math.random() * 80)
      try {
        return await job()
      } catch (error) {
        throw isBusyServer(error) ? queue.refusal() : error
      }
    })
  const execute = (statement: InStatement) =>
    isWrite(statement) ? write(() => client.execute(statement)) : client.execute(statement)
  const batch = (statements: InStatement[], mode?: TransactionMode) =>
    statements.some(isWrite)
      ? write(() => client.batch(statements, mode))
      : client.batch(statements, mode)
  return Object.assign(Object.create(client) as Client, { execute, batch })
}

/** Sends one query to the server, which must be there already; migrates nothing. Throws a StartError as `openServer` does. */
export async function askServer(settings: Settings, query: string): Promise<ResultSet> {
  const client = clientOf(settings)
  try {
    return await client.execute(query)
  } catch (error) {
    throw unanswered(error, new URL(settings.DATABASE_URL))
  } finally {
    client.close()
  }
}

/** Runs a check on the server: each query waits at most two minutes. Throws a StartError as `openServer` does. */
export async function checkServer<T>(settings: Settings, check: Check<T>): Promise<T> {
  const client = clientOf(settings, patientMs)
  try {
    return await onServer(async (query) => {
      const { rows, columns } = await client.execute(query)
      return rows.map((row) => columns.map((_, at) => row[at]))
    }, check)
  } catch (error) {
    throw unanswered(error, new URL(settings.DATABASE_URL))
  } finally {
    client.close()
  }
}

const clientOf = (settings: Settings, timeoutMs = settings.DATABASE_TIMEOUT_MS) =>
  createClient({
    url: new URL(settings.DATABASE_URL).href,
    ...(settings.DATABASE_AUTH_TOKEN && { authToken: settings.DATABASE_AUTH_TOKEN }),
    // Without a timeout the client would wait for ever when the server hangs.
    fetch: (request: Request) => fetch(request, { signal: AbortSignal.timeout(timeoutMs) }),
  })

/** A client that waits ten minutes for each answer, to move a whole database. It asks nothing yet. */
export const movingClient = (settings: Settings): Client => clientOf(settings, migrationMs)

function unanswered(error: unknown, url: URL): StartError {
  if (error instanceof StartError) return error
  const one = error instanceof Error && error.cause instanceof Error ? error.cause : error
  const why = one instanceof Error ? one.message : ''
  return new StartError(
    `No libSQL server answers at ${url.origin} (${why}). Is DATABASE_URL right?`,
  )
}

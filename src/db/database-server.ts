import type { Client, ResultSet } from '@libsql/core/api'

import type { Settings } from '../config/env.ts'
import { StartError } from '../config/start-error.ts'
import type { Opened } from './database-file.ts'
import { onServer, type Check } from './integrity-query.ts'
import { serverClient } from './libsql-http.ts'
import { isNew, migrate, readWholeIndexes } from './migrate.ts'
import { writeQueue, writingThrough } from './server-writes.ts'

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
  const url = addressOf(settings)
  const [client, patient] = [clientOf(settings), clientOf(settings, patientMs)]
  const queue = writeQueue(settings)
  const writing = writingThrough(client, queue)
  try {
    await migrateOn(client, settings)
    return {
      client: writing,
      patient,
      place: { namespace: 'main', server: { address: url.hostname, port: portOf(url) } },
      isNew: await isNew(client),
      whole: await readWholeIndexes(client),
      walBytes: () => undefined,
      freeBytes: () => undefined,
      probe: async () => void (await writing.execute(sameEpoch)),
      close: async () => {
        await queue.drained()
        client.close()
        patient.close()
      },
    }
  } catch (error) {
    throw unanswered(error, url)
  }
}

/** A write of the row that each database has, which changes nothing: a server may answer reads while it cannot write. */
const sameEpoch = 'UPDATE trends SET epoch = epoch'

async function migrateOn(client: Client, settings: Settings): Promise<void> {
  const unhurried = clientOf(settings, migrationMs)
  try {
    await migrate(client, unhurried)
  } finally {
    unhurried.close()
  }
}

/** Sends one query to the server, which must be there already; migrates nothing. Throws a StartError as `openServer` does. */
export async function askServer(settings: Settings, query: string): Promise<ResultSet> {
  const client = clientOf(settings)
  try {
    return await client.execute(query)
  } catch (error) {
    throw unanswered(error, addressOf(settings))
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
    throw unanswered(error, addressOf(settings))
  } finally {
    client.close()
  }
}

const clientOf = (settings: Settings, timeoutMs = settings.DATABASE_TIMEOUT_MS) =>
  serverClient(addressOf(settings), timeoutMs, settings.DATABASE_AUTH_TOKEN)

const addressOf = ({ DATABASE_URL }: Settings) =>
  new URL(DATABASE_URL.replace(/^libsql:/, 'https:'))

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

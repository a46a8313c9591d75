import type { Client, ResultSet } from '@libsql/core/api'

import type { Settings } from '../config/env.ts'
import { StartError } from '../config/start-error.ts'
import type { DatabasePlace } from '../telemetry/query-tracing.ts'
import type { Opened } from './database-file.ts'
import { onServer, type Check } from './integrity-query.ts'
import { serverClient } from './libsql-http.ts'
import { isNew, migrate, readWholeIndexes } from './migrate.ts'
import { lookMs, Replica, replicaReadMs } from './replica.ts'
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
  const replicaUrl = replicaAddressOf(settings)
  const [client, patient] = [clientOf(settings), clientOf(settings, patientMs)]
  const queue = writeQueue(settings)
  const writing = writingThrough(client, queue)
  try {
    await migrateOn(client, settings)
    const replica = replicaUrl && openReplica(settings, { url: replicaUrl, writing })
    return {
      client: writing,
      patient,
      ...(replica && { replica }),
      place: placeOf(url),
      isNew: await isNew(client),
      whole: await readWholeIndexes(client),
      walBytes: () => undefined,
      freeBytes: () => undefined,
      probe: async () => void (await writing.execute(sameEpoch)),
      close: async () => {
        replica?.close()
        await queue.drained()
        client.close()
        patient.close()
      },
    }
  } catch (error) {
    throw unanswered(error, url)
  }
}

const placeOf = (url: URL): DatabasePlace => ({
  namespace: 'main',
  server: { address: url.hostname, port: portOf(url) },
})

function openReplica(settings: Settings, { url, writing }: { url: URL; writing: Client }): Replica {
  const { DATABASE_REPLICA_AUTH_TOKEN: token = settings.DATABASE_AUTH_TOKEN } = settings
  const within = (ms: number) =>
    serverClient(url, Math.min(ms, settings.DATABASE_TIMEOUT_MS), token)
  return new Replica(placeOf(url), {
    reads: within(replicaReadMs),
    looks: within(lookMs),
    primary: clientOf(settings, Math.min(lookMs, settings.DATABASE_TIMEOUT_MS)),
    writing,
  })
}

/** The address in DATABASE_REPLICA_URL. Throws a StartError when it is that of DATABASE_URL. */
function replicaAddressOf(settings: Settings): URL | undefined {
  if (settings.DATABASE_REPLICA_URL === undefined) return undefined
  const url = urlOf(settings.DATABASE_REPLICA_URL)
  const isSame = ({ hostname, pathname }: URL) =>
    hostname === url.hostname && pathname === url.pathname
  const primary = addressOf(settings)
  if (isSame(primary) && portOf(primary) === portOf(url))
    throw new StartError(
      'DATABASE_REPLICA_URL is the server of DATABASE_URL: name a replica of it, or unset DATABASE_REPLICA_URL.',
    )
  return url
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

const urlOf = (text: string) => new URL(text.replace(/^libsql:/, 'https:'))
const addressOf = ({ DATABASE_URL }: Settings) => urlOf(DATABASE_URL)

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

import { createClient } from '@libsql/client/http'

import type { Settings } from '../config/env.ts'
import { StartError } from '../config/start-error.ts'
import type { Opened } from './database-file.ts'
import { isNew, migrate, readWholeIndexes } from './migrate.ts'

const portOf = (url: URL) => Number(url.port) || (url.protocol === 'http:' ? 80 : 443)

/** Timeout of calls that no request waits for, such as computing the trend scores of a million likes again. */
const patientMs = 120_000
/** Timeout of a migration: a new index of millions of tweets takes a while. */
const migrationMs = 600_000

/**
 * Connects to a libSQL server over HTTP and migrates its database. Every call times out after DATABASE_TIMEOUT_MS.
 * Throws a StartError when the server does not answer.
 */
export async function openServer(settings: Settings): Promise<Opened> {
  const url = new URL(settings.DATABASE_URL)
  const clientOf = (timeoutMs: number) =>
    createClient({
      url: url.href,
      ...(settings.DATABASE_AUTH_TOKEN && { authToken: settings.DATABASE_AUTH_TOKEN }),
      // Without a timeout the client would wait for ever when the server hangs.
      fetch: (request: Request) => fetch(request, { signal: AbortSignal.timeout(timeoutMs) }),
    })
  const client = clientOf(settings.DATABASE_TIMEOUT_MS)
  try {
    await migrate(client, clientOf(migrationMs))
    return {
      client,
      patient: clientOf(patientMs),
      place: { namespace: 'main', server: { address: url.hostname, port: portOf(url) } },
      isNew: await isNew(client),
      whole: await readWholeIndexes(client),
      walBytes: () => 0,
      freeBytes: () => undefined,
      probe: async () => void (await client.execute('SELECT 1')),
      close: async () => client.close(),
    }
  } catch (error) {
    if (error instanceof StartError) throw error
    const why =
      error instanceof Error
        ? error.cause instanceof Error
          ? error.cause.message
          : error.message
        : ''
    throw new StartError(
      `No libSQL server answers at ${url.origin} (${why}). Is DATABASE_URL right?`,
    )
  }
}

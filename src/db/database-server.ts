import { createClient } from '@libsql/client/http'

import type { Settings } from '../config/env.ts'
import { StartError } from '../config/start-error.ts'
import type { Opened } from './database-file.ts'
import { isNew, migrate, readWholeIndexes } from './migrate.ts'

const portOf = (url: URL) => Number(url.port) || (url.protocol === 'http:' ? 80 : 443)

/** What nobody waits for may take so long: scores of a million likes, counted anew. */
const patientMs = 120_000

/** Opens a libSQL server over HTTP and migrates it. Every call ends after DATABASE_TIMEOUT_MS. */
export async function openServer(settings: Settings): Promise<Opened> {
  const url = new URL(settings.DATABASE_URL)
  const clientOf = (timeoutMs: number) =>
    createClient({
      url: url.href,
      ...(settings.DATABASE_AUTH_TOKEN && { authToken: settings.DATABASE_AUTH_TOKEN }),
      // Without this the client waits for ever on a server that hangs.
      fetch: (request: Request) => fetch(request, { signal: AbortSignal.timeout(timeoutMs) }),
    })
  const client = clientOf(settings.DATABASE_TIMEOUT_MS)
  try {
    await migrate(client)
    return {
      client,
      patient: clientOf(patientMs),
      place: { namespace: 'main', server: { address: url.hostname, port: portOf(url) } },
      isNew: await isNew(client),
      whole: await readWholeIndexes(client),
      walBytes: () => 0,
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

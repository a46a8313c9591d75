import { renameSync } from 'node:fs'

import type { Client } from '@libsql/core/api'

import type { Settings } from '../config/env.ts'
import { asStartError, StartError } from '../config/start-error.ts'
import { applicationId, clientOn, filePath, inspect, isUnused } from '../db/database-file.ts'
import { askServer, movingClient } from '../db/database-server.ts'
import { lockFile } from '../db/file-lock.ts'
import { flush, removeDatabase } from '../db/files.ts'
import { moveRows } from '../db/move.ts'
import { checkTarget, existing, grouped, main, say, stopSignal } from './command.ts'
import { Progress } from './progress.ts'

const stopped = 'Stopped.'

const isFile = (url: string) => /^file:./.test(url)
const isServer = (url: string) => /^(https?|libsql):\/\/[^/]/.test(url) && URL.canParse(url)

const help = `npm run db:move -- URL

Moves all data of the database of DATABASE_URL to an empty one at URL: from a file to a libSQL server (http://HOST:PORT), or
from a server to a file (file:PATH). Stop every app that uses one of them first. The source is only read and stays as it is.
DATABASE_AUTH_TOKEN is the token of the server, whichever side it is. A move that was broken off begins anew when you run it
again. At the end, the rows of each table are counted on both sides.`

await main({
  help,
  async run([url = '', ...rest], settings) {
    if (url === '' || rest.length > 0)
      throw new StartError('One URL is needed: npm run db:move -- URL')
    const target = { ...settings, DATABASE_URL: url }
    refuseSameKind(settings.DATABASE_URL, url)
    const started = performance.now()
    const places: Place[] = []
    try {
      const source = await openSource(settings)
      places.push(source)
      const place = await openTarget(target)
      places.push(place)
      const counts = await move(source, place)
      report(counts, (performance.now() - started) / 1000)
      say(
        `${place.name} has all data of ${source.name}. Set DATABASE_URL=${shown(url)} for the app.`,
      )
    } finally {
      for (const place of places.toReversed()) place.close()
    }
    return 0
  },
})

function refuseSameKind(from: string, to: string): void {
  if (!isFile(to) && !isServer(to))
    throw new StartError('URL must be "file:PATH", "http(s)://HOST" or "libsql://HOST".')
  if (isServer(to) && (new URL(to).username || new URL(to).password))
    throw new StartError('URL must not have a password in it: DATABASE_AUTH_TOKEN is for that.')
  if (isFile(from) && isFile(to))
    throw new StartError(
      'Both are files: use npm run db:backup -- FILE, and npm run db:restore -- FILE.',
    )
  if (!isFile(from) && !isFile(to))
    throw new StartError('Both are servers: move it to a file first, then from that file.')
}

/** A URL without a name and a password in it. */
function shown(url: string): string {
  if (isFile(url)) return url
  const { protocol, host } = new URL(url)
  return `${protocol}//${host}`
}

type Place = {
  isServer: boolean
  name: string
  client: Client
  /** Called when all rows have arrived. */
  finish?: () => void
  close: () => void
}

async function openSource(settings: Settings): Promise<Place> {
  if (!isFile(settings.DATABASE_URL)) return openServer(settings)
  const path = existing(filePath(settings.DATABASE_URL))
  const lock = await lockFile(path, settings.LOCK_WAIT_MS)
  const client = clientOn(path, settings)
  const close = () => {
    client.close()
    lock.release()
  }
  return { isServer: false, name: path, client, close }
}

async function openTarget(settings: Settings): Promise<Place> {
  if (!isFile(settings.DATABASE_URL)) return openServer(settings, 'the URL')
  const path = filePath(settings.DATABASE_URL)
  checkTarget(path)
  refuseOver(path)
  const lock = await lockFile(path, settings.LOCK_WAIT_MS)
  refuseOver(path) // again: the process that held the lock may have made it
  const part = `${path}.part`
  removeDatabase(part)
  const client = clientOn(part, settings)
  await client.executeMultiple(`PRAGMA application_id=${applicationId}`)
  return {
    isServer: false,
    name: path,
    client,
    finish() {
      client.close()
      flush(part)
      renameSync(part, path) // only a complete database gets the name
    },
    close() {
      client.close()
      removeDatabase(part)
      lock.release()
    },
  }
}

function refuseOver(path: string): void {
  if (!isUnused(inspect(path)))
    throw new StartError(`${path} has data already. Name another file; nothing was written.`)
}

async function openServer(settings: Settings, origin = 'DATABASE_URL'): Promise<Place> {
  // Waits for DATABASE_TIMEOUT_MS only, and says what is wrong with the address or the token.
  await askServer(settings, 'SELECT 1').catch((error: Error) => {
    throw new StartError(error.message.replace('DATABASE_URL', origin))
  })
  const client = movingClient(settings)
  const name = shown(settings.DATABASE_URL)
  return { isServer: true, name, client, close: () => client.close() }
}

async function move(source: Place, target: Place): Promise<Map<string, number>> {
  const signal = stopSignal(stopped)
  let progress = new Progress(0, 'rows')
  const steps = {
    total: (rows: number) => void (progress = new Progress(rows, 'rows')),
    step: (name: string) => progress.step(name),
    rows: (count: number) => progress.add(count),
  }
  try {
    const clients = { source: source.client, target: target.client }
    const counts = await moveRows({ ...clients, report: steps, signal })
    target.finish?.()
    return counts
  } catch (error) {
    throw explained(error, source, target)
  } finally {
    progress.end()
  }
}

function report(counts: Map<string, number>, seconds: number): void {
  let all = 0
  for (const [table, count] of counts) {
    all += count
    if (count > 0) say(`${grouped(count).padStart(12)} ${table}`)
  }
  say(`${grouped(all)} rows in ${seconds.toFixed(1)} s, counted on both sides.`)
}

/** Says which side has failed, and that the same command can be run again. */
function explained(error: unknown, source: Place, target: Place): unknown {
  const [server, file] = source.isServer ? [source, target] : [target, source]
  const isRefusal = error instanceof StartError && error.message !== stopped
  if (isRefusal) return error
  const known = asStartError(error, server.name)
  const isOfServer = known instanceof StartError && known.message.startsWith(server.name)
  const why = isOfServer ? known : asStartError(error, file.name)
  return why instanceof StartError
    ? new StartError(`${why.message} Nothing was finished. Run it again: it begins anew.`)
    : why
}

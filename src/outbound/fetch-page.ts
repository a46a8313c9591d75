// Reads the head of a page of somebody else's server: within bounds of time, size and hops, and only from addresses that
// the guard has checked.
import type { IncomingHttpHeaders } from 'node:http'

import { buildConnector, Client } from 'undici'

import { toStranger } from '../telemetry/propagation.ts'
import type { AddressGuard } from './address-guard.ts'
import { attemptMs, connectorTo } from './connect.ts'
import { readHead } from './page-head.ts'
import { bytesMax, decodePage, readBody } from './read-body.ts'
import { Unfit } from './unfit.ts'

type Connector = buildConnector.connector

/** So many redirects are followed. */
const hopsMax = 3
/** The time for all of them together, names and connections included. */
const totalMs = 3000
const urlLengthMax = 2000
/** What is read of the page behind a redirect, so that its connection ends in good order. */
const restMax = 4096

type FetchedHead = { title: string; description: string | undefined; hops: number }

type Options = {
  guard: AddressGuard
  /** Ends it early, at shutdown. */
  stop: AbortSignal
  /** Opens a connection to an address; default: undici's connector. */
  connect?: Connector
}

/** Reads title and description of a page. Throws an Unfit that says why there is none. */
export async function fetchHead(
  start: URL,
  { guard, stop, connect }: Options,
): Promise<FetchedHead> {
  const late = AbortSignal.timeout(totalMs)
  const signal = AbortSignal.any([stop, late])
  const connector = connect ?? buildConnector({ timeout: attemptMs, maxCachedSessions: 0 })
  try {
    let url = start
    for (let hops = 0; ; hops++) {
      const target = await guard.target(url, signal)
      const client = new Client(url.origin, {
        connect: connectorTo(target, connector, signal),
        maxResponseSize: bytesMax,
        headersTimeout: totalMs,
        bodyTimeout: totalMs,
      })
      try {
        const read = await toStranger(() => readHop(client, url, signal))
        if (!('location' in read)) return { ...read, hops }
        if (hops === hopsMax) throw new Unfit('too_many_hops')
        url = read.location
      } finally {
        await client.destroy()
      }
    }
  } catch (error) {
    throw asUnfit(error, stop, late)
  }
}

async function readHop(client: Client, url: URL, signal: AbortSignal) {
  const { statusCode, headers, body } = await client.request({
    method: 'GET',
    path: url.pathname + url.search,
    headers: {
      'user-agent': 'Tracewren (link preview)',
      accept: 'text/html',
      'accept-encoding': 'gzip',
    },
    signal,
  })
  // An answer that is not read to its end is an error of the body, later: here it is none.
  body.on('error', () => {})
  if ([301, 302, 303, 307, 308].includes(statusCode)) {
    await body.dump({ limit: restMax, signal })
    return { location: locationOf(headers, url) }
  }
  if (statusCode !== 200) throw new Unfit('status')
  const type = textOf(headers, 'content-type')
  if (!/^\s*text\/html\s*(;|$)/i.test(type)) throw new Unfit('not_html')
  if (Number(textOf(headers, 'content-length')) > bytesMax) throw new Unfit('too_large')
  const bytes = await readBody(body, textOf(headers, 'content-encoding'))
  const { title, description } = readHead(decodePage(bytes, type))
  if (title === undefined) throw new Unfit('no_title')
  return { title, description }
}

/** A header that may stand there once; twice is as wrong as none. */
const textOf = (headers: IncomingHttpHeaders, name: string): string => {
  const value = headers[name]
  return typeof value === 'string' ? value : ''
}

function locationOf(headers: IncomingHttpHeaders, from: URL): URL {
  const text = textOf(headers, 'location')
  if (text === '' || text.length > urlLengthMax || !URL.canParse(text, from))
    throw new Unfit('refused_url')
  return new URL(text, from)
}

/** undici's errors, told in our words. */
function asUnfit(error: unknown, stop: AbortSignal, late: AbortSignal): unknown {
  if (error instanceof Unfit) return error
  if (stop.aborted) return new Unfit('stopped')
  if (late.aborted) return new Unfit('timeout')
  const code = error instanceof Error && 'code' in error ? String(error.code) : ''
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE') return new Unfit('too_large')
  if (/TIMEOUT/.test(code)) return new Unfit('timeout')
  if (/^(Z_|ERR_BROTLI|ERR_PADDING|ERR__ERROR)/.test(code)) return new Unfit('encoding')
  // Whatever else a server does wrong: closed midway, no HTTP, headers without an end.
  return code === '' || /^ERR_(ASSERTION|INVALID)/.test(code) ? error : new Unfit('unreachable')
}

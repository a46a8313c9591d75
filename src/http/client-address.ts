import { isIP } from 'node:net'

import type { Context } from 'hono'

import { Lru } from '../base/lru.ts'
import type { Env } from './context.ts'

declare module 'hono' {
  interface ContextVariableMap {
    /** Is this address one of a proxy that we trust? */
    trusts: (address: string) => boolean
    /** Who is at the other end, once somebody has asked. */
    client: Client | undefined
  }
}

const addressesKept = 1000

/** Who is at the other end: the socket's peer, whether we believe its headers, and the client that it names. */
export type Client = {
  address: string
  port: number
  trusted: boolean
  clientAddress: string
  scheme: 'http' | 'https'
}

const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/
const spellings = new Lru<string>(addressesKept)

/** An address in its only spelling: IPv6 short, without a zone, and as IPv4 where it stands for one; else undefined. */
function spelled(address: string): string | undefined {
  const family = isIP(address)
  if (family !== 6) return family === 4 ? address : undefined
  // The zone goes first: as long as a header can be, it would fill the memory as a key.
  const plain = address.split('%')[0]!
  return spellings.get(plain, () => {
    const short = new URL(`http://[${plain}]`).hostname.slice(1, -1)
    const [, high, low] = mapped.exec(short) ?? []
    if (high === undefined || low === undefined) return short
    const halves = [Number.parseInt(high, 16), Number.parseInt(low, 16)]
    return halves.flatMap((half) => [half >> 8, half & 255]).join('.')
  })
}

/** The address in one entry of `X-Forwarded-For`, with or without a port; undefined when there is none. */
export function parseHop(entry: string): string | undefined {
  const text = entry.trim().replace(/^"(.*)"$/, '$1')
  if (isIP(text) !== 0) return spelled(text)
  const [, inBrackets, beforePort] =
    /^(?:\[([0-9A-Fa-f:.]+(?:%[\w.-]+)?)\](?::\d{1,5})?|([\d.]+):\d{1,5})$/.exec(text) ?? []
  if (inBrackets !== undefined) return isIP(inBrackets) === 6 ? spelled(inBrackets) : undefined
  return beforePort !== undefined && isIP(beforePort) === 4 ? beforePort : undefined
}

/** Who stands before all proxies that we trust. An entry that says no address ends the walk: only its proxy is known. */
function farthest(peer: string, forwardedFor: string, trusts: (address: string) => boolean) {
  let client = peer
  for (const entry of forwardedFor.split(',').toReversed()) {
    const hop = parseHop(entry)
    if (hop === undefined) return client
    client = hop
    if (!trusts(hop)) return client
  }
  return client
}

/** Reads who sent a request; `X-Forwarded-*` counts only as far as trusted proxies wrote it. */
export function clientOf(c: Context<Env>): Client {
  const known = c.get('client')
  if (known) return known
  const client = readClient(c)
  c.set('client', client)
  return client
}

function readClient(c: Context<Env>): Client {
  const socket = c.env?.incoming?.socket
  const remote = socket?.remoteAddress ?? '127.0.0.1'
  const address = spelled(remote) ?? remote
  const trusts = c.get('trusts')
  const trusted = trusts(address)
  const forwardedFor = trusted ? c.req.header('x-forwarded-for') : undefined
  const clientAddress =
    forwardedFor === undefined ? address : farthest(address, forwardedFor, trusts)
  // Of a list the last one is the word of the proxy that we trust; those before it may be a client's.
  const forwarded = trusted && /(?:^|,)\s*https\s*$/i.test(c.req.header('x-forwarded-proto') ?? '')
  return {
    address,
    port: socket?.remotePort ?? 0,
    trusted,
    clientAddress,
    scheme: forwarded ? 'https' : 'http',
  }
}

import { isIP } from 'node:net'

import type { Context } from 'hono'

import { Lru } from '../base/lru.ts'
import type { Env } from './context.ts'

declare module 'hono' {
  interface ContextVariableMap {
    /** Does this address belong to a trusted proxy (TRUSTED_PROXIES)? */
    trusts: (address: string) => boolean
    /** The result of `clientOf`, after its first call. */
    client: Client | undefined
  }
}

const addressesKept = 1000

/** The sender of a request. */
export type Client = {
  /** The address of the socket's peer: the client or a proxy. */
  address: string
  port: number
  /** Is the peer a trusted proxy, so that its headers count? */
  trusted: boolean
  /** The address of the client, from X-Forwarded-For when the peer is trusted. */
  clientAddress: string
  scheme: 'http' | 'https'
}

const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/
const canonicalAddresses = new Lru<string>(addressesKept)

/**
 * The canonical form of an address: IPv6 compressed and without a zone, an IPv4-mapped address as IPv4. Undefined for
 * other text.
 */
function canonical(address: string): string | undefined {
  const family = isIP(address)
  if (family !== 6) return family === 4 ? address : undefined
  // The zone is removed before the cache is used: it can be as long as a header, so its keys could fill the memory.
  const plain = address.split('%')[0]!
  return canonicalAddresses.get(plain, () => {
    const short = new URL(`http://[${plain}]`).hostname.slice(1, -1)
    const [, high, low] = mapped.exec(short) ?? []
    if (high === undefined || low === undefined) return short
    const halves = [Number.parseInt(high, 16), Number.parseInt(low, 16)]
    return halves.flatMap((half) => [half >> 8, half & 255]).join('.')
  })
}

/** The address in an entry of `X-Forwarded-For`, with or without a port; undefined when the entry is not an address. */
export function parseHop(entry: string): string | undefined {
  const text = entry.trim().replace(/^"(.*)"$/, '$1')
  if (isIP(text) !== 0) return canonical(text)
  const [, inBrackets, beforePort] =
    /^(?:\[([0-9A-Fa-f:.]+(?:%[\w.-]+)?)\](?::\d{1,5})?|([\d.]+):\d{1,5})$/.exec(text) ?? []
  if (inBrackets !== undefined) return isIP(inBrackets) === 6 ? canonical(inBrackets) : undefined
  return beforePort !== undefined && isIP(beforePort) === 4 ? beforePort : undefined
}

/**
 * The first address, from the right, that is not a trusted proxy: the client. The leftmost when all are trusted. When
 * an entry is not an address, the result is the proxy that wrote it.
 */
function firstUntrusted(peer: string, forwardedFor: string, trusts: (address: string) => boolean) {
  let client = peer
  for (const entry of forwardedFor.split(',').toReversed()) {
    const hop = parseHop(entry)
    if (hop === undefined) return client
    client = hop
    if (!trusts(hop)) return client
  }
  return client
}

/** Reads the sender of a request. `X-Forwarded-*` headers count only as far as trusted proxies wrote them. */
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
  const address = canonical(remote) ?? remote
  const trusts = c.get('trusts')
  const trusted = trusts(address)
  const forwardedFor = trusted ? c.req.header('x-forwarded-for') : undefined
  const clientAddress =
    forwardedFor === undefined ? address : firstUntrusted(address, forwardedFor, trusts)
  // In a list only the last value was written by the trusted proxy. The client may have sent the values before it.
  const forwarded = trusted && /(?:^|,)\s*https\s*$/i.test(c.req.header('x-forwarded-proto') ?? '')
  return {
    address,
    port: socket?.remotePort ?? 0,
    trusted,
    clientAddress,
    scheme: forwarded ? 'https' : 'http',
  }
}

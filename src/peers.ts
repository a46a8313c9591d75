import { BlockList, isIP } from 'node:net'

import type { Context } from 'hono'

import { Lru } from './lru.ts'
import type { Env } from './web.ts'

const addressesKept = 1000

/** Who is at the other end: the socket's peer, whether we believe its headers, and the client that it names. */
export type Peer = {
  address: string
  port: number
  trusted: boolean
  clientAddress: string
  scheme: 'http' | 'https'
}

/** Parses TRUSTED_PROXIES: addresses, CIDR ranges, and the words `loopback` and `private`. Throws on anything else. */
export function trustedPeers(entries: string[]): (address: string) => boolean {
  const list = new BlockList()
  const words: Record<string, string[]> = {
    loopback: ['127.0.0.0/8', '::1/128'],
    private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
  }
  for (const entry of entries.flatMap((one) => words[one] ?? [one])) {
    const [address = '', bits] = entry.split('/')
    const family = isIP(address)
    // "10.0.0.0/" alone would be taken for all addresses.
    if (family === 0 || !/^\d+$/.test(bits ?? '0'))
      throw new Error(`"${entry}" is not an address, a range, "loopback" or "private"`)
    const type = family === 4 ? 'ipv4' : 'ipv6'
    list.addSubnet(address, bits === undefined ? (family === 4 ? 32 : 128) : Number(bits), type)
  }
  const checked = new Lru<boolean>(addressesKept)
  return (address) =>
    checked.get(address, () => {
      const family = isIP(address)
      return family !== 0 && list.check(address, family === 4 ? 'ipv4' : 'ipv6')
    })
}

/** Can these entries be parsed? */
export function isTrustList(entries: string[]): boolean {
  try {
    trustedPeers(entries)
    return true
  } catch {
    return false
  }
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

/** Reads a request's peer; `X-Forwarded-*` counts only as far as trusted proxies wrote it. */
export function peerOf(c: Context<Env>): Peer {
  const known = c.get('peer')
  if (known) return known
  const peer = readPeer(c)
  c.set('peer', peer)
  return peer
}

function readPeer(c: Context<Env>): Peer {
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

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

const plain = (address: string) => address.trim().replace(/^::ffff:(?=\d+\.)/, '')

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
  const address = plain(socket?.remoteAddress ?? '127.0.0.1')
  const trusted = c.get('trusts')(address)
  const hops = trusted ? (c.req.header('x-forwarded-for') ?? '').split(',').map(plain) : []
  const named = hops.filter((hop) => isIP(hop) !== 0)
  // Where all are trusted, as in a home network behind a proxy of "private", the farthest of them is the client.
  const clientAddress = named.findLast((hop) => !c.get('trusts')(hop)) ?? named[0] ?? address
  const forwarded = trusted && c.req.header('x-forwarded-proto') === 'https'
  return {
    address,
    port: socket?.remotePort ?? 0,
    trusted,
    clientAddress,
    scheme: forwarded ? 'https' : 'http',
  }
}

import { BlockList, isIP } from 'node:net'

import { Lru } from '../base/lru.ts'

const addressesKept = 1000

type Range = [address: string, bits: number, type: 'ipv4' | 'ipv6']

// Parsed already: a start with the default compiles no pattern of IPv6 addresses, which takes 5 ms.
const words = new Map<string, Range[]>(
  Object.entries({
    loopback: [
      ['127.0.0.0', 8, 'ipv4'],
      ['::1', 128, 'ipv6'],
    ],
    private: [
      ['10.0.0.0', 8, 'ipv4'],
      ['172.16.0.0', 12, 'ipv4'],
      ['192.168.0.0', 16, 'ipv4'],
      ['fc00::', 7, 'ipv6'],
    ],
  }),
)

/**
 * Parses TRUSTED_PROXIES (addresses, CIDR ranges, and the words `loopback` and `private`) into a function that tells
 * whether an address is trusted. Throws an Error for any other entry.
 */
export function trustedProxies(entries: string[]): (address: string) => boolean {
  const list = new BlockList()
  for (const entry of entries) {
    const range = words.get(entry)
    if (range) for (const [address, bits, type] of range) list.addSubnet(address, bits, type)
    else list.addSubnet(...parseRange(entry))
  }
  const checked = new Lru<boolean>(addressesKept)
  return (address) =>
    checked.get(address, () => {
      const family = isIP(address)
      return family !== 0 && list.check(address, family === 4 ? 'ipv4' : 'ipv6')
    })
}

/** Parses an address, or a range in CIDR notation. Throws an Error for anything else. */
function parseRange(entry: string): Range {
  const [address = '', bits] = entry.split('/')
  const family = isIP(address)
  // Without this check "10.0.0.0/" would be a range of 0 bits, which contains all addresses.
  if (family === 0 || !/^\d+$/.test(bits ?? '0'))
    throw new Error(`"${entry}" is not an address, a range, "loopback" or "private"`)
  if (family === 4) return [address, Number(bits ?? 32), 'ipv4']
  return [address, Number(bits ?? 128), 'ipv6']
}

/** Can these entries be parsed? */
export function isTrustList(entries: string[]): boolean {
  try {
    trustedProxies(entries)
    return true
  } catch {
    return false
  }
}

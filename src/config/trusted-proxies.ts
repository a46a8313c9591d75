import { BlockList, isIP } from 'node:net'

import { Lru } from '../base/lru.ts'

const addressesKept = 1000

/**
 * Parses TRUSTED_PROXIES (addresses, CIDR ranges, and the words `loopback` and `private`) into a function that tells
 * whether an address is trusted. Throws an Error for any other entry.
 */
export function trustedProxies(entries: string[]): (address: string) => boolean {
  const list = new BlockList()
  const words: Record<string, string[]> = {
    loopback: ['127.0.0.0/8', '::1/128'],
    private: ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', 'fc00::/7'],
  }
  for (const entry of entries.flatMap((one) => words[one] ?? [one])) {
    const [address = '', bits] = entry.split('/')
    const family = isIP(address)
    // Without this check "10.0.0.0/" would be a range of 0 bits, which contains all addresses.
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
    trustedProxies(entries)
    return true
  } catch {
    return false
  }
}

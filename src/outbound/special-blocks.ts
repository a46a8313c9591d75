// Addresses that are not of the public internet: the special-purpose registries of IANA (RFC 6890 and its updates).
import { BlockList } from 'node:net'

const ipv4 = [
  '0.0.0.0/8', // this network; Linux connects 0.0.0.0 to itself
  '10.0.0.0/8',
  '100.64.0.0/10', // carrier-grade NAT, and the metadata host of Alibaba
  '127.0.0.0/8',
  '169.254.0.0/16', // link-local, and the metadata hosts of most clouds
  '172.16.0.0/12',
  '192.0.0.0/24', // protocol assignments, and the metadata host of Oracle
  '192.0.2.0/24',
  '192.31.196.0/24',
  '192.52.193.0/24',
  '192.88.99.0/24', // 6to4 relays
  '192.168.0.0/16',
  '192.175.48.0/24',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, and broadcast
  '168.63.129.16/32', // in no registry: the platform host of Azure
]

/** Within 2000::/3; everything outside of it is refused anyway. */
const ipv6 = [
  '2001::/23', // protocol assignments, Teredo, benchmarks, ORCHID
  '2001:db8::/32',
  '2002::/16', // 6to4
  '2620:4f:8000::/48',
  '3fff::/20',
]

/** These contain an IPv4 address that a gateway may connect to: IPv4-mapped, NAT64, Teredo, 6to4. */
const embedding = ['::ffff:0:0/96', '64:ff9b::/96', '64:ff9b:1::/48', '2001::/32', '2002::/16']

/** A list of ranges in CIDR notation. */
export function blocks(ranges: string[]): BlockList {
  const list = new BlockList()
  for (const range of ranges) {
    const [address = '', bits] = range.split('/')
    list.addSubnet(address, Number(bits), address.includes(':') ? 'ipv6' : 'ipv4')
  }
  return list
}

const specialIpv4 = blocks(ipv4)
const specialIpv6 = blocks(ipv6)
const embeddingIpv6 = blocks(embedding)
const globalIpv6 = blocks(['2000::/3'])

/** Is this IPv4 or IPv6 address outside of the public internet? */
export function isSpecial(address: string): boolean {
  if (!address.includes(':')) return specialIpv4.check(address, 'ipv4')
  return !globalIpv6.check(address, 'ipv6') || specialIpv6.check(address, 'ipv6')
}

/** Is this an IPv6 address with an IPv4 address in it? */
export const isEmbedding = (address: string): boolean =>
  address.includes(':') && embeddingIpv6.check(address, 'ipv6')

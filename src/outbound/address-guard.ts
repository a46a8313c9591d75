// Which addresses a stranger's link may lead this process to: only those of the public internet, at 80 and 443.
import { BlockList, isIP } from 'node:net'
import { networkInterfaces } from 'node:os'

import { bareHost, type LinkRules, type OwnService } from '../config/link-rules.ts'
import { resolveAll, resolveOwn, type Resolve } from './resolve.ts'
import { isEmbedding, isSpecial } from './special-blocks.ts'
import { Unfit } from './unfit.ts'

/** Where to connect to for a URL: one of these very addresses. `name` is what a certificate must be for. */
export type Target = { name: string; port: number; addresses: string[] }

type Rules = LinkRules & {
  resolve?: Resolve
  /** The addresses of this machine; default: those of its interfaces. */
  ownAddresses?: () => string[]
}

type Located = OwnService & { addresses: string[] }

const webPorts = new Set([80, 443])
const serviceMs = 60_000

const familyOf = (address: string) => (address.includes(':') ? 'ipv6' : 'ipv4')

/** Checks URLs and all addresses that their names have. Make one for the life of the process. */
export class AddressGuard {
  readonly #allow: { port: number | undefined; list: BlockList }[]
  readonly #services: readonly OwnService[]
  readonly #ownHost: string | undefined
  readonly #resolve: Resolve
  readonly #ownAddresses: () => string[]
  /** The addresses of the services, and when they were asked for. */
  #known: { at: number; found: Promise<Located[]> } | undefined

  constructor({
    allow,
    services,
    ownHost,
    resolve = resolveAll,
    ownAddresses = ofInterfaces,
  }: Rules) {
    this.#allow = allow.map(({ address, bits, family, port }) => {
      const list = new BlockList()
      list.addSubnet(address, bits, family)
      return { port, list }
    })
    this.#services = services
    this.#ownHost = ownHost
    this.#resolve = resolve
    this.#ownAddresses = ownAddresses
  }

  /**
   * Finds out where to connect to. Throws an Unfit when the URL, or any one of the addresses of its name, is forbidden:
   * a name with a public and an internal address is an attack.
   */
  async target(url: URL, signal: AbortSignal): Promise<Target> {
    if (!/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '')
      throw new Unfit('refused_url')
    const port = Number(url.port) || (url.protocol === 'https:' ? 443 : 80)
    const name = bareHost(url)
    if (name === '' || name === this.#ownHost) throw new Unfit('refused_url')
    if (!webPorts.has(port) && !this.#allow.some((one) => one.port === port))
      throw new Unfit('refused_port')
    const addresses =
      isIP(name) === 0 ? await unlessAborted(this.#resolve(name, signal), signal) : [name]
    if (addresses.length === 0) throw new Unfit('no_address')
    const services = await unlessAborted(this.#serviceAddresses(), signal)
    for (const address of addresses) {
      this.#check(address, port)
      for (const service of services) {
        const isIts = name === service.host || service.addresses.includes(address)
        // Beside a service on the same machine, only a port that the operator has named, and not that of the service.
        if (isIts && (service.port === port || !this.#isAllowedAt(address, port)))
          throw new Unfit('refused_service')
      }
    }
    return { name, port, addresses }
  }

  #check(address: string, port: number): void {
    if (isIP(address) === 0 || isEmbedding(address)) throw new Unfit('refused_address')
    if (this.#isAllowedAt(address, port)) return
    if (!webPorts.has(port)) throw new Unfit('refused_port')
    if (this.#allow.some((one) => one.port === undefined && isIn(one.list, address))) return
    if (isSpecial(address) || this.#isOwn(address)) throw new Unfit('refused_address')
  }

  /** Has the operator allowed this very port of the address? */
  #isAllowedAt(address: string, port: number): boolean {
    return this.#allow.some((one) => one.port === port && isIn(one.list, address))
  }

  /** Is this an address of this machine, such as its public one? Asked anew each time: an interface may come later. */
  #isOwn(address: string): boolean {
    const own = new BlockList()
    for (const one of this.#ownAddresses()) own.addAddress(one, familyOf(one))
    return isIn(own, address)
  }

  /** Asked for once a minute: behind a name, a service may move. */
  #serviceAddresses(): Promise<Located[]> {
    if (this.#known === undefined || performance.now() - this.#known.at > serviceMs) {
      const found = Promise.all(
        this.#services.map(async (service) => ({
          ...service,
          addresses: isIP(service.host) ? [service.host] : await resolveOwn(service.host),
        })),
      )
      this.#known = { at: performance.now(), found }
    }
    return this.#known.found
  }
}

const isIn = (list: BlockList, address: string) => list.check(address, familyOf(address))

const ofInterfaces = (): string[] =>
  Object.values(networkInterfaces()).flatMap((all) => (all ?? []).map(({ address }) => address))

/** Rejects with the reason of the signal when that comes first. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const giveUp = () => reject(signal.reason as Error)
    if (signal.aborted) giveUp()
    signal.addEventListener('abort', giveUp)
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp))
  })
}

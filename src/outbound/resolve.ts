// Names to addresses. Not `dns.lookup`, whose threads also hash passwords: a stranger's slow name server would stop sign-ins.
import { lookup, Resolver } from 'node:dns/promises'

/** Finds all addresses of a name; none when it has none. */
export type Resolve = (name: string, signal: AbortSignal) => Promise<string[]>

/** The second try takes twice as long: together half of the time for a page. */
const tryMs = 500

/** Asks the name servers of this machine for all A and AAAA records. */
export const resolveAll: Resolve = async (name, signal) => {
  const resolver = new Resolver({ timeout: tryMs, tries: 2 })
  const cancel = () => resolver.cancel()
  signal.addEventListener('abort', cancel)
  try {
    const found = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)])
    return found.flatMap((one) => (one.status === 'fulfilled' ? one.value : []))
  } finally {
    signal.removeEventListener('abort', cancel)
  }
}

/** The addresses of a server that the operator has named, as this process itself finds them (/etc/hosts, too). */
export async function resolveOwn(name: string): Promise<string[]> {
  const found = await lookup(name, { all: true }).catch(() => [])
  return found.map(({ address }) => address)
}

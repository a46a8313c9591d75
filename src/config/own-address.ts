import { existsSync } from 'node:fs'
import { networkInterfaces } from 'node:os'

type Seen = Place & { demo: boolean; inspect: boolean; faults: boolean; DATABASE_URL: string }
type Place = { HOST: string; PUBLIC_ORIGIN?: string | undefined }

const isEverywhere = (host: string) => host === '0.0.0.0' || host === '::'

const originAt = (host: string, port: number) =>
  `http://${host.includes(':') ? `[${host}]` : host}:${port}`

/** Where a program on this machine reaches the app of these settings. */
export const localOrigin = ({ HOST, PORT }: { HOST: string; PORT: number }): string =>
  originAt(HOST === '0.0.0.0' ? '127.0.0.1' : HOST === '::' ? '::1' : HOST, PORT)

/**
 * Where people can type that they find this process: PUBLIC_ORIGIN alone, else what a browser on this machine takes, and,
 * when it listens on all interfaces, what one elsewhere on the network takes. Without a slash at the end.
 */
export function ownAddresses({ HOST, PUBLIC_ORIGIN }: Place, port: number): string[] {
  if (PUBLIC_ORIGIN !== undefined) return [PUBLIC_ORIGIN]
  const at = (host: string) => originAt(host, port)
  if (!isEverywhere(HOST)) return [at(HOST)]
  const there = networkAddress()
  return [at('localhost'), ...(there === undefined ? [] : [at(there)])]
}

/** What a link begins with that is sent to somebody; `isGuess` when PUBLIC_ORIGIN does not say it. */
export const linkOrigin = (place: Place, port: number) => ({
  text: ownAddresses(place, port).at(-1)!,
  isGuess: place.PUBLIC_ORIGIN === undefined,
})

/** What the terminal says once the app listens: where it is, and what somebody new may want to open. */
export function banner(settings: Seen, port: number, login: string): string {
  const [here, ...elsewhere] = ownAddresses(settings, port)
  const lines = [
    '',
    `  Tracewren  ${here}/`,
    ...elsewhere.map((address) => `  Network    ${address}/`),
    ...(settings.demo ? [`  Demo login ${login}`] : []),
    ...(settings.inspect ? [`  Traces     ${here}/traces`] : []),
    ...(settings.faults ? [`  Faults     ${here}/faults`] : []),
    `  Data       ${settings.DATABASE_URL}`,
    '',
  ]
  return `${lines.join('\n')}\n`
}

/** This machine's first IPv4 address on a network; undefined in a container, whose own address nobody outside reaches. */
function networkAddress(): string | undefined {
  if (existsSync('/.dockerenv') || existsSync('/run/.containerenv')) return undefined
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(
      ({ family, internal, address }) =>
        family === 'IPv4' && !internal && !address.startsWith('169.254.'),
    )?.address
}

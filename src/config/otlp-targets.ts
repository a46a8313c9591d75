import type { Environment } from './otel-variables.ts'

export type Signal = 'traces' | 'metrics' | 'logs'

/** Where the exporter of a signal sends to. */
export type OtlpTarget = {
  url: URL
  /** The variable that says so; undefined when none does. */
  variable: string | undefined
  /** The names of the headers that it adds. */
  headers: string[]
  /** What must never be printed: values of headers, and the password in the address. */
  secrets: string[]
}

/** The target of a signal's exporter, by the rules of OpenTelemetry's specification. `env` has been checked before. */
export function otlpTarget(env: Environment, signal: Signal): OtlpTarget {
  const text = (name: string) => env[name]?.trim() || undefined
  const ofAll = 'OTEL_EXPORTER_OTLP'
  const ofOne = `${ofAll}_${signal.toUpperCase()}`
  const [own, base] = [text(`${ofOne}_ENDPOINT`), text(`${ofAll}_ENDPOINT`)]
  const url = new URL(own ?? `${(base ?? 'http://localhost:4318').replace(/\/$/, '')}/v1/${signal}`)
  const pairs = [text(`${ofAll}_HEADERS`), text(`${ofOne}_HEADERS`)].flatMap(pairsOf)
  return {
    url,
    variable: own ? `${ofOne}_ENDPOINT` : base ? `${ofAll}_ENDPOINT` : undefined,
    headers: [...new Set(pairs.map(([name]) => name))],
    secrets: [...pairs.flatMap(([, value]) => [value, ...value.split(/[\s;]+/)]), ...loginOf(url)],
  }
}

/** An address for the log: without a password, a query, and what may be a key in the path. */
export const shownAddress = ({ origin, pathname }: URL): string =>
  origin + pathname.replace(/[^/]{20,}|[^/]*\d{6}[^/]*/g, 'REDACTED')

function pairsOf(text = ''): [name: string, value: string][] {
  return text
    .split(',')
    .filter((pair) => pair.includes('='))
    .map((pair) => {
      const [name = '', ...rest] = pair.split('=')
      return [decoded(name).trim(), decoded(rest.join('=')).trim()]
    })
}

/** The password in an address, alone and as the header that it becomes. */
export function loginOf({ username, password }: URL): string[] {
  if (username === '' && password === '') return []
  const login = `${decoded(username)}:${decoded(password)}`
  return [login, Buffer.from(login).toString('base64'), password, decoded(password)]
}

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

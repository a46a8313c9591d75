// Which servers a link may lead this process to, as far as settings say it.
import { isIP } from 'node:net'

import type { Environment } from './otel-variables.ts'

/** A range of addresses that is permitted, at one port or, without it, at 80 and 443. */
type AllowedRange = {
  address: string
  bits: number
  family: 'ipv4' | 'ipv6'
  port?: number
}

/** The fewest bits of a range: with fewer, two or four of them are a whole family. These allow 10.0.0.0/8 and fc00::/7. */
const bitsMin = { ipv4: 8, ipv6: 7 }
const bitsMax = { ipv4: 32, ipv6: 128 }

/** What LINK_PREVIEWS_ALLOW accepts, for the message about a bad value. */
export const allowedRangesHint =
  'ranges such as "10.1.0.0/16" or "fd00:1::/64", or with a port, "10.1.2.3/32:8080"; at least 8 bits of IPv4 or 7 of ' +
  'IPv6, never a whole family'

/** Parses `CIDR` or `CIDR:port`; undefined for anything else, and for a range that is too wide. */
function allowedRange(entry: string): AllowedRange | undefined {
  const [, address = '', bits, port] =
    /^([0-9a-f.:]+)\/(\d{1,3})(?::(\d{1,5}))?$/i.exec(entry) ?? []
  const version = isIP(address)
  if (version === 0) return undefined
  const family = version === 4 ? 'ipv4' : 'ipv6'
  const range = { address, bits: Number(bits), family } as const
  if (range.bits < bitsMin[family] || range.bits > bitsMax[family]) return undefined
  if (port === undefined) return range
  const number = Number(port)
  return number >= 1 && number <= 65_535 ? { ...range, port: number } : undefined
}

/** Can all of these entries be parsed? */
export const areAllowedRanges = (entries: string[]): boolean =>
  entries.every((one) => allowedRange(one) !== undefined)

/** A server that this process itself uses. */
export type OwnService = { host: string; port: number }

export type LinkRules = {
  allow: AllowedRange[]
  /** The servers of the database and of telemetry: nobody's link may lead there. */
  services: OwnService[]
  /** The host of PUBLIC_ORIGIN. */
  ownHost: string | undefined
}

type Given = {
  LINK_PREVIEWS_ALLOW: string[]
  DATABASE_URL: string
  DATABASE_REPLICA_URL?: string | undefined
  PUBLIC_ORIGIN?: string | undefined
}

const endpoints = ['', '_TRACES', '_METRICS', '_LOGS'].map(
  (signal) => `OTEL_EXPORTER_OTLP${signal}_ENDPOINT`,
)

/** Reads the rules from checked settings, and from the environment, where the variables of OpenTelemetry are. */
export function linkRules(settings: Given, env: Environment): LinkRules {
  const { DATABASE_URL, DATABASE_REPLICA_URL = '' } = settings
  const exporters = endpoints.map((name) => env[name]?.trim() ?? '')
  const urls = [DATABASE_URL, DATABASE_REPLICA_URL, ...exporters]
  return {
    allow: settings.LINK_PREVIEWS_ALLOW.flatMap((one) => allowedRange(one) ?? []),
    services: urls.flatMap(serviceOf),
    ownHost: settings.PUBLIC_ORIGIN && bareHost(new URL(settings.PUBLIC_ORIGIN)),
  }
}

function serviceOf(text: string): OwnService[] {
  if (text.startsWith('file:') || !URL.canParse(text)) return []
  const url = new URL(text)
  const { port, protocol } = url
  const host = bareHost(url)
  return host === '' ? [] : [{ host, port: Number(port) || (protocol === 'http:' ? 80 : 443) }]
}

/** The host of a URL as names are compared: in lower case, without the brackets of IPv6 and a dot at the end. */
export const bareHost = ({ hostname }: URL): string =>
  hostname.toLowerCase().replace(/^\[|\]$|\.$/g, '')

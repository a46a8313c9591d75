// The only file that reads process.env. Settings are parsed once, at start. A bad value ends the start with a sentence.
import { availableParallelism } from 'node:os'

import * as v from 'valibot'

import { normalAddress } from '../base/mail-address.ts'
import { readEnvFile } from './env-file.ts'
import { breaksOnPurpose } from './fault-settings.ts'
import { allowedRangesHint, areAllowedRanges, linkRules } from './link-rules.ts'
import { otlpTarget, type OtlpTarget } from './otlp-targets.ts'
import { numberedSite } from './site.ts'
import { StartError } from './start-error.ts'
import { readTelemetrySettings, type Signal, type TelemetryWish } from './telemetry-settings.ts'
import { isTrustList } from './trusted-proxies.ts'

const whole = (min: number, max: number, fallback: number) =>
  v.pipe(
    v.optional(v.string(), String(fallback)),
    v.regex(/^\d+$/, `a whole number from ${min} to ${max}`),
    v.transform(Number),
    v.minValue(min, `a whole number from ${min} to ${max}`),
    v.maxValue(max, `a whole number from ${min} to ${max}`),
  )
const oneOf = <const T extends readonly string[]>(values: T, fallback: T[number]) =>
  v.optional(v.picklist(values, values.map((one) => `"${one}"`).join(' or ')), fallback)
const list = v.pipe(
  v.optional(v.string(), ''),
  v.transform((text) => text.split(/[\s,]+/).filter(Boolean)),
)
const isWebAddress = (text: string) => /^https?:\/\/[^/]/i.test(text) && URL.canParse(text)
const isServerAddress = (text: string) =>
  /^(https?|libsql):\/\/[^/]/.test(text) && URL.canParse(text)
/** A web address for people: it is shown, so there may be no password in it. */
const link = v.pipe(
  v.string(),
  v.trim(),
  v.check(
    (text) => isWebAddress(text) && new URL(text).username === '',
    'an address without a password, such as "http://127.0.0.1:3000"',
  ),
)
/** Addresses of people; quotes, names and other separators would make one that nobody has. */
const mailAddresses = v.pipe(
  list,
  v.check(
    (all) => all.every((one) => /^[^\s"'`<>(),;@]+@[^\s"'`<>(),;:@]+$/.test(one)),
    'e-mail addresses such as "mara@example.org", without quotes, separated by spaces or commas',
  ),
)
const origin = v.pipe(
  v.string(),
  v.check(
    (text) => /^https?:\/\/[^/]+\/?$/.test(text) && URL.canParse(text),
    'an origin such as "https://example.org"',
  ),
  v.transform((text) => new URL(text).origin),
)

/** Text for people: of up to `max` characters, without control characters but newlines where there may be `lines`. */
const words = (max: number, lines = false) => {
  const accepts = `up to ${max} characters${lines ? '' : ' in one line'}, without control characters`
  return v.pipe(
    v.string(),
    v.transform((text) => text.replaceAll('\r\n', '\n').normalize('NFC').trim()),
    v.check((text) => [...text].length <= max, accepts),
    v.check((text) => /[^\p{C}\p{Z}]/u.test(text), `${accepts}, with at least one to be seen`),
    v.check(
      (text) => !/[\p{Cc}\p{Zl}\p{Zp}]/u.test(lines ? text.replaceAll('\n', '') : text),
      accepts,
    ),
  )
}

/** `count` actions within `seconds`; written as "20/60". */
export type Rate = { count: number; seconds: number }
/** The default rates: with DEMO=1 they allow load scripts, with DEMO=0 they stop password guessing and flooding. */
const rate = (demo: string, strict: string) => ({ demo, strict })
const rates = {
  LIMIT_LOGIN_CLIENT: rate('2000/60', '30/300'),
  LIMIT_LOGIN_ACCOUNT: rate('600/60', '10/600'),
  LIMIT_REGISTER: rate('2000/60', '5/1800'),
  LIMIT_REGISTER_ATTEMPT: rate('4000/60', '100/1800'),
  LIMIT_REGISTER_PROBE: rate('2000/60', '30/1800'),
  LIMIT_WRITE: rate('3000/60', '60/60'),
  LIMIT_SEARCH: rate('3000/60', '60/60'),
  LIMIT_SEARCH_TYPING: rate('3000/60', '300/60'),
  LIMIT_ACCOUNT: rate('300/60', '20/600'),
  LIMIT_EXPORT: rate('3/3600', '3/3600'),
  LIMIT_REPORT: rate('300/60', '20/3600'),
}
export type RateName = keyof typeof rates

const schema = v.object({
  SITE_NAME: v.optional(words(30), 'Tracewren'),
  SITE_TAGLINE: v.optional(words(120)),
  SITE_RULES: v.optional(words(5000, true)),
  HOST: v.optional(v.string(), '127.0.0.1'),
  PORT: whole(0, 65535, 5000),
  PUBLIC_ORIGIN: v.optional(origin),
  TRUSTED_PROXIES: v.optional(
    v.pipe(list, v.check(isTrustList, 'addresses, CIDR ranges, "loopback" and "private"')),
    'loopback',
  ),
  DEMO: v.optional(v.picklist(['0', '1'], '"1" or "0"')),
  INSPECT: v.optional(v.picklist(['0', '1'], '"1" or "0"')),
  FAULTS: v.optional(v.picklist(['0', '1'], '"1" or "0"')),
  GRAFANA_URL: v.optional(link),
  REGISTRATION: oneOf(['open', 'closed'], 'open'),
  OPERATORS: mailAddresses,
  DATABASE_URL: v.pipe(
    v.optional(v.string(), 'file:./data/tracewren.db'),
    v.check(
      (text) => /^file:.+$/.test(text) || isServerAddress(text),
      '"file:PATH", "http(s)://HOST" or "libsql://HOST"',
    ),
  ),
  DATABASE_AUTH_TOKEN: v.optional(v.string()),
  DATABASE_REPLICA_URL: v.optional(
    v.pipe(v.string(), v.check(isServerAddress, '"http(s)://HOST" or "libsql://HOST"')),
  ),
  DATABASE_REPLICA_AUTH_TOKEN: v.optional(v.string()),
  DATABASE_SYNCHRONOUS: oneOf(['normal', 'full'], 'normal'),
  DATABASE_TIMEOUT_MS: whole(100, 60_000, 3000),
  LOCK_WAIT_MS: whole(0, 600_000, 15_000),
  WRITE_WAIT_MS: whole(0, 60_000, 5000),
  WRITE_QUEUE: whole(1, 10_000, 256),
  LINK_PREVIEWS: oneOf(['0', '1'], '0'),
  LINK_PREVIEWS_ALLOW: v.pipe(list, v.check(areAllowedRanges, allowedRangesHint)),
  PASSWORD_COST: whole(4, 15, 10),
  PASSWORD_WAIT_MS: whole(0, 60_000, 10_000),
  PASSWORD_QUEUE: whole(1, 10_000, 256),
  MAX_IN_FLIGHT: whole(1, 10_000, 64),
  REQUEST_QUEUE: whole(1, 10_000, 300),
  REQUEST_WAIT_MS: whole(10, 60_000, 400),
  LIVE_STREAMS: whole(0, 10_000, 1000),
  LIVE_PER_ADDRESS: whole(1, 10_000, 50),
  MAX_BODY_BYTES: whole(1024, 10_485_760, 65_536),
  LOG_LEVEL: oneOf(['debug', 'info', 'warn', 'error', 'silent'], 'info'),
  ...(Object.fromEntries(
    Object.keys(rates).map((name) => [name, v.optional(rateSchema())]),
  ) as Record<RateName, v.OptionalSchema<ReturnType<typeof rateSchema>, undefined>>),
})

function rateSchema() {
  return v.pipe(
    v.string(),
    v.regex(/^[1-9]\d{0,6}\/[1-9]\d{0,4}$/, 'actions per seconds, such as "20/60"'),
    v.transform(parseRate),
  )
}

function parseRate(text: string): Rate {
  const [count, seconds] = text.split('/').map(Number)
  return { count: count!, seconds: seconds! }
}

export type Settings = ReturnType<typeof readSettings>

/** Parses an environment. Throws a StartError that names every bad variable, its value and what it accepts. */
export function readSettings(env: Record<string, string | undefined>) {
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== ''))
  const parsed = v.safeParse(schema, given)
  if (!parsed.success) {
    const lines = parsed.issues.map((issue) => {
      const name = String(issue.path?.[0]?.key)
      return `${name} is "${withoutSecrets(env[name] ?? '')}", but it accepts ${issue.message}.`
    })
    throw new StartError([...new Set(lines)].join('\n'))
  }
  const settings = parsed.output
  const https = settings.PUBLIC_ORIGIN?.startsWith('https:') ?? false
  // With a public https origin the default is DEMO=0: the passwords of the demo accounts are public.
  const demo = settings.DEMO === undefined ? !https : settings.DEMO === '1'
  const inspect = settings.INSPECT === undefined ? demo : settings.INSPECT === '1'
  const tagline = inspect ? 'A microblog you can see through.' : 'A small microblog.'
  const site = numberedSite({
    name: settings.SITE_NAME,
    tagline: settings.SITE_TAGLINE ?? tagline,
    rules: settings.SITE_RULES,
    demo,
    shows: inspect,
    isOpen: settings.REGISTRATION === 'open',
  })
  return {
    ...settings,
    demo,
    /** Is the inspector on? By default only in a demo, because there it shows all requests to every visitor. */
    inspect,
    /** Is the fault lab on, which breaks this instance on purpose? */
    faults: breaksOnPurpose({ ...settings, demo, https }),
    site,
    https,
    /** Which servers a link may lead this process to. */
    links: linkRules(settings, env),
    operators: new Set(settings.OPERATORS.map(normalAddress)),
    passwordConcurrency: Math.max(1, availableParallelism() - 1),
    rates: Object.fromEntries(
      Object.entries(rates).map(([name, { demo: wide, strict }]) => [
        name,
        settings[name as RateName] ?? parseRate(demo ? wide : strict),
      ]),
    ) as Record<RateName, Rate>,
  }
}

/** Removes passwords and query strings from URLs: the error is printed, and the terminal may be a log file. */
const withoutSecrets = (value: string) =>
  value.replace(/(:\/\/)[^/]*@/, '$1…@').replace(/(:\/\/[^?]*\?).*/s, '$1…')

/** The telemetry settings of this process, from its environment. */
export const processTelemetry = (settings: Settings): TelemetryWish =>
  readTelemetrySettings(process.env, settings.inspect)

/** Where this process exports a signal to; call `processTelemetry` first, which removes bad variables. */
export const processTarget = (signal: Signal): OtlpTarget => otlpTarget(process.env, signal)

/**
 * The settings of this process: its environment, completed from `.env` in the working directory. Throws a StartError
 * when the file or a value is wrong.
 */
export function processSettings(): Settings {
  for (const [name, value] of readEnvFile('.env', Object.keys(schema.entries)))
    if (!Object.hasOwn(process.env, name)) process.env[name] = value
  return readSettings(process.env)
}

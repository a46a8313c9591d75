// Parses the OTEL_* variables that the SDK does not read itself, and checks the others.
import { existsSync } from 'node:fs'

import { OtelVariables, type Check, type Environment } from './otel-variables.ts'
import { checkHeaders } from './otlp-headers.ts'
import { otlpTarget, shownAddress, type Signal } from './otlp-targets.ts'

type ExporterKind = 'otlp' | 'console' | 'none'
export type { Signal }
const signals = ['traces', 'metrics', 'logs'] as const

/** Which requests are exported: a ratio from 0 to 1, and whether the caller's sampling decision takes precedence. */
export type SamplerSettings = { ratio: number; parentBased: boolean }

export type TelemetrySettings = {
  /** The inspector records every request in this process, exported or not. */
  inspect: boolean
  sampler: SamplerSettings
  /** Is a limit set (OTEL_SPAN_*, OTEL_ATTRIBUTE_*) that our own spans would not keep? */
  spansAreLimited: boolean
  exporters: Record<Signal, ExporterKind>
  /** Where a signal is exported to, how a log names that, and the pause between two exports in milliseconds. */
  targets: Record<Signal, { address: URL; shown: string; everyMs: number }>
  /** Timeout of an export in milliseconds. */
  exportTimeouts: Record<Signal, number>
  propagators: string[]
  /** Names of the resource detectors, which describe this process. */
  detectors: string[]
  /** The lowest level of the SDK's own messages that is logged. */
  diagLevel: 'NONE' | 'ERROR' | 'WARN' | 'INFO' | 'DEBUG' | 'VERBOSE' | 'ALL'
  metrics: { exportIntervalMillis: number; exportTimeoutMillis: number }
  logs: {
    scheduledDelayMillis: number
    maxQueueSize: number
    maxExportBatchSize: number
    exportTimeoutMillis: number
  }
  logLimits: { attributeCountLimit: number; attributeValueLengthLimit: number }
}

/** Does any signal leave this process? */
export const isExporting = ({ exporters }: Pick<TelemetrySettings, 'exporters'>): boolean =>
  Object.values(exporters).some((kind) => kind !== 'none')

/** `wanted` is undefined when no setting asks for telemetry. Each warning is a sentence about a bad variable. */
export type TelemetryWish = { wanted: TelemetrySettings | undefined; warnings: string[] }

/** Parses the OTEL_* variables of `env` and deletes the bad ones from it. `inspect`: the inspector is on. */
export function readTelemetrySettings(env: Environment, inspect: boolean): TelemetryWish {
  const variables = new OtelVariables(env)
  const { warnings } = variables
  if (variables.oneOf('OTEL_SDK_DISABLED', ['true', 'false'], 'false') === 'true')
    return { wanted: undefined, warnings }
  const exporters = forEachSignal((signal) => exporterOf(variables, signal))
  if (!inspect && !isExporting({ exporters })) return { wanted: undefined, warnings }

  checkExporters(variables)
  const spanDelay = checkProcessor(variables)
  const logDelay = variables.whole('OTEL_BLRP_SCHEDULE_DELAY', 1000)
  const exportIntervalMillis = variables.whole('OTEL_METRIC_EXPORT_INTERVAL', 60_000)
  const attributeCount = variables.whole('OTEL_ATTRIBUTE_COUNT_LIMIT', 128, 0)
  const valueLength = variables.whole('OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT', Infinity, 0)
  const wanted: TelemetrySettings = {
    inspect,
    sampler: samplerOf(variables),
    spansAreLimited: areLimited(variables, { attributeCount, valueLength }),
    exporters,
    targets: targetsOf(env, { traces: spanDelay, metrics: exportIntervalMillis, logs: logDelay }),
    exportTimeouts: forEachSignal((signal) => exportTimeoutOf(variables, signal)),
    propagators: someUnlessNone(variables, 'OTEL_PROPAGATORS', ['tracecontext', 'baggage']),
    detectors: someUnlessNone(variables, 'OTEL_NODE_RESOURCE_DETECTORS', ['env'], detectorNames),
    diagLevel: variables.oneOf(
      'OTEL_LOG_LEVEL',
      ['NONE', 'ERROR', 'WARN', 'INFO', 'DEBUG', 'VERBOSE', 'ALL'],
      'WARN',
    ),
    metrics: {
      exportIntervalMillis,
      // The SDK's metric reader refuses an interval that is shorter than the timeout.
      exportTimeoutMillis: Math.min(
        variables.whole('OTEL_METRIC_EXPORT_TIMEOUT', 30_000),
        exportIntervalMillis,
      ),
    },
    logs: {
      scheduledDelayMillis: logDelay,
      maxQueueSize: variables.whole('OTEL_BLRP_MAX_QUEUE_SIZE', 2048),
      maxExportBatchSize: variables.whole('OTEL_BLRP_MAX_EXPORT_BATCH_SIZE', 512),
      exportTimeoutMillis: variables.whole('OTEL_BLRP_EXPORT_TIMEOUT', 30_000),
    },
    logLimits: {
      attributeCountLimit: variables.whole(
        'OTEL_LOGRECORD_ATTRIBUTE_COUNT_LIMIT',
        attributeCount,
        0,
      ),
      attributeValueLengthLimit: variables.whole(
        'OTEL_LOGRECORD_ATTRIBUTE_VALUE_LENGTH_LIMIT',
        valueLength,
        0,
      ),
    },
  }
  return { wanted, warnings }
}

const targetsOf = (env: Environment, everyMs: Record<Signal, number>) =>
  forEachSignal((signal) => {
    const { url } = otlpTarget(env, signal)
    return { address: url, shown: shownAddress(url), everyMs: everyMs[signal] }
  })

const forEachSignal = <T>(make: (signal: Signal) => T) =>
  Object.fromEntries(signals.map((signal) => [signal, make(signal)])) as Record<Signal, T>

/** The default is OTLP when an endpoint is set, even a bad one: setting it means that telemetry is wanted. */
function exporterOf(variables: OtelVariables, signal: Signal): ExporterKind {
  const name = signal.toUpperCase()
  const asked =
    variables.text('OTEL_EXPORTER_OTLP_ENDPOINT') ??
    variables.text(`OTEL_EXPORTER_OTLP_${name}_ENDPOINT`)
  const otherwise = asked === undefined ? 'none' : 'otlp'
  return variables.oneOf(`OTEL_${name}_EXPORTER`, ['otlp', 'console', 'none'], otherwise)
}

/** The default is 3 s, not the 10 s of the specification: a shutdown waits for the last export. */
const exportTimeoutOf = (variables: OtelVariables, signal: Signal) =>
  variables.whole(
    `OTEL_EXPORTER_OTLP_${signal.toUpperCase()}_TIMEOUT`,
    variables.whole('OTEL_EXPORTER_OTLP_TIMEOUT', 3000),
  )

function checkExporters(variables: OtelVariables): void {
  for (const prefix of ['', 'TRACES_', 'METRICS_', 'LOGS_']) {
    const name = (last: string) => `OTEL_EXPORTER_OTLP_${prefix}${last}`
    variables.checked(name('ENDPOINT'), endpoint)
    checkHeaders(variables, name('HEADERS'))
    variables.oneOf(name('PROTOCOL'), ['http/protobuf'], 'http/protobuf')
    variables.oneOf(name('COMPRESSION'), ['gzip', 'none'], 'none')
    for (const file of ['CERTIFICATE', 'CLIENT_CERTIFICATE', 'CLIENT_KEY'])
      variables.checked(name(file), readableFile)
  }
  variables.oneOf(
    'OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE',
    ['cumulative', 'delta', 'lowmemory'],
    'cumulative',
  )
  variables.checked('OTEL_RESOURCE_ATTRIBUTES', resourceAttributes)
}

/** Checks variables that the SDK's span processor reads itself; returns its delay. */
function checkProcessor(variables: OtelVariables): number {
  variables.whole('OTEL_BSP_MAX_QUEUE_SIZE', 2048)
  variables.whole('OTEL_BSP_MAX_EXPORT_BATCH_SIZE', 512)
  variables.whole('OTEL_BSP_EXPORT_TIMEOUT', 30_000)
  return variables.whole('OTEL_BSP_SCHEDULE_DELAY', 5000)
}

/** Checks the limits that the SDK's tracer reads itself: does one of them, or a general one, differ from its default? */
function areLimited(
  variables: OtelVariables,
  { attributeCount, valueLength }: { attributeCount: number; valueLength: number },
): boolean {
  const limits = [
    variables.whole('OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT', valueLength, 0) !== Infinity,
    attributeCount !== 128,
  ]
  for (const what of ['ATTRIBUTE', 'EVENT', 'LINK', 'ATTRIBUTE_PER_EVENT', 'ATTRIBUTE_PER_LINK'])
    limits.push(variables.whole(`OTEL_SPAN_${what}_COUNT_LIMIT`, 128, 0) !== 128)
  return limits.includes(true)
}

const endpoint: Check = {
  accepts: 'an address such as "http://127.0.0.1:4318"',
  fits: (text) => /^https?:\/\//i.test(text) && URL.canParse(text),
  otherwise: 'http://localhost:4318',
  secret: true, // it may hold a password
}

const isPair = (text: string): boolean => {
  const [key = '', value, more] = text.split('=')
  if (key.trim() === '' || value === undefined || more !== undefined) return false
  try {
    return decodeURIComponent(key).length <= 255 && decodeURIComponent(value).length <= 255
  } catch {
    return false
  }
}

const resourceAttributes: Check = {
  accepts: 'NAME=VALUE pairs separated by commas, with "," and "=" in them percent-encoded',
  fits: (text) => text.split(',').every((pair) => isPair(pair) || !pair.trim()),
  otherwise: 'none of it',
}

const readableFile: Check = {
  accepts: 'the path of a file',
  fits: (path) => existsSync(path),
  otherwise: 'none',
}

const detectorNames = ['env', 'host', 'os', 'process', 'serviceinstance']

/** Some of the words. `none` means none of them. `all` means all, where there are more words than the default. */
function someUnlessNone(
  variables: OtelVariables,
  name: string,
  otherwise: string[],
  words = otherwise,
): string[] {
  const extra = words === otherwise ? ['none'] : ['none', 'all']
  const some = variables.someOf(name, [...words, ...extra], otherwise)
  if (some.includes('none')) return []
  return some.includes('all') ? words : some
}

function samplerOf(variables: OtelVariables): SamplerSettings {
  const names = ['always_on', 'always_off', 'traceidratio'] as const
  const all = [...names, ...names.map((name) => `parentbased_${name}` as const)] as const
  const name = variables.oneOf('OTEL_TRACES_SAMPLER', all, 'parentbased_always_on')
  const ratio = name.endsWith('traceidratio')
    ? Number(variables.checked('OTEL_TRACES_SAMPLER_ARG', share) ?? 1)
    : 1
  return {
    parentBased: name.startsWith('parentbased_'),
    ratio: name.endsWith('always_off') ? 0 : ratio,
  }
}

const share: Check = {
  accepts: 'a number from 0 to 1',
  fits: (text) => Number(text) >= 0 && Number(text) <= 1,
  otherwise: '1',
}

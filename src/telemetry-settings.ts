// The OTEL_* variables that the SDK's pieces do not read themselves; the others they read from the environment.

export type ExporterKind = 'otlp' | 'console' | 'none'
export type Signal = 'traces' | 'metrics' | 'logs'

/** Which requests are exported: a ratio from 0 to 1, and whether a caller's own decision comes first. */
export type SamplerSettings = { ratio: number; parentBased: boolean }

export type TelemetrySettings = {
  /** The looking glass records every request in this process, exported or not. */
  inspect: boolean
  sampler: SamplerSettings
  exporters: Record<Signal, ExporterKind>
  propagators: string[]
  /** How the SDK's own diagnostics are filtered. */
  diagLevel: 'NONE' | 'ERROR' | 'WARN' | 'INFO' | 'DEBUG' | 'VERBOSE' | 'ALL'
  /** Milliseconds. */
  metricIntervalMs: number
  metricTimeoutMs: number
  exportTimeoutMs: number
  spanQueueSize: number
  logs: {
    scheduledDelayMillis: number
    maxQueueSize: number
    maxExportBatchSize: number
    exportTimeoutMillis: number
  }
  /** One sentence for each variable that was not understood. */
  warnings: string[]
}

type Environment = Record<string, string | undefined>

/** Parses the environment. Undefined when nothing asks for telemetry: then no SDK is loaded at all. */
export function readTelemetrySettings(
  env: Environment,
  inspect: boolean,
): TelemetrySettings | undefined {
  const warnings: string[] = []
  const { oneOf, whole } = readers(env, warnings)
  if (oneOf('OTEL_SDK_DISABLED', ['true', 'false'], 'false') === 'true') return undefined

  const exporterOf = (signal: Signal): ExporterKind => {
    const name = signal.toUpperCase()
    const endpoint =
      env['OTEL_EXPORTER_OTLP_ENDPOINT'] || env[`OTEL_EXPORTER_OTLP_${name}_ENDPOINT`]
    return oneOf(`OTEL_${name}_EXPORTER`, ['otlp', 'console', 'none'], endpoint ? 'otlp' : 'none')
  }
  const exporters = {
    traces: exporterOf('traces'),
    metrics: exporterOf('metrics'),
    logs: exporterOf('logs'),
  }
  if (!inspect && Object.values(exporters).every((kind) => kind === 'none')) return undefined

  oneOf('OTEL_EXPORTER_OTLP_PROTOCOL', ['http/protobuf'], 'http/protobuf')
  const metricTimeoutMs = whole('OTEL_METRIC_EXPORT_TIMEOUT', 30_000)
  return {
    inspect,
    sampler: samplerOf(env, warnings),
    exporters,
    propagators: propagatorsOf(env, warnings),
    diagLevel: oneOf(
      'OTEL_LOG_LEVEL',
      ['NONE', 'ERROR', 'WARN', 'INFO', 'DEBUG', 'VERBOSE', 'ALL'],
      'WARN',
    ),
    // The reader refuses an interval that is shorter than its timeout.
    metricIntervalMs: whole('OTEL_METRIC_EXPORT_INTERVAL', 60_000),
    metricTimeoutMs: Math.min(metricTimeoutMs, whole('OTEL_METRIC_EXPORT_INTERVAL', 60_000)),
    // The specification's 10 s would hold back a stop for as long.
    exportTimeoutMs: whole('OTEL_EXPORTER_OTLP_TIMEOUT', 3000),
    spanQueueSize: whole('OTEL_BSP_MAX_QUEUE_SIZE', 2048),
    logs: {
      scheduledDelayMillis: whole('OTEL_BLRP_SCHEDULE_DELAY', 1000),
      maxQueueSize: whole('OTEL_BLRP_MAX_QUEUE_SIZE', 2048),
      maxExportBatchSize: whole('OTEL_BLRP_MAX_EXPORT_BATCH_SIZE', 512),
      exportTimeoutMillis: whole('OTEL_BLRP_EXPORT_TIMEOUT', 30_000),
    },
    warnings: [...new Set(warnings)],
  }
}

function samplerOf(env: Environment, warnings: string[]): SamplerSettings {
  const { oneOf } = readers(env, warnings)
  const names = ['always_on', 'always_off', 'traceidratio'] as const
  const all = [...names, ...names.map((name) => `parentbased_${name}` as const)] as const
  const name = oneOf('OTEL_TRACES_SAMPLER', all, 'parentbased_always_on')
  const given = env['OTEL_TRACES_SAMPLER_ARG'] ?? ''
  const isRatio = /^(0(\.\d+)?|1(\.0+)?|\.\d+)$/.test(given)
  if (given !== '' && name.endsWith('traceidratio') && !isRatio) {
    warnings.push(
      `OTEL_TRACES_SAMPLER_ARG is "${given}", but it accepts a number from 0 to 1; 1 is used.`,
    )
  }
  const ratio = isRatio ? Number(given) : 1
  return {
    parentBased: name.startsWith('parentbased_'),
    ratio: name.endsWith('always_off') ? 0 : name.endsWith('always_on') ? 1 : ratio,
  }
}

function readers(env: Environment, warnings: string[]) {
  const warn = (name: string, accepts: string, used: string | number) =>
    warnings.push(`${name} is "${env[name]}", but it accepts ${accepts}; ${used} is used.`)

  function oneOf<const T extends string>(name: string, values: readonly T[], otherwise: T): T {
    const given = env[name]
    if (given === undefined || given === '') return otherwise
    const known = values.find((value) => value.toLowerCase() === given.trim().toLowerCase())
    if (known === undefined) warn(name, values.join(', '), otherwise)
    return known ?? otherwise
  }

  function whole(name: string, otherwise: number): number {
    const given = env[name]
    if (given === undefined || given === '') return otherwise
    if (/^[1-9]\d{0,8}$/.test(given.trim())) return Number(given)
    warn(name, 'a whole number above 0', otherwise)
    return otherwise
  }

  return { oneOf, whole }
}

function propagatorsOf(env: Environment, warnings: string[]): string[] {
  const known = ['tracecontext', 'baggage', 'none']
  const given = (env['OTEL_PROPAGATORS'] || 'tracecontext,baggage')
    .split(',')
    .map((one) => one.trim())
  const unknown = given.filter((one) => !known.includes(one))
  if (unknown.length > 0) {
    warnings.push(
      `OTEL_PROPAGATORS is "${env['OTEL_PROPAGATORS']}", but it accepts ${known.join(', ')}; "${unknown.join(', ')}" is left out.`,
    )
  }
  return given.includes('none') ? [] : given.filter((one) => known.includes(one))
}

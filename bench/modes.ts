// The measured modes: ways to run the server.

/** A way to run the server; `only`: for these cases; `against`: the mode to compare with, if not the first one. */
export type Mode = {
  name: string
  env: Record<string, string>
  /** The share of requests whose traces are exported. */
  exported: number
  only?: string[]
  against?: string
  /** The checkout whose build runs, if not this one. */
  build?: string
}

// Short enough that the exports end with their slice, and long enough that each export contains many requests.
const delay = { OTEL_BSP_SCHEDULE_DELAY: '500', OTEL_BLRP_SCHEDULE_DELAY: '500' }

export const modesOf = (receiver: number): Mode[] => {
  const all = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${receiver}`, ...delay }
  const traces = {
    ...all,
    OTEL_METRICS_EXPORTER: 'none',
    OTEL_LOGS_EXPORTER: 'none',
    LOG_LEVEL: 'warn', // no line for each request, as in the mode "untraced"
  }
  return [
    { name: 'untraced', env: {}, exported: 0 },
    { name: 'traced', env: traces, exported: 1 },
    {
      name: 'traced 10 %',
      env: {
        ...traces,
        OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
        OTEL_TRACES_SAMPLER_ARG: '0.1',
      },
      exported: 0.1,
      only: ['GET /timeline'],
    },
    { name: 'traces, metrics, logs', env: all, exported: 1 },
    { name: 'inspector', env: { INSPECT: '1' }, exported: 0 },
    {
      name: 'traced, inspector',
      env: { ...traces, INSPECT: '1' },
      exported: 1,
      only: ['GET /timeline'],
      against: 'traced',
    },
  ]
}

/** Lists each mode twice: with the other build, then with this one. */
export const bothBuilds = (modes: Mode[], build: string): Mode[] =>
  modes.flatMap((mode) => {
    const other = `${mode.name}, other build`
    return [
      { ...mode, name: other, build },
      { ...mode, against: other },
    ]
  })

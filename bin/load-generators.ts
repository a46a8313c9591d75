// How k6 and Locust are started, and what they say at their end.
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { createInterface } from 'node:readline'

import type { Model } from '../loadtest/k6/model.js'

export type Load = {
  target: string
  mix: string
  shape: string
  users: number
  spawn: number
  seconds: number
  /** No p95 limit is below these milliseconds. */
  patience: number
  model: string
  smoke: boolean
  web: boolean
}

type Slow = { ms: number; name: string; trace: string }
type Row = { count: number; failures: number; rate: number; p50: number; p95: number; p99: number }

/** What both generators write at their end, each by itself. */
type Result = { requests: Record<string, Row>; crossed: string[]; slowest?: Slow[] }

export type Outcome = Result & { code: number; hasBegun: boolean; slowest: Slow[]; file: string }

const slowestTold = 5

export const isInstalled = (program: string): boolean =>
  spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0

/** How to get one that is missing. */
export const cures = {
  k6: 'install it from https://grafana.com/docs/k6/latest/set-up/install-k6/, or with Go as loadtest/README.md says.',
  locust: 'pip install -r loadtest/locust/requirements.txt, in a virtual environment.',
}

/** Runs a generator to its end, with its words on this terminal. */
export async function runGenerator(
  generator: 'k6' | 'locust',
  model: Model,
  load: Load,
): Promise<Outcome> {
  const file = `.cache/load/${generator}${load.smoke ? '-smoke' : ''}.json`
  rmSync(file, { force: true })
  const env = {
    ...process.env,
    MODEL: load.model,
    // Each run that the page starts tells its end by itself.
    OUT: load.web ? '' : file,
    PATIENCE_MS: String(load.patience),
    // A proxy of the environment would take the load elsewhere.
    NO_PROXY: '*',
  }
  const { code, slow } = await (generator === 'k6'
    ? run('k6', k6Arguments(load), { ...env, ...k6Environment(load) })
    : run('locust', locustArguments(model, load), { ...env, ...locustEnvironment(load) }))
  const result = existsSync(file)
    ? (JSON.parse(readFileSync(file, 'utf8')) as Result)
    : { requests: {}, crossed: [] }
  const slowest = [...(result.slowest ?? []), ...slow]
    .sort((one, other) => other.ms - one.ms)
    .slice(0, slowestTold)
  // k6 has numbers of its own for a run that never began.
  const hasBegun = Object.keys(result.requests).length > 0
  return { ...result, slowest, code: hasBegun || load.web || code === 0 ? code : 2, hasBegun, file }
}

const collector = (): string | undefined => process.env['OTEL_EXPORTER_OTLP_ENDPOINT']

const k6Arguments = ({ smoke }: Load): string[] => [
  'run',
  '--quiet',
  '--no-usage-report',
  // No server of its own: two runs at once would want its port.
  '--address=',
  '--log-format=raw',
  ...(collector() ? ['--out', 'opentelemetry'] : []),
  smoke ? 'loadtest/k6/smoke.js' : 'loadtest/k6/load.js',
]

function k6Environment(load: Load): Record<string, string> {
  const endpoint = collector()
  return {
    TARGET: load.target,
    MIX: load.mix,
    USERS: String(load.users),
    SPAWN: String(load.spawn),
    SECONDS: String(load.seconds),
    SHAPE: load.shape,
    SLOWEST: '1',
    // k6 looks for the model beside its script, not in the working directory.
    MODEL: new URL(load.model, `file://${process.cwd()}/`).pathname,
    ...(endpoint && {
      K6_OTEL_EXPORTER_PROTOCOL: 'http/protobuf',
      K6_OTEL_HTTP_EXPORTER_ENDPOINT: endpoint.replace(/^https?:\/\//, '').replace(/\/$/, ''),
      K6_OTEL_HTTP_EXPORTER_INSECURE: String(endpoint.startsWith('http:')),
      K6_OTEL_METRIC_PREFIX: 'k6.',
      K6_OTEL_SERVICE_NAME: 'k6',
    }),
  }
}

const locustArguments = (model: Model, load: Load): string[] => [
  '--locustfile',
  'loadtest/locust/locustfile.py',
  '--host',
  load.target,
  '--users',
  String(load.users),
  '--spawn-rate',
  String(load.spawn),
  ...(load.web
    ? ['--class-picker', '--web-host', '127.0.0.1']
    : [
        '--headless',
        '--only-summary',
        ...(load.shape === '' ? ['--run-time', `${load.seconds}s`] : []),
      ]),
  ...(collector() ? ['--otel'] : []),
  ...(load.web ? [] : model.mixes[load.mix]!),
]

const locustEnvironment = (load: Load): Record<string, string> => ({
  SHAPE: load.shape === '' && load.web ? 'pick' : load.shape,
  ...(collector() && {
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    OTEL_SERVICE_NAME: 'locust',
    // Its instrumentation of `requests` writes the names of before 2023 otherwise.
    OTEL_SEMCONV_STABILITY_OPT_IN: 'http',
    // Its 60 s would leave gaps in the dashboards, which look back one minute.
    OTEL_METRIC_EXPORT_INTERVAL: process.env['OTEL_METRIC_EXPORT_INTERVAL'] ?? '15000',
  }),
})

/** Passes everything on to the terminal, but for what k6 says for us: its users' slowest requests, and why it stopped. */
async function run(command: string, args: string[], env: NodeJS.ProcessEnv) {
  const slow: Slow[] = []
  const child = spawn(command, args, { env, stdio: ['inherit', 'inherit', 'pipe'] })
  const ended = new Promise<number>((done) => {
    child.once('error', () => done(127))
    child.once('close', (code) => done(code ?? 1))
  })
  // Ctrl-C reaches the generator by itself: it ends, tells its numbers, and so do we. SIGTERM is passed on.
  const wait = () => undefined
  const passOn = () => void child.kill('SIGTERM')
  process.on('SIGINT', wait)
  process.on('SIGTERM', passOn)
  for await (const line of createInterface({ input: child.stderr })) {
    const [, name = '', ms, trace = ''] = /^Slow: (.+), (\d+) ms \(trace (\w+)\)$/.exec(line) ?? []
    if (ms !== undefined) slow.push({ ms: Number(ms), name, trace })
    else if (line !== 'Request Failed')
      process.stderr.write(`${line.replace(/^test aborted: /, '')}\n`)
  }
  process.off('SIGINT', wait)
  process.off('SIGTERM', passOn)
  return { code: await ended, slow }
}

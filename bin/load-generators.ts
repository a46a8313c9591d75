// Starts k6 and Locust, and judges their results.
import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, rmSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { createInterface } from 'node:readline'

import { crossings, readRows, tableOf, type Rows } from './load-report.ts'

/** The classes of loadtest/locust/locustfile.py, by mix; loadtest/k6/load.js has the same. */
export const mixes = {
  original: ['RealisticUser', 'LurkerUser', 'APIStressUser', 'DatabaseStressUser', 'AnonymousUser'],
  realistic: ['TimelineReader', 'TimelineWriter', 'TimelineVisitor'],
}
export const shapes = ['ramp', 'spike', 'soak']

export type Load = {
  target: string
  mix: keyof typeof mixes
  shape: string
  users: number
  spawn: number
  seconds: number
  /** No p95 limit is below this time in ms. */
  patience: number
  smoke: boolean
  web: boolean
  /** The file for the numbers; empty for the default. */
  out: string
}

type Slow = { ms: number; name: string; trace: string }
export type Outcome = {
  code: number
  rows: Rows
  /** A sentence for each exceeded limit. */
  crossed: string[]
  slowest: Slow[]
  file: string
}

const slowestTold = 5

export const isInstalled = (program: string): boolean =>
  spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0

/** How to install a missing generator. */
export const cures = {
  k6: 'install it from https://grafana.com/docs/k6/latest/set-up/install-k6/, or with Go as loadtest/README.md says.',
  locust: 'pip install -r loadtest/locust/requirements.txt, in a virtual environment.',
}

/** Runs a generator to its end, with its output on this terminal, and judges its numbers. */
export async function runGenerator(generator: 'k6' | 'locust', load: Load): Promise<Outcome> {
  const file = load.out || `.cache/load/${generator}${load.smoke ? '-smoke' : ''}.json`
  mkdirSync(dirname(file), { recursive: true })
  rmSync(file, { force: true })
  const given = Object.entries(process.env).filter(([name]) => !/^(K6|LOCUST)_/.test(name))
  const kept = Object.entries(process.env).filter(([name]) => /^K6_(OTEL|OUT|LOG)/.test(name))
  const env = {
    // Options of k6 and Locust in the environment would override ours.
    ...Object.fromEntries([...given, ...kept]),
    PATIENCE_MS: String(load.patience),
    // k6 resolves paths relative to its script, not to the working directory.
    OUT: load.web ? '' : resolve(file),
    // A proxy in the environment would redirect the load.
    NO_PROXY: '*',
  }
  const { code, slow } = await (generator === 'k6'
    ? run('k6', k6Arguments(load), { ...env, ...k6Environment(load) })
    : run('locust', locustArguments(load), { ...env, ...locustEnvironment(load) }))
  const rows = readRows(file)
  const crossed = crossings(rows, load)
  if (generator === 'k6' && Object.keys(rows).length > 0) console.log(tableOf(rows))
  const slowest = slow.sort((one, other) => other.ms - one.ms).slice(0, slowestTold)
  return { code: codeOf(load, { code, rows, crossed }), rows, crossed, slowest, file }
}

/** The exit code. 99: a limit was exceeded. 2: the run did not begin, or it cannot be judged. */
function codeOf(
  { web }: Load,
  { code, rows, crossed }: Pick<Outcome, 'code' | 'rows' | 'crossed'>,
) {
  if (web) return code
  if (Object.keys(rows).length === 0) return 2
  return crossed.length > 0 ? 99 : code
}

const collector = (): string | undefined =>
  process.env['OTEL_EXPORTER_OTLP_ENDPOINT']?.trim() || undefined

const k6Arguments = ({ smoke }: Load): string[] => [
  'run',
  '--quiet',
  '--no-usage-report',
  // Without k6's own server: two runs at once would need the same port.
  '--address=',
  '--log-format=raw',
  ...(collector() ? ['--out', 'opentelemetry'] : []),
  smoke ? 'bin/k6/smoke.js' : 'bin/k6/load.js',
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
    ...(endpoint && {
      K6_OTEL_EXPORTER_PROTOCOL: 'http/protobuf',
      K6_OTEL_HTTP_EXPORTER_ENDPOINT: endpoint.replace(/^https?:\/\//, '').replace(/\/$/, ''),
      K6_OTEL_HTTP_EXPORTER_INSECURE: String(endpoint.startsWith('http:')),
      K6_OTEL_METRIC_PREFIX: 'k6.',
      K6_OTEL_SERVICE_NAME: 'k6',
    }),
  }
}

const locustArguments = (load: Load): string[] => [
  '--locustfile',
  'loadtest/locust/locustfile.py,bin/locust/report.py',
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
  ...(load.web ? [] : mixes[load.mix]),
]

const locustEnvironment = (load: Load): Record<string, string> => ({
  SHAPE: load.shape === '' && load.web ? 'pick' : load.shape,
  ...(collector() && {
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    OTEL_SERVICE_NAME: 'locust',
    // Otherwise its instrumentation of `requests` uses the attribute names from before 2023.
    OTEL_SEMCONV_STABILITY_OPT_IN: 'http',
    // The default of 60 s would leave gaps in the dashboards, which use windows of one minute.
    OTEL_METRIC_EXPORT_INTERVAL: process.env['OTEL_METRIC_EXPORT_INTERVAL'] ?? '15000',
  }),
})

/** Passes the output on to the terminal, except k6's lines for us: the slowest requests, and why it stopped. */
async function run(command: string, args: string[], env: NodeJS.ProcessEnv) {
  const slow: Slow[] = []
  const child = spawn(command, args, { env, stdio: ['inherit', 'inherit', 'pipe'] })
  const ended = new Promise<number>((done) => {
    child.once('error', () => done(127))
    child.once('close', (code) => done(code ?? 1))
  })
  // Ctrl-C reaches the generator directly: it ends and prints its numbers, then we do. SIGTERM is passed on.
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

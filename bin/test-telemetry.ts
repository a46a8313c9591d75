// `npm run test:telemetry`: starts the real components on loopback with the files of compose.yaml, looks at the dashboards
// after a minute without people, follows one request through traces, logs and metrics, then makes traffic for a minute and
// runs every query of every dashboard.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'

import { startSink, type Sink } from '../test/otlp-sink.ts'
import type { Backends } from './telemetry/backends.ts'
import { clickInBrowser } from './telemetry/browser.ts'
import { startCollector, type Lacking } from './telemetry/collector.ts'
import * as components from './telemetry/components.ts'
import { oldNames, proveBrowserClick, proveClick } from './telemetry/e2e.ts'
import type { Missing } from './telemetry/exceptions.ts'
import {
  AccessLog,
  sendBackendMetrics,
  sendNginxSpans,
  sendNginxStatus,
} from './telemetry/fakes.ts'
import { proveFirstLook, provePanels, proveProvisioning } from './telemetry/panels.ts'
import { onPath, Programs } from './telemetry/programs.ts'
import { generateTraffic, Person, type Seen } from './telemetry/traffic.ts'

const optional = ['mimir', 'loki', 'tempo', 'grafana', 'k6', 'locust']
const usage = `npm run test:telemetry -- [options]

  --without NAMES  leave out these programs, separated by commas: ${optional.join(', ')}
  --seconds N      duration of the traffic, 60 by default
  --keep           keep the folder with logs and data

It needs otelcol, nginx, a browser, and Mimir or Prometheus, and uses the other programs that it finds on PATH. It uses
eighteen ports from TELEMETRY_TEST_PORT (15400 by default) on.`

const { at } = components
const { values } = parseArgs({
  options: {
    without: { type: 'string', default: '' },
    seconds: { type: 'string', default: '60' },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
const without = values.without.split(',').filter(Boolean)
const isThere = (name: string) => !without.includes(name) && onPath(name) !== undefined

/** One sentence about what is missing; undefined when the test can run. */
function missingSentence(): string | undefined {
  const unknown = without.find((name) => !optional.includes(name))
  if (unknown !== undefined)
    return `--without ${unknown}: only ${optional.join(', ')} can be left out.`
  const absent = ['otelcol', 'nginx'].filter((name) => !isThere(name))
  if (!isThere('mimir') && !isThere('prometheus')) absent.push('mimir or prometheus')
  return absent.length > 0 ? `Not on PATH: ${absent.join(', ')}. Install them.` : undefined
}

const started = performance.now()
const say = (text: string) =>
  console.log(`${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s  ${text}`)

/** What proves what in this run. */
const means = () => [
  isThere('mimir') ? 'metrics: Mimir' : 'metrics: Prometheus in place of Mimir',
  isThere('loki')
    ? 'logs: Loki'
    : "logs: a file of the Collector in place of Loki, read with the grammar of Grafana's editor",
  isThere('tempo') ? 'traces: Tempo' : 'traces: a sink of the test in place of Tempo',
  isThere('grafana') ? "queries: through Grafana's data sources" : 'queries: without Grafana',
]

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tracewren-telemetry-'))
  const programs = new Programs(folder)
  const sink = isThere('tempo') && isThere('loki') ? undefined : await startSink()
  const end = async () => {
    await programs.stop()
    await sink?.close()
    if (!values.keep) rmSync(folder, { recursive: true, force: true })
    else console.log(`Logs and data are in ${folder}.`)
  }
  process.once('SIGINT', () => void end().then(() => process.exit(130)))
  process.once('SIGTERM', () => void end().then(() => process.exit(143)))
  try {
    await prove(programs, folder, sink)
  } finally {
    await end()
  }
}

/** Starts everything. Returns the addresses to query, and what the Collector's build lacks. */
async function startAll(programs: Programs, folder: string, sink: Sink | undefined) {
  const logFile = join(folder, 'logs.jsonl')
  const [mimir, loki, tempo] = ['mimir', 'loki', 'tempo'].map(isThere)
  await Promise.all([
    mimir ? components.startMimir(programs, folder) : components.startPrometheus(programs, folder),
    ...(loki ? [components.startLoki(programs, folder)] : []),
    ...(tempo ? [components.startTempo(programs, folder)] : []),
  ])
  const metrics = `${at('mimir')}/prometheus`
  const env = components.collectorEnvironment(folder, {
    metrics: mimir ? at('mimir') : `${metrics}/api/v1`,
    logs: loki ? at('loki') : sink!.url,
    traces: tempo ? at('tempoOtlp') : sink!.url,
  })
  // nginx first: the Collector reads its log from the first line on. The app last: its first lines must arrive.
  const accessLog = new AccessLog(await components.startNginx(programs, folder))
  const lacking = await startCollector(programs, {
    folder,
    env,
    ready: at('health'),
    logFile: loki ? undefined : logFile,
    targets: Object.values(pagesOfBackends()).map((url) => new URL(url).host),
  })
  await components.startApp(programs, folder)
  if (isThere('grafana')) {
    await components.startGrafana(programs, folder)
    await proveProvisioning(at('grafana'))
  }
  const through = (name: string, direct: string) =>
    isThere('grafana') ? `${at('grafana')}/api/datasources/proxy/uid/${name}` : direct
  const backends: Backends = {
    metrics: through('mimir', metrics),
    loki: loki ? through('loki', at('loki')) : undefined,
    tempo: tempo ? through('tempo', at('tempo')) : undefined,
    logFile,
  }
  return { backends, accessLog, lacking }
}

/** Where the backends that run show their own metrics. */
const pagesOfBackends = (): Record<string, string> => ({
  ...(isThere('mimir')
    ? { mimir: `${at('mimir')}/metrics` }
    : { prometheus: `${at('mimir')}/prometheus/metrics` }),
  ...(isThere('loki') && { loki: `${at('loki')}/metrics` }),
  ...(isThere('tempo') && { tempo: `${at('tempo')}/metrics` }),
})

/** Does once what the components that are not here would do every few seconds. */
function standIns(accessLog: AccessLog, lacking: Lacking) {
  const seen: Seen[] = []
  const forward = async () => {
    await sendNginxSpans(at('otlpHttp'), [...seen.splice(0), ...accessLog.ofGenerators()])
    if (lacking.has('nginx')) await sendNginxStatus(at('otlpHttp'), `${at('status')}/nginx_status`)
    if (lacking.has('prometheus')) await sendBackendMetrics(at('otlpHttp'), pagesOfBackends())
  }
  return { forward, see: (one: Seen) => void seen.push(one) }
}

async function prove(programs: Programs, folder: string, sink: Sink | undefined): Promise<void> {
  for (const one of means()) say(one)
  const { backends, accessLog, lacking } = await startAll(programs, folder, sink)
  say(
    `all components are running; the Collector's build lacks ${[...lacking].join(', ') || 'nothing'}`,
  )
  const { forward, see } = standIns(accessLog, lacking)
  const missing: Missing = {
    mimir: !isThere('mimir'),
    loki: !isThere('loki'),
    tempo: !isThere('tempo'),
    k6: !isThere('k6'),
    locust: !isThere('locust'),
    serviceGraph: lacking.has('service_graph'),
  }
  if (isThere('locust')) await lookFirst(programs, forward, { backends, missing })
  else say('the first look is left out, because Locust does not run')

  await followClicks({ forward, see, backends, sink })
  const requests = await traffic(programs, forward, see)
  const generators = ['k6', 'locust'].filter(isThere)
  say(`sent ${requests} requests of our own, and those of ${generators.join(' and ') || 'nobody'}`)
  const old = sink
    ?.spans()
    .flatMap(({ name, attributes }) =>
      oldNames(attributes).map((attribute) => `${name}: ${attribute}`),
    )
  if (old)
    assert.deepEqual([...new Set(old)], [], 'Some spans have attribute names from before 2023.')
  await provePanels(backends, missing, say)
  const warnings = programs
    .outputOf('otelcol')
    .split('\n')
    .filter((line) => /deprecat|"level":"(?:warn|error)"/.test(line))
  assert.deepEqual(warnings, [], 'The Collector logged warnings or errors.')
  say('the Collector logged no warning and no error')
}

type Look = { backends: Backends; missing: Missing }

/** After `up`: Docker's health checks, Locust's readers, and nobody else. */
async function lookFirst(
  programs: Programs,
  forward: () => Promise<void>,
  { backends, missing }: Look,
): Promise<void> {
  await components.startReaders(programs)
  const checking = repeat(5000, async () => {
    await (await fetch(`${at('app')}/readyz`)).text()
  })
  const forwarding = repeat(1000, forward)
  try {
    await pause(60_000)
    const proven = await proveFirstLook(backends, { ...missing, k6: true }, 5000)
    say(`after a minute with Locust's five readers, ${proven}`)
  } finally {
    await Promise.all([checking(), forwarding()])
  }
}

type Clicks = {
  forward: () => Promise<void>
  see: (one: Seen) => void
  backends: Backends
  sink: Sink | undefined
}

/** Follows a request with a `traceparent` and a click in a browser. They are the first likes: the exemplars are their own. */
async function followClicks({ forward, see, backends, sink }: Clicks): Promise<void> {
  const person = new Person(at('nginx'), see)
  await person.login(1)
  const click = await person.send('POST', '/favorite/7', {
    headers: { 'HX-Request': 'true', 'HX-Request-Type': 'partial', Accept: 'text/html' },
  })
  await forward()
  await proveClick(click, backends, sink)
  say(`found one request (${click.traceId}) in traces, logs and metrics`)
  const clicked = await clickInBrowser(at('nginx'))
  await forward()
  await proveBrowserClick(clicked, backends, sink)
  say(`found one click in a browser (${clicked.traceId}) in traces, logs and metrics`)
}

/** Repeats work until the returned function is called; that does it a last time. */
function repeat(ms: number, work: () => Promise<void>): () => Promise<void> {
  let isBusy = true
  const ended = (async () => {
    for (; isBusy; await pause(ms)) await work()
    await work()
  })()
  return () => {
    isBusy = false
    return ended
  }
}

/** Runs our own clients, k6 and Locust at the same time; the stand-ins report every second. */
async function traffic(
  programs: Programs,
  forward: () => Promise<void>,
  see: (one: Seen) => void,
): Promise<number> {
  const reporting = repeat(1000, forward)
  const generators = ['k6', 'locust'].filter(isThere).map(async (generator) => {
    const words = `bin/load.ts ${generator} --target ${at('nginx')} --users 5 --seconds ${values.seconds} --patience 60000`
    const code = await programs.run({
      name: generator,
      program: process.execPath,
      args: ['--import', 'tsx', ...words.split(' ')],
      env: { OTEL_EXPORTER_OTLP_ENDPOINT: at('otlpHttp') },
    })
    assert.equal(code, 0, `${generator} failed:\n${programs.outputOf(generator).slice(-3000)}`)
  })
  try {
    const [requests] = await Promise.all([
      generateTraffic(at('nginx'), Number(values.seconds), see),
      ...generators,
    ])
    return requests
  } finally {
    await reporting()
  }
}

const sentence = values.help ? undefined : missingSentence()
if (values.help) console.log(usage)
else if (sentence !== undefined) {
  console.error(sentence)
  process.exitCode = 1
} else if (spawnSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' }).status !== 0)
  process.exitCode = 1
else {
  try {
    await main()
    say('all checks passed')
  } catch (error) {
    console.error(error)
    process.exitCode = 1
  }
}

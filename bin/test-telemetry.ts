// `npm run test:telemetry`: starts the real components on loopback with the files of compose.yaml, follows one request
// through traces, logs and metrics, then makes traffic for a minute and runs every query of every dashboard.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'

import { startSink, type Sink } from '../test/otlp-sink.ts'
import { countOf, exemplarsOf, metricNames, type Backends } from './telemetry/backends.ts'
import { clickInBrowser } from './telemetry/browser.ts'
import {
  at,
  startApp,
  startCollector,
  startLoki,
  startMimir,
  startNginx,
  startTempo,
} from './telemetry/components.ts'
import {
  metricsIn,
  metricsOfDocs,
  queriesOf,
  queriesOfLinks,
  readDashboards,
  type Query,
} from './telemetry/dashboards.ts'
import { oldNames, proveBrowserClick, proveClick } from './telemetry/e2e.ts'
import { exceptionsOf, onlyAfterTrouble, whyNothing, type Missing } from './telemetry/exceptions.ts'
import {
  AccessLog,
  sendBackendCounters,
  sendNginxSpans,
  sendNginxStatus,
} from './telemetry/fakes.ts'
import { onPath, Programs } from './telemetry/programs.ts'
import { generateTraffic, Person, type Seen } from './telemetry/traffic.ts'

const usage = `npm run test:telemetry -- [options]

  --without NAMES  leave out these programs, separated by commas: tempo, k6, locust
  --seconds N      duration of the traffic, 60 by default
  --keep           keep the folder with logs and data

The test uses sixteen ports from TELEMETRY_TEST_PORT (15400 by default) on.`

const needed = ['otelcol', 'loki', 'mimir', 'nginx']
const optional = ['tempo', 'k6', 'locust']

const { values } = parseArgs({
  options: {
    without: { type: 'string', default: '' },
    seconds: { type: 'string', default: '60' },
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
const without = values.without.split(',').filter(Boolean)

/** One sentence about the programs that are missing; undefined when all are there. */
function missingSentence(): string | undefined {
  const unknown = without.find((name) => !optional.includes(name))
  if (unknown !== undefined)
    return `--without ${unknown}: only ${optional.join(', ')} can be left out.`
  const absent = [...needed, ...optional].filter((name) => !without.includes(name) && !onPath(name))
  if (absent.length === 0) return undefined
  const droppable = absent.filter((name) => optional.includes(name))
  const hint =
    droppable.length > 0
      ? `, or run without the optional ones: --without ${droppable.join(',')}`
      : ''
  return `Not on PATH: ${absent.join(', ')}. Install them${hint}.`
}

const started = performance.now()
const say = (text: string) =>
  console.log(`${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s  ${text}`)
const isThere = (name: string) => !without.includes(name) && onPath(name) !== undefined

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'tracewren-telemetry-'))
  const programs = new Programs(folder)
  const sink = isThere('tempo') ? undefined : await startSink()
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

async function prove(programs: Programs, folder: string, sink: Sink | undefined): Promise<void> {
  await Promise.all([
    startLoki(programs, folder),
    startMimir(programs, folder),
    ...(sink ? [] : [startTempo(programs, folder)]),
  ])
  await startCollector(programs, folder, sink?.url ?? at('tempoOtlp'))
  await startApp(programs, folder)
  const accessLog = new AccessLog(await startNginx(programs, folder))
  say('all components are running')

  const seen: Seen[] = []
  const forward = async () => {
    await sendNginxSpans(at('otlpHttp'), seen.splice(0))
    await accessLog.sendNew(at('access'))
    await sendNginxStatus(at('otlpHttp'), `${at('status')}/nginx_status`)
    await sendBackendCounters(at('otlpHttp'), {
      loki: at('loki'),
      mimir: at('mimir'),
      ...(!sink && { tempo: at('tempo') }),
    })
  }
  const backends: Backends = {
    mimir: at('mimir'),
    loki: at('loki'),
    tempo: sink ? undefined : at('tempo'),
  }
  // This request comes before all other traffic, so that the exemplar of its route can only be its own.
  const person = new Person(at('nginx'), (one) => void seen.push(one))
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

  const requests = await traffic(programs, forward, (one) => void seen.push(one))
  say(
    `sent ${requests} requests${['k6', 'locust'].some(isThere) ? ', and ran the load generators' : ''}`,
  )
  const old = sink
    ?.spans()
    .flatMap(({ name, attributes }) =>
      oldNames(attributes).map((attribute) => `${name}: ${attribute}`),
    )
  if (old)
    assert.deepEqual([...new Set(old)], [], 'Some spans have attribute names from before 2023.')
  await proveDashboards(backends, {
    tempo: !isThere('tempo'),
    k6: !isThere('k6'),
    locust: !isThere('locust'),
    contrib: true,
  })
  const warnings = programs
    .outputOf('otelcol')
    .split('\n')
    .filter((line) => /deprecat|"level":"(?:warn|error)"/.test(line))
  assert.deepEqual(warnings, [], 'The Collector logged warnings or errors.')
  say('the Collector logged no warning and no error')
}

/** Runs our own clients, k6 and Locust at the same time; the fakes report every second. */
async function traffic(
  programs: Programs,
  forward: () => Promise<void>,
  see: (one: Seen) => void,
): Promise<number> {
  let busy = true
  const reporting = (async () => {
    for (; busy; await pause(1000)) await forward()
    await forward()
  })()
  const generators = ['k6', 'locust'].filter(isThere).map(async (generator) => {
    const words = `bin/load.ts ${generator} --target ${at('nginx')} --users 5 --seconds ${values.seconds} --patience 60000`
    const code = await programs.run({
      name: generator,
      program: process.execPath,
      args: ['--import', 'tsx', ...words.split(' ')],
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: at('otlpHttp'),
      },
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
    busy = false
    await reporting
  }
}

const nameOf = ({ file, panel, refId }: Query) => `${file}: ${panel}, ${refId}`

/** Checks that every query returns something within 30 s, and that Mimir has every metric that it names. */
async function proveDashboards(backends: Backends, missing: Missing): Promise<void> {
  const queries = [
    ...readDashboards().flatMap(({ file, dashboard }) => queriesOf(file, dashboard)),
    ...queriesOfLinks(),
  ]
  const exceptions = exceptionsOf(missing)
  let empty = queries.filter((query) => whyNothing(exceptions, query) === undefined)
  for (const giveUp = Date.now() + 30_000; empty.length > 0 && Date.now() < giveUp;) {
    const counts = await Promise.all(
      empty.map((query) =>
        countOf(query, backends).catch((error: unknown) => {
          throw new Error(`${nameOf(query)}: ${query.expr}`, { cause: error })
        }),
      ),
    )
    empty = empty.filter((_, index) => counts[index] === 0)
    if (empty.length > 0) await pause(2000)
  }
  const exempt = queries.filter((query) => whyNothing(exceptions, query) !== undefined)
  for (const query of exempt) say(`skipped: ${nameOf(query)}: ${whyNothing(exceptions, query)}`)
  assert.deepEqual(
    empty.map((query) => `${nameOf(query)}: ${query.expr}`),
    [],
    'These queries return nothing.',
  )
  await proveNames(backends, [
    ...metricsOfDocs(),
    ...queries.filter(({ kind }) => kind !== 'serviceMap').flatMap(metricsOf),
  ])
  const withExemplars = queries.filter(({ exemplar }) => exemplar)
  for (const query of withExemplars)
    assert.notEqual((await exemplarsOf(query.expr, backends)).length, 0, nameOf(query))
  say(
    `${queries.length - exempt.length} queries return data, ${withExemplars.length} of them with exemplars`,
  )
}

const metricsOf = ({ uid, expr }: Query) => (uid === 'mimir' ? metricsIn(expr) : [])

/** Checks that Mimir has all these metrics, except those that exist only after a failure. */
async function proveNames(backends: Backends, names: string[]): Promise<void> {
  const there = new Set(await metricNames(backends))
  const absent = [...new Set(names)]
    .filter((name) => !there.has(name) && !there.has(`${name}_count`))
    .filter((name) => !onlyAfterTrouble.some((some) => some.test(name)))
    .filter((name) => !without.some((program) => name.startsWith(`${program}_`)))
  assert.deepEqual(absent, [], 'Mimir does not have these metrics.')
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

// `npm run doctor`: follows the data from the settings to Grafana, and says at which hop it stops.
import { parseArgs } from 'node:util'

import { processTarget, type Settings } from '../config/env.ts'
import { loginOf, type OtlpTarget } from '../config/otlp-targets.ts'
import type { Signal, TelemetrySettings } from '../config/telemetry-settings.ts'
import { complain, main } from './command.ts'
import { checkBackend } from './doctor/backends.ts'
import { judgeExport } from './doctor/collector.ts'
import {
  checkApp,
  checkClock,
  checkDatabase,
  checkDisk,
  checkSettings,
  type OtherClock,
} from './doctor/machine.ts'
import { newProbe, type Sent } from './doctor/probe.ts'
import { checksOf, Report, type Check } from './doctor/report.ts'
import { backends, findGrafana } from './doctor/search.ts'

const waitDefault = 30
const waitMax = 300

const help = `npm run doctor -- [--json] [--wait SECONDS] [--grafana URL] [--tempo URL] [--loki URL] [--mimir URL] [--tenant ID]

Checks settings, app, database, disk and clock. Then sends a span, a metric and a log line with a fresh id as the app would,
and looks for them in Tempo, Loki and Mimir and in Grafana's data sources. Says at which hop it stopped, what was answered,
and the cure. Run it with the settings of the app; in the stack: docker compose exec app node dist/doctor.js

  --json      one JSON object instead of lines
  --wait      how long the probe may take to arrive, ${waitDefault} by default; tail sampling alone takes 10
  --grafana   where Grafana is; by default GRAFANA_URL, http://grafana:3000 or http://127.0.0.1:3000
  --tempo, --loki, --mimir
              where to ask them without Grafana; inside the stack, their addresses there
  --tenant    the X-Scope-OrgID of these queries

Exit code 0: nothing is broken; 1: something is; 2: these words were not understood.`

type Options = {
  json: boolean
  waitMs: number
  tenant: string | undefined
  at: Record<string, URL | undefined>
}

const given = { type: 'string' } as const
const addresses = { grafana: given, tempo: given, loki: given, mimir: given }

await main({
  help,
  async run(args, settings) {
    const options = understood(args)
    if (!options) return 2
    const report = new Report(options.json)
    const { DATABASE_AUTH_TOKEN = '', DATABASE_REPLICA_AUTH_TOKEN = '' } = settings
    report.hide([DATABASE_AUTH_TOKEN, DATABASE_REPLICA_AUTH_TOKEN, ...loginsOf(settings, options)])
    const { wanted, checks } = checkSettings(settings)
    for (const check of checks) report.add(check)
    report.add(await checkApp(settings))
    const data = await checkDatabase(settings)
    report.add(data.check)
    report.add(checkDisk(settings))
    return report.end(
      await checkTelemetry({ settings, options, report, wanted, newest: data.newest }),
    )
  },
  refused(args, error) {
    const options = understood(args)
    if (!options) return 2
    const report = new Report(options.json)
    const cure = 'Correct the variable: docs/settings.md and .env.example have them all.'
    for (const said of error.message.split('\n'))
      report.add(checksOf('settings').failed({ said, cure }))
    return report.end(undefined)
  },
})

/** The options; undefined after a complaint. */
function understood(args: string[]): Options | undefined {
  try {
    const { values } = parseArgs({
      args,
      options: { json: { type: 'boolean' }, wait: given, tenant: given, ...addresses },
    })
    const wait = Number(values.wait ?? waitDefault)
    if (!Number.isInteger(wait) || wait < 1 || wait > waitMax)
      throw new Error(`--wait takes 1 to ${waitMax} seconds.`)
    const at = Object.fromEntries(
      Object.keys(addresses).map((name) => [name, addressOf(name, values[name as 'grafana'])]),
    )
    return { json: values.json ?? false, waitMs: wait * 1000, tenant: values.tenant, at }
  } catch (error) {
    complain(`${(error as Error).message}\n\n${help}`)
    return undefined
  }
}

function addressOf(name: string, text: string | undefined): URL | undefined {
  if (text === undefined) return undefined
  if (/^https?:\/\/[^/]/i.test(text) && URL.canParse(text)) return new URL(text)
  throw new Error(`--${name} takes an address such as "http://127.0.0.1:3000".`)
}

function loginsOf(settings: Settings, { at }: Options): string[] {
  const { DATABASE_URL, DATABASE_REPLICA_URL = '', GRAFANA_URL = '' } = settings
  const texts = [DATABASE_URL, DATABASE_REPLICA_URL, GRAFANA_URL].filter((text) =>
    URL.canParse(text),
  )
  const urls = [...Object.values(at), ...texts.map((text) => new URL(text))]
  return urls.flatMap((url) => (url ? loginOf(url) : []))
}

type Given = {
  settings: Settings
  options: Options
  report: Report
  wanted: TelemetrySettings | undefined
  newest: number | undefined
}

/** Sends the probe, compares the clocks, then looks for the probe at each hop. Returns its id if there is one. */
async function checkTelemetry(all: Given): Promise<string | undefined> {
  const { settings, options, report, wanted, newest } = all
  const signals = backends
    .map(({ signal }) => signal)
    .filter((signal) => wanted?.exporters[signal] === 'otlp')
  if (signals.length === 0 || !wanted) {
    report.add(checkClock([], newest))
    const said = 'Telemetry is off: OTEL_EXPORTER_OTLP_ENDPOINT is not set.'
    report.add(checksOf('Collector').skipped(said))
    return undefined
  }
  const targets = new Map(signals.map((signal) => [signal, processTarget(signal)]))
  for (const { secrets } of targets.values()) report.hide(secrets)
  const { id, sentAt, sends, clocks } = await sendAll(targets, wanted)
  const grafana = await findGrafana(grafanaPlaces(settings, options))
  if (grafana && 'url' in grafana)
    clocks.push({ of: 'Grafana', date: grafana.date, at: Date.now() })
  report.add(checkClock(clocks, newest))

  const isInStack = [...targets.values()].some(
    ({ url }) => url.hostname === 'opentelemetry-collector',
  )
  const found = backends.map(async (backend) => {
    const { signal, name } = backend
    const [target, sent] = [targets.get(signal), sends.get(signal)]
    if (!target || !sent) return [off(signal, wanted)]
    const check = judgeExport(signal, target, sent)
    if (check.status === 'failed')
      return [check, checksOf(name, signal).skipped('The probe did not get there.')]
    const direct = options.at[backend.uid] ?? (isInStack ? new URL(backend.inStack) : undefined)
    const ways = { direct, grafana: grafana && 'url' in grafana ? grafana.url : undefined }
    const search = { id, sentAt, waitMs: options.waitMs, tenant: options.tenant }
    return [check, ...(await checkBackend(backend, ways, search))]
  })
  for (const checks of found) for (const check of await checks) report.add(check)
  if (grafana && 'trouble' in grafana) {
    const isAsked = options.at['grafana'] || settings.GRAFANA_URL || isInStack
    const { failed, skipped } = checksOf('Grafana')
    const unknown = 'Nothing says where it is: --grafana URL.'
    report.add(isAsked ? failed(grafana.trouble) : skipped(unknown))
  }
  return id
}

function off(signal: Signal, { exporters }: TelemetrySettings): Check {
  const said = `OTEL_${signal.toUpperCase()}_EXPORTER is ${exporters[signal]}.`
  return checksOf('Collector', signal).skipped(said)
}

/** Sends all signals, one after the other, and reads the clock of each target. */
async function sendAll(targets: Map<Signal, OtlpTarget>, wanted: TelemetrySettings) {
  const probe = newProbe()
  const sends = new Map<Signal, Sent>()
  const clocks: OtherClock[] = []
  for (const signal of targets.keys()) {
    const sent = await probe.send(signal, wanted.exportTimeouts[signal])
    sends.set(signal, sent)
    clocks.push({ of: 'the Collector', date: sent.headers.date, at: Date.now() })
  }
  return { id: probe.id, sentAt: Date.now(), sends, clocks }
}

/** Where Grafana may be: what was said, else where compose.yaml has it. */
function grafanaPlaces({ GRAFANA_URL }: Settings, { at }: Options): URL[] {
  if (at['grafana']) return [at['grafana']]
  const usual = ['http://grafana:3000', 'http://127.0.0.1:3000']
  return [...(GRAFANA_URL ? [GRAFANA_URL] : []), ...usual].map((text) => new URL(text))
}

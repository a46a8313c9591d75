// What each kind of telemetry costs, against none: CPU, p99, memory and bytes, in interleaved rounds.
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { availableParallelism, cpus, loadavg } from 'node:os'
import { setTimeout as pause } from 'node:timers/promises'

import { figuresOf, type Round, type Wire } from './figures.ts'
import { caption, costPicture, costTable, withReport, type Report } from './report.ts'
import { load, usage, variant, type Variant } from './variant.ts'

const usual = { rounds: 30, requests: 300, paced: 200, perSecond: 100, warmUp: 4000 }
const small = { rounds: 6, requests: 100, paced: 100, perSecond: 100, warmUp: 500 }
/** Exports begin half a second after the requests: a slice ends when they are done. */
const exportMs = '500'
const settleMs = 800
/** The default of OTEL_METRIC_EXPORT_INTERVAL. */
const metricSeconds = 60

const figuresPath = 'bench/telemetry-cost.json'

type Signal = 'traces' | 'metrics' | 'logs'
type Received = Record<Signal, { bytes: number; exports: number }>

/** Counts the bytes of the exports of each variant, heads included, and discards them. */
async function startScales(): Promise<{ url: string; of: (name: string) => Received }> {
  const received = new Map<string, Received>()
  const nothing = () => ({ bytes: 0, exports: 0 })
  const of = (name: string) => {
    const known = received.get(name)
    if (known) return known
    const fresh = { traces: nothing(), metrics: nothing(), logs: nothing() }
    received.set(name, fresh)
    return fresh
  }
  const server = createServer((request, response) => {
    const [, name = '', , signal] = (request.url ?? '').split('/')
    const sum = of(decodeURIComponent(name))[signal as Signal]
    sum.exports += 1
    // Colon, blank and end of line of each field of the head, and its first line.
    for (const text of request.rawHeaders) sum.bytes += text.length + 2
    sum.bytes += (request.url ?? '').length + 16
    request.on('data', (piece: Buffer) => (sum.bytes += piece.length))
    request.on('end', () =>
      response.writeHead(200, { 'Content-Type': 'application/x-protobuf' }).end(),
    )
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  return { url: `http://127.0.0.1:${port}`, of }
}

function settingsOf(url: string): [name: string, env: Record<string, string>][] {
  const none = { OTEL_METRICS_EXPORTER: 'none', OTEL_LOGS_EXPORTER: 'none' }
  const out = (share: string, more: Record<string, string>) => ({
    INSPECT: '0',
    OTEL_EXPORTER_OTLP_ENDPOINT: url,
    OTEL_BSP_SCHEDULE_DELAY: exportMs,
    OTEL_BLRP_SCHEDULE_DELAY: exportMs,
    OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
    OTEL_TRACES_SAMPLER_ARG: share,
    ...more,
  })
  // With an exporter of logs, a line for each request is printed and exported.
  const logs = { LOG_LEVEL: 'info' }
  return [
    ['off', { INSPECT: '0' }],
    ['traces 1 %', out('0.01', none)],
    ['traces 10 %', out('0.1', none)],
    ['traces 100 %', out('1', none)],
    ['+ metrics', out('1', { OTEL_LOGS_EXPORTER: 'none' })],
    ['+ logs', out('1', logs)],
    ['+ inspector', out('1', { ...logs, INSPECT: '1' })],
    ['inspector alone', { INSPECT: '1' }],
  ]
}

type Measured = { variant: Variant; rounds: Round[]; bytes: number; requests: number }

async function roundOf(measured: Measured, scale: typeof usual): Promise<void> {
  const one = measured.variant
  const pid = one.server.child.pid!
  const before = usage(pid).cpuMs
  const fast = await load(one, scale.requests)
  await pause(settleMs)
  const cpuMs = (usage(pid).cpuMs - before) / scale.requests
  const paced = await load({ ...one, perSecond: scale.perSecond }, scale.paced)
  await pause(settleMs)
  const failed = fast.failed + paced.failed
  if (failed > 0) throw new Error(`${one.name}: ${failed} requests failed`)
  measured.rounds.push({ cpuMs, times: paced.times, rssMb: usage(pid).rssMb })
  measured.bytes += fast.bytes + paced.bytes
  measured.requests += scale.requests + scale.paced
}

/** Bytes for each request: metrics are sent once a minute, whatever the number of requests. */
function wireOf({ bytes, requests }: Measured, received: Received, perSecond: number): Wire {
  const { traces, logs, metrics } = received
  return {
    answer: bytes / requests,
    traces: traces.bytes / requests,
    logs: logs.bytes / requests,
    metrics: metrics.bytes / Math.max(1, metrics.exports) / (metricSeconds * perSecond),
  }
}

/**
 * Measures all variants and prints the table. `--quick`: a small run; `--keep`: writes it into docs; `--redraw`: measures
 * nothing, and writes the table and the picture of the kept run again.
 */
export async function costOfAll(words: string[]): Promise<void> {
  if (words.includes('--redraw')) {
    tell(JSON.parse(readFileSync(figuresPath, 'utf8')) as Report, true)
    return
  }
  const quick = words.includes('--quick')
  const scale = quick ? small : usual
  const machine = {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    node: process.versions.node,
    load: loadavg()[0] ?? 0,
  }
  const scales = await startScales()
  const all: Measured[] = []
  for (const [name, env] of settingsOf(scales.url)) {
    const own = { ...env }
    if (own['OTEL_EXPORTER_OTLP_ENDPOINT'])
      own['OTEL_EXPORTER_OTLP_ENDPOINT'] += `/${encodeURIComponent(name)}`
    all.push({ variant: await variant(name, { env: own }), rounds: [], bytes: 0, requests: 0 })
  }
  for (const one of all) await load(one.variant, scale.warmUp)
  await pause(settleMs)
  for (const { variant: one } of all)
    for (const sum of Object.values(scales.of(one.name)))
      Object.assign(sum, { bytes: 0, exports: 0 })
  for (let round = 0; round < scale.rounds; round++) {
    for (const one of round % 2 === 0 ? all : all.toReversed()) await roundOf(one, scale)
    process.stderr.write(`round ${round + 1} of ${scale.rounds}\n`)
  }
  const date = new Date().toISOString().slice(0, 10)
  // The stop exports what is left: the metrics of a short run, too.
  for (const { variant: one } of all) await one.server.stop()
  for (const { variant: one } of all)
    if (one.server.printed().includes('telemetry dropped'))
      throw new Error(`${one.name}: telemetry was dropped, so it looks cheaper than it is.`)
  const measured = all.map((one) => ({
    name: one.variant.name,
    rounds: one.rounds,
    wire: wireOf(one, scales.of(one.variant.name), scale.perSecond),
  }))
  const { warmUp: _, ...run } = scale
  tell({ machine, date, quick, ...run, figures: figuresOf(measured) }, words.includes('--keep'))
}

function tell(report: Report, keep: boolean): void {
  console.log(`${caption(report)}\n\n${costTable(report.figures)}`)
  if (!keep) return
  const page = 'docs/telemetry-cost.md'
  writeFileSync(page, withReport(readFileSync(page, 'utf8'), report))
  writeFileSync('docs/telemetry-cost.svg', costPicture(report))
  writeFileSync(figuresPath, `${JSON.stringify(report, undefined, 2)}\n`)
}

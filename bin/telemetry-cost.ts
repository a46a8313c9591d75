// `npm run telemetry:cost -- all`: what telemetry costs, as CPU time per request of the real process. Paired: all
// variants run side by side and take turns in short rounds, so that other work on the machine meets all of them.
import { request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'

import { startSink, type Answers, type Sink } from '../test/otlp-sink.ts'
import { costOfAll } from './cost/all.ts'
import { compareStarts } from './cost/starts.ts'
import { load, usage, variant, type Variant } from './cost/variant.ts'
import { freePort } from './free-port.ts'

const rounds = Number(process.env['ROUNDS'] ?? 40)
const perRound = Number(process.env['REQUESTS'] ?? 150)
const warmUp = 1500

const middle = (numbers: number[]) =>
  numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)]!
const p99 = (numbers: number[]) =>
  numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length * 0.99)]!

/**
 * Milliseconds of CPU per request of each variant, and their ratios to the first one, round by round. `during` is called
 * when the load of a variant has begun.
 */
async function compare(
  variants: Variant[],
  during?: (name: string, round: number) => unknown,
): Promise<void> {
  for (const one of variants) await load(one, warmUp)
  const costs = variants.map(() => [] as number[])
  const slow = variants.map(() => [] as number[])
  for (let round = 0; round < rounds; round++) {
    const order = variants.map((_, index) => index)
    if (round % 2 === 1) order.reverse()
    for (const index of order) {
      const { name, server } = variants[index]!
      const before = usage(server.child.pid!).cpuMs
      const loading = load(variants[index]!, perRound)
      during?.(name, round)
      const { times, failed } = await loading
      if (failed > 0) throw new Error(`${name}: ${failed} requests failed`)
      costs[index]!.push((usage(server.child.pid!).cpuMs - before) / perRound)
      slow[index]!.push(p99(times))
    }
  }
  for (const [index, { name, server }] of variants.entries()) {
    const ratios = costs[index]!.map((cost, round) => cost / costs[0]![round]!)
    const late = slow[index]!.map((ms, round) => ms / slow[0]![round]!)
    const spread = [Math.min(...ratios), Math.max(...ratios)].map((one) => one.toFixed(2))
    console.log(
      `${name.padEnd(34)} ${middle(costs[index]!).toFixed(3)} ms CPU  ${middle(ratios).toFixed(3)}x (${spread.join('..')})  p99 ${middle(late).toFixed(2)}x  ${usage(server.child.pid!).rssMb.toFixed(0)} MB`,
    )
  }
}

const discard: Answers = (response) => response.writeHead(200).end()
const traced = (sink: Sink, more: Record<string, string> = {}) => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
  OTEL_LOGS_EXPORTER: 'none',
  OTEL_METRICS_EXPORTER: 'none',
  ...more,
})
const sampled = { OTEL_TRACES_SAMPLER: 'traceidratio', OTEL_TRACES_SAMPLER_ARG: '0.1' }
const off = { INSPECT: '0' }
const on = { INSPECT: '1' }

const studies: Record<string, () => Promise<void>> = {
  /** The table of docs/telemetry-cost.md and its picture, which --keep writes; --quick is a small run. */
  all: () => costOfAll(process.argv.slice(3)),
  /** The inspector on against off, everything else the same. */
  async inspector() {
    const sink = await startSink(discard)
    await compare([
      await variant('traces out, inspector off', { env: traced(sink, off) }),
      await variant('traces out, inspector on', { env: traced(sink, on) }),
      await variant('traces out, inspector on, chip hidden', { env: traced(sink, on) }).then(
        (one) => ({
          ...one,
          cookie: `${one.cookie}; tracewren_chip=off`,
        }),
      ),
    ])
  },
  /** The inspector alone, the default of a demo, against no telemetry; STARTS=12. */
  recorder: () => compareStarts({ name: 'off', env: off }, { name: 'inspector alone', env: on }),
  /** All traces exported against no telemetry; STARTS=12. */
  async exporting() {
    const sink = await startSink(discard)
    await compareStarts(
      { name: 'off', env: off },
      {
        name: 'traces 100 %',
        env: traced(sink, { ...off, OTEL_BSP_SCHEDULE_DELAY: '100' }),
        exports: true,
      },
    )
  },
  /** The fault lab with nothing broken against none; STARTS=26. */
  lab: () =>
    compareStarts(
      { name: 'FAULTS=0', env: { ...off, FAULTS: '0' } },
      { name: 'FAULTS=1', env: { ...off, FAULTS: '1' } },
    ),
  /** Tracing against nothing at all, without the inspector. */
  async tracing() {
    const sink = await startSink(discard)
    await compare([
      await variant('off', { env: off }),
      await variant('traces 100 %', { env: traced(sink, off) }),
      await variant('traces 10 %', { env: traced(sink, { ...off, ...sampled }) }),
      await variant('traces, metrics, logs 100 %', {
        env: { ...off, OTEL_EXPORTER_OTLP_ENDPOINT: sink.url },
      }),
      await variant('inspector alone', { env: on }),
    ])
  },
  /** A collector in every state, at full tilt; ROUNDS=20 REQUESTS=1000 is 20,000 requests each. */
  async faults() {
    const sinks: Record<string, Sink> = {
      healthy: await startSink(),
      'answers 503': await startSink((response) => response.writeHead(503).end()),
      hangs: await startSink(() => {}),
      'slow by 1 s': await startSink((response, done) =>
        setTimeout(() => {
          done()
          response.writeHead(200).end()
        }, 1000),
      ),
      'killed under load, back later': await startSink(),
    }
    const to = (url: string) => ({ env: { ...off, OTEL_EXPORTER_OTLP_ENDPOINT: url }, path: '/' })
    const variants = [await variant('no telemetry', { env: off, path: '/' })]
    for (const [name, { url }] of Object.entries(sinks)) variants.push(await variant(name, to(url)))
    variants.push(await variant('refused', to(`http://127.0.0.1:${await freePort()}`)))
    // An address of a network that is reserved for documentation: packets to it are lost.
    variants.push(await variant('absent', to('http://192.0.2.1:4318')))
    const first = sinks['killed under load, back later']!
    let second: Sink | undefined
    await compare(variants, (name, round) => {
      if (!name.startsWith('killed')) return
      // In the middle of its requests, when exports are under way.
      if (round === Math.floor(rounds / 3)) setTimeout(() => void first.close(), 50)
      if (round === Math.floor(rounds / 2))
        setTimeout(() => void startSink(undefined, first.port).then((sink) => (second = sink)), 50)
    })
    for (const { name, server } of variants) {
      const began = performance.now()
      const code = await server.stop()
      const ms = performance.now() - began
      const came = [sinks[name], ...(name.startsWith('killed') ? [second] : [])]
      const spans = came.reduce((sum, sink) => sum + (sink?.spans().length ?? 0), 0)
      const lost = [...server.printed().matchAll(/"telemetry dropped","spans":(\d+)/g)]
      const told = lost.reduce((sum, [, count]) => sum + Number(count), 0)
      console.log(
        `${name.padEnd(34)} arrived ${spans}, said to be dropped ${told} in ${lost.length} lines, stopped in ${ms.toFixed(0)} ms with ${code}`,
      )
    }
  },
  /** 200 requests a second with five tails open, against none; ROUNDS=30 REQUESTS=400 is a minute each. */
  async tails() {
    const quiet = await variant('no tails', { env: on })
    const followed = await variant('five tails', { env: on })
    const tails = Array.from({ length: 5 }, () => ({ rows: 0, ended: false }))
    for (const tail of tails)
      request(`${followed.server.url}/traces/live`, (answer) => {
        answer.on(
          'data',
          (piece: Buffer) => (tail.rows += piece.toString().split('<tr').length - 1),
        )
        answer.once('close', () => (tail.ended = true))
      }).end()
    await compare([quiet, followed].map((one) => ({ ...one, perSecond: 200 })))
    await pause(2000)
    console.log(
      `rows ${tails.map(({ rows }) => rows).join(' ')}, cut off ${tails.filter(({ ended }) => ended).length}`,
    )
  },
  /** What the process holds after many requests; MINUTES=5. */
  async memory() {
    const one = await variant('/login', { env: on, path: '/login' })
    const until = Date.now() + 60_000 * Number(process.env['MINUTES'] ?? 5)
    for (let sent = 0; Date.now() < until; sent += 20_000) {
      console.log(`${sent} requests, ${usage(one.server.child.pid!).rssMb.toFixed(0)} MB`)
      await load(one, 20_000)
    }
  },
  /** The list of traces, full, against the timeline. */
  async list() {
    const one = await variant('/timeline', { env: on })
    const at = (path: string): Variant => ({ ...one, name: path, path })
    for (const path of ['/timeline', '/']) await load(at(path), 1500)
    await compare([one, at('/traces'), at('/logs'), at('/routes'), at('/traces?q=nothing')])
  },
}

// Ends through `exit`, where the servers are ended, too.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
const asked = studies[process.argv[2] ?? '']
if (!asked) {
  console.error(`There are: ${Object.keys(studies).join(', ')}.`)
  process.exit(2)
}
await asked()
await pause(0)
process.exit(0)

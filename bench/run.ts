// `npm run bench`: what a request costs, next to the physical limit. bench/README.md says how to read it.
import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'

import { coresTable, measureCores } from './cores.ts'
import { measurePages, pagesTable } from './pages.ts'
import { picture } from './picture.ts'
import { profileOf, profileTables } from './profile.ts'
import { measure, type Outcome, type Result, type Scale } from './requests.ts'
import { buildTools } from './servers.ts'
import { measureStart, startTable } from './start.ts'
import { short, table, type Figures } from './statistics.ts'

const usage = `npm run bench -- [requests | original | pages | start | cores | profile] [--quick] [--rounds N] [--case NAME ...] [--keep]

  requests   CPU time of each request next to node:http (the default)
  original   the 100 newest tweets, traced, in a world of 2,000 tweets and one of 100,000
  pages      the first page in a world of 10 million tweets against one of 100 thousand
  start      start and memory next to node:http
  cores      what happens beside the main thread (Linux)
  profile    where the time of /timeline goes
  --quick    a small world and short rounds: within two minutes
  --case     only this case, such as 'GET /timeline'
  --keep     writes the results into bench/ instead of bench/results/`

const full: Scale = {
  users: 10_000,
  tweets: 1_000_000,
  rounds: 7,
  slice: 1000,
  warmUp: 3000,
  limit: 1_800_000,
}
const quick: Scale = {
  users: 2000,
  tweets: 20_000,
  rounds: 3,
  slice: 150,
  warmUp: 200,
  limit: 70_000,
}

/** What was measured of the program that this one re-implements: ms of CPU for each page, traced. */
const originals = { 2000: 137, 100_000: 2030 }

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    case: { type: 'string', multiple: true },
    help: { type: 'boolean', default: false },
  },
})
const machine = {
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: availableParallelism(),
  node: process.version,
  load: loadavg()[0],
  at: new Date().toISOString(),
}
const jobs: Record<string, () => Promise<void>> = {
  requests,
  original,
  pages,
  start,
  cores,
  profile,
}
const job = jobs[positionals[0] ?? 'requests']
if (values.help || !job) {
  console.log(usage)
  process.exit(values.help ? 0 : 2)
}
buildTools()
await job()
process.exit(0)

async function requests(): Promise<void> {
  const scale = values.quick ? quick : full
  const rounds = Number(values.rounds ?? scale.rounds)
  const outcome = await measure({ ...scale, rounds, ...(values.case && { cases: values.case }) })
  console.log(tables(outcome))
  keep('requests.json', JSON.stringify({ machine, scale, ...outcome }, undefined, 2))
  keep('requests.svg', picture(outcome.results, machine))
}

async function original(): Promise<void> {
  const rows: string[][] = []
  for (const [tweets, ms] of Object.entries(originals)) {
    const { results } = await measure({
      ...(values.quick ? quick : full),
      users: Number(tweets) / (Number(tweets) > 2000 ? 100 : 20),
      tweets: Number(tweets),
      cases: ['GET /timeline?limit=100'],
      modes: ['traces, metrics, logs', 'traced'],
      ...(values.rounds && { rounds: Number(values.rounds) }),
    })
    for (const { mode, app } of results)
      rows.push([
        `${Number(tweets).toLocaleString('en')} tweets, ${mode}`,
        ms.toLocaleString('en'),
        (app.median / 1000).toFixed(2),
        `${Math.round((ms * 1000) / app.median).toLocaleString('en')}x`,
      ])
  }
  console.log(table(['CPU ms for 100 tweets', 'original', 'here', 'cheaper'], rows))
  keep('original.json', JSON.stringify({ machine, rows }, undefined, 2))
}

async function cores(): Promise<void> {
  const outcome = await measureCores(values.quick ? quick : full)
  console.log(coresTable(outcome))
  keep('cores.json', JSON.stringify({ machine, outcome }, undefined, 2))
}

async function profile(): Promise<void> {
  const shares = await profileOf('GET /timeline', values.quick)
  console.log(profileTables(shares))
}

async function pages(): Promise<void> {
  const outcome = await measurePages(values.quick)
  console.log(pagesTable(outcome))
  keep('pages.json', JSON.stringify({ machine, outcome }, undefined, 2))
}

async function start(): Promise<void> {
  const outcome = await measureStart(values.quick ? 3 : 15)
  console.log(startTable(outcome))
  keep('start.json', JSON.stringify({ machine, outcome }, undefined, 2))
}

function keep(name: string, text: string): void {
  const folder = values.keep ? 'bench' : 'bench/results'
  mkdirSync(folder, { recursive: true })
  writeFileSync(`${folder}/${name}`, `${text}\n`)
  console.log(`${folder}/${name}`)
}

function tables({ results, traces, rss }: Outcome): string {
  const names = [...new Set(results.map((one) => one.case))]
  const modes = [...new Set(results.map((one) => one.mode))]
  const cell = (show: (result: Result) => string) => (name: string, mode: string) => {
    const found = results.find((one) => one.case === name && one.mode === mode)
    return found ? show(found) : ''
  }
  const spread = ({ median, low, high }: Figures, digits = short) =>
    `${digits(median)} (${digits(low)}-${digits(high)})`
  const fixed = (value: number) => value.toFixed(3)
  const cost = cell(({ app }) => spread(app))
  const share = cell((one) => spread(one.share, fixed))
  const overhead = cell((one) => (one.overhead ? one.overhead.median.toFixed(2) : '1'))
  const sized = names.map((name) => results.find((one) => one.case === name)!)
  return [
    `Node ${machine.node}, ${machine.cores} x ${machine.cpu}, load ${machine.load?.toFixed(1)}`,
    '\nCPU us for each request: median (lowest-highest round)',
    table(
      ['', 'KB', 'node:http', ...modes],
      sized.map((one) => [
        one.case,
        (one.bytes / 1000).toFixed(1),
        short(one.twin.median),
        ...modes.map((mode) => cost(one.case, mode)),
      ]),
    ),
    '\nShare of the speed of node:http with the same bytes',
    table(
      ['', ...modes],
      names.map((name) => [name, ...modes.map((mode) => share(name, mode))]),
    ),
    '\nTimes the cost of untraced (and the inspector beside an exporter: times the cost of traced)',
    table(
      ['', ...modes],
      names.map((name) => [name, ...modes.map((mode) => overhead(name, mode))]),
    ),
    `\nTraces that arrived: ${traces.arrived} of ${traces.expected} (10 % is drawn by lot). ` +
      `Memory at most: ${Object.entries(rss)
        .map(([mode, bytes]) => `${mode} ${Math.round(bytes / 1e6)} MB`)
        .join(', ')}.`,
  ].join('\n')
}

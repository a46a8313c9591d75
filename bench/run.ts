// `npm run bench`: the cost of requests relative to node:http. bench/README.md explains the results.
import { mkdirSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'

import { againstTable } from './against.ts'
import { coresTable, measureCores } from './cores.ts'
import { crowdTable, measureCrowd } from './crowd.ts'
import { liveTable, measureLive } from './live.ts'
import { measurePages, pagesTable } from './pages.ts'
import { picture } from './picture.ts'
import { profileOf, profileTables } from './profile.ts'
import { measure } from './requests.ts'
import type { Outcome, Result, Scale } from './rounds.ts'
import { buildTools, problemOfBuild } from './servers.ts'
import { measureStart, startTable } from './start.ts'
import { short, table, type Figures } from './statistics.ts'

const usage = `npm run bench -- [requests | crowd | original | pages | live | start | cores | profile] [options]

  requests   CPU time of each request next to node:http (the default)
  crowd      400 clients without a pause, newcomers and health checks beside them
  original   the 100 newest tweets, traced, in a world of 2,000 tweets and one of 100,000
  pages      the first page in a world of 10 million tweets against one of 100 thousand
  live       500 open streams of new posts with 10 posts a second, against none
  start      start and memory next to node:http
  cores      what happens beside the main thread (Linux)
  profile    where the time of /timeline goes
  --quick           a small world and short rounds: within two minutes
  --rounds N        how many rounds (requests, original, crowd, live, start)
  --seconds N       how long each run takes (crowd: 60, live: 30)
  --against FOLDER  a checkout with another build: both run in turn (requests, crowd, start)
  --case NAME       only this case, such as 'GET /timeline'; several times for several (requests)
  --keep            writes the results into bench/ instead of bench/results/`

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

/** Measured for the original application: CPU ms for each page, traced. */
const originals = { 2000: 137, 100_000: 2030 }

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    keep: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    seconds: { type: 'string' },
    against: { type: 'string' },
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
  crowd,
  original,
  pages,
  live,
  start,
  cores,
  profile,
}
const jobName = positionals[0] ?? 'requests'
const job = jobs[jobName]
if (values.help || !job) {
  console.log(usage)
  process.exit(values.help ? 0 : 2)
}
const problem = problemOfWords()
if (problem !== undefined) {
  console.error(problem)
  process.exit(2)
}
const rounds = values.rounds === undefined ? undefined : Number(values.rounds)
buildTools()
await job()
process.exit(0)

/** A sentence that says what is wrong with the arguments; undefined if nothing is. */
function problemOfWords(): string | undefined {
  for (const [option, most] of [
    ['rounds', 50],
    ['seconds', 600],
  ] as const) {
    const value = values[option]
    if (
      value !== undefined &&
      !(/^\d+$/.test(value) && Number(value) >= 1 && Number(value) <= most)
    )
      return `--${option} must be a number from 1 to ${most}, not "${value}".`
  }
  if (values.against === undefined) return undefined
  if (!['requests', 'crowd', 'start'].includes(jobName))
    return `--against goes with requests, crowd and start, not with ${jobName}.`
  return problemOfBuild(values.against)
}

async function requests(): Promise<void> {
  if (values.against !== undefined) return requestsAgainst(values.against)
  const scale = { ...(values.quick ? quick : full), ...(rounds && { rounds }) }
  const outcome = await measure({ ...scale, ...(values.case && { cases: values.case }) })
  console.log(tables(outcome))
  keep('requests.json', JSON.stringify({ machine, scale, ...outcome }, undefined, 2))
  keep('requests.svg', picture(outcome.results, machine))
}

/** Compares this build with another one: the timeline, or the given cases. */
async function requestsAgainst(against: string): Promise<void> {
  const scale = { ...(values.quick ? quick : full), ...(rounds && { rounds }) }
  const cases = values.case ?? ['GET /timeline']
  const modes = ['untraced', 'traces, metrics, logs', 'inspector']
  const outcome = await measure({ ...scale, cases, modes, against, parts: 5 })
  console.log(againstTable(outcome.results))
  keep('against.json', JSON.stringify({ machine, scale, ...outcome }, undefined, 2))
}

async function crowd(): Promise<void> {
  const { users, tweets } = values.quick ? quick : full
  const scale = {
    users,
    tweets,
    seconds: Number(values.seconds ?? (values.quick ? 10 : 60)),
    rounds: rounds ?? (values.quick ? 2 : 3),
    against: values.against,
  }
  const outcome = await measureCrowd(scale)
  console.log(crowdTable(outcome))
  keep('crowd.json', JSON.stringify({ machine, scale, ...outcome }, undefined, 2))
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
      ...(rounds && { rounds }),
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

async function live(): Promise<void> {
  const { users, tweets } = values.quick ? quick : full
  const scale = {
    users,
    tweets,
    seconds: Number(values.seconds ?? (values.quick ? 10 : 30)),
    rounds: rounds ?? (values.quick ? 1 : 5),
    streams: 500,
  }
  const outcome = await measureLive(scale)
  console.log(liveTable(outcome))
  keep('live.json', JSON.stringify({ machine, scale, ...outcome }, undefined, 2))
}

async function start(): Promise<void> {
  const outcome = await measureStart(rounds ?? (values.quick ? 3 : 15), values.against)
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
        short(one.nodeHttp.median),
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
    ...packagesTable(results),
    `\nTraces that arrived: ${traces.arrived} of ${traces.expected} (10 % is drawn by lot). ` +
      `Memory at most: ${Object.entries(rss)
        .map(([mode, bytes]) => `${mode} ${Math.round(bytes / 1e6)} MB`)
        .join(', ')}.`,
  ].join('\n')
}

/** Compares the app with the packages that run the same SQL and join the same bytes. */
function packagesTable(results: Result[]): string[] {
  const rows = results.flatMap(({ case: name, app, packages, packagesShare: share }) =>
    packages && share
      ? [
          [
            name,
            short(packages.median),
            short(app.median),
            `${share.median.toFixed(3)} (${share.low.toFixed(3)}-${share.high.toFixed(3)})`,
            name === 'GET /timeline' ? `>= 0.60, ${share.median >= 0.6 ? 'yes' : 'no'}` : '',
          ],
        ]
      : [],
  )
  const head = ['CPU us for each request', 'packages', 'untraced', 'packages / untraced', 'goal']
  return rows.length === 0
    ? []
    : ['\nThe packages alone, same SQL and same bytes', table(head, rows)]
}

// Overload: 400 clients without a pause, and new clients and health checks during that. This build and
// another one run alternately, each run in a new process.
import { setTimeout as pause } from 'node:timers/promises'

import { signIn } from './cases.ts'
import type { CrowdReport } from './crowd-clients.ts'
import type { ProbeReport } from './crowd-probes.ts'
import { loadPage, runLoad, startApp, type Process } from './servers.ts'
import { quantile, short, table } from './statistics.ts'
import { copyOf, worldOf } from './world.ts'

export type CrowdScale = {
  users: number
  tweets: number
  seconds: number
  rounds: number
  against?: string | undefined
}
type Name = keyof typeof rows
type Run = Record<Name, number>
export type CrowdOutcome = { here: Run[]; against: Run[] }

const clients = 400
const newcomersPerSecond = 60
/** In the first seconds all clients of the crowd connect at once; new clients are counted only afterwards. */
const connectMs = 3000
/** Memory is read again after this time, when idle-time cleanup has been done. */
const quietMs = 11_000

/** The rows of the table, and the value that is always allowed, whatever the other build needs. */
const rows = {
  newcomersMedian: { title: 'newcomers, p50 ms' },
  newcomersP99: { title: 'newcomers, p99 ms', allowed: 500 },
  newcomersServed: { title: 'newcomers served, %' },
  livezMedian: { title: '/livez, p50 ms' },
  livezP99: { title: '/livez, p99 ms', allowed: 500 },
  servedMedian: { title: 'served, p50 ms' },
  servedP99: { title: 'served, p99 ms', allowed: 1000 },
  servedPerSecond: { title: 'served, each second' },
  refusedMedian: { title: 'refused, p50 ms' },
  refusedP99: { title: 'refused, p99 ms' },
  refusedPerSecond: { title: 'refused, each second' },
  failed: { title: 'failed' },
  cpu: { title: 'CPU of the server, % of a core' },
  memoryBefore: { title: 'memory before, MB' },
  memoryTop: { title: 'memory at most, MB' },
  memoryAfter: { title: 'memory after, MB' },
} as const satisfies Record<string, { title: string; allowed?: number }>

/** Above that value, the factor by which a build may be slower than the other one. */
const slower = 1.2

export async function measureCrowd(scale: CrowdScale): Promise<CrowdOutcome> {
  const world = await worldOf(scale.users, scale.tweets, scale.against)
  const outcome: CrowdOutcome = { here: [], against: [] }
  for (let round = 0; round < scale.rounds; round++) {
    const builds = scale.against === undefined ? [undefined] : [scale.against, undefined]
    // The second run has a warmer machine, so the order alternates from round to round.
    for (const build of round % 2 === 0 ? builds : builds.toReversed()) {
      const run = await runOf(world, scale.seconds, build)
      outcome[build === undefined ? 'here' : 'against'].push(run)
      const name = build === undefined ? 'this build' : 'other build'
      console.error(
        `round ${round + 1} of ${scale.rounds}, ${name}: newcomers p99 ${short(run.newcomersP99)} ms, ` +
          `/livez ${short(run.livezP99)}, served ${short(run.servedP99)}`,
      )
    }
  }
  return outcome
}

async function runOf(world: string, seconds: number, build: string | undefined): Promise<Run> {
  const copy = copyOf(world, 'crowd')
  const app = await startApp(copy.path, { INSPECT: '1' }, { build })
  try {
    const cookies = await signIn(app.port)
    await loadPage(app.port, 1000)
    const before = await app.usage()
    const began = performance.now()
    const watch = watchMemory(app)
    const [crowd, probes] = await Promise.all([
      runLoad<CrowdReport>('crowd-clients', {
        port: app.port,
        cookies,
        clients,
        seconds,
      }),
      pause(connectMs).then(() =>
        runLoad<ProbeReport>('crowd-probes', {
          port: app.port,
          seconds: Math.max(1, seconds - connectMs / 1000),
          newcomersPerSecond,
        }),
      ),
    ])
    const cpu = ((await app.usage()).cpu - before.cpu) / 10 / (performance.now() - began)
    const most = await watch.stop()
    await pause(quietMs)
    const { rss: after } = await app.usage()
    return { ...figures(crowd, probes, { before: before.rss, most, after }), cpu }
  } finally {
    await app.stop()
    copy.remove()
  }
}

/** Reads the resource usage of the process twice a second; `stop` returns the maximum. */
function watchMemory(app: Process): { stop: () => Promise<number> } {
  let most = 0
  let watching = true
  const watched = (async () => {
    while (watching) {
      most = Math.max(most, (await app.usage()).rss)
      await pause(500)
    }
  })()
  return {
    async stop() {
      watching = false
      await watched
      return most
    },
  }
}

function figures(
  { served, refused, ...crowd }: CrowdReport,
  { newcomers, livez, ...probes }: ProbeReport,
  memory: { before: number; most: number; after: number },
): Omit<Run, 'cpu'> {
  return {
    newcomersMedian: newcomers.median,
    newcomersP99: newcomers.p99,
    newcomersServed: probes.newcomersServed * 100,
    livezMedian: livez.median,
    livezP99: livez.p99,
    servedMedian: served.median,
    servedP99: served.p99,
    servedPerSecond: served.perSecond,
    refusedMedian: refused.median,
    refusedP99: refused.p99,
    refusedPerSecond: refused.perSecond,
    failed: crowd.failed + probes.failed,
    memoryBefore: memory.before / 1e6,
    memoryTop: memory.most / 1e6,
    memoryAfter: memory.after / 1e6,
  }
}

/** Medians of the rounds; the ratio is the median of the ratios of each round. */
export function crowdTable({ here, against }: CrowdOutcome): string {
  const compares = against.length > 0
  const median = (runs: Run[], name: Name) =>
    quantile(
      runs.map((run) => run[name]),
      0.5,
    )
  const names = Object.keys(rows) as Name[]
  const lines = names.map((name) => {
    const row: { title: string; allowed?: number } = rows[name]
    const ours = median(here, name)
    const other = compares ? median(against, name) : 0
    const ratio = quantile(
      against.map((run, round) => here[round]![name] / run[name]),
      0.5,
    )
    const goal = row.allowed && Math.max(row.allowed, slower * other)
    return [
      row.title,
      ...(compares ? [short(other)] : []),
      short(ours),
      ...(compares ? [Number.isFinite(ratio) ? `${ratio.toFixed(2)}x` : ''] : []),
      goal ? `<= ${short(goal)}` : '',
      goal ? (ours <= goal ? 'yes' : 'no') : '',
    ]
  })
  return table(
    [
      '',
      ...(compares ? ['other build'] : []),
      'this build',
      ...(compares ? ['ratio'] : []),
      'goal',
      'reached',
    ],
    lines,
  )
}

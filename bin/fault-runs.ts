// `npm run build && npx tsx bin/fault-runs.ts [NAME ...]`: runs each fault ten times against a real process, reads its signal
// and a bystander with the pages of the inspector before, during and after it, and prints a table. Not in CI: it takes long.
import { setTimeout as pause } from 'node:timers/promises'

import { quantile, short, table } from '../bench/statistics.ts'
import { faults } from '../src/faults/list.ts'
import { faultPaths, look, type FaultPath, type Seen } from '../test/fault-paths.ts'
import { startSink } from '../test/otlp-sink.ts'
import { Player } from '../test/player.ts'
import { post, scratch, startServer } from '../test/process.ts'

const runs = Number(process.env['RUNS'] ?? 10)
const goal = Math.ceil(runs * 0.9)
/** Another route, timed by the client, without and with a fault of a route. */
const otherRoute = '/favorites'
const timed = 4
const turns = 4
const restMs = 600
const limit = 1.2

const takesRoute = (path: FaultPath) => faults.find(({ name }) => name === path.name)!.takesRoute

type Run = { before: Seen; during: Seen; after: Seen; others: number }

/** A process of its own, with an exporter; somebody of the demo world is signed in. `end` kills the process. */
async function startPlayer(): Promise<{ player: Player; end: () => void }> {
  const place = scratch()
  const sink = await startSink()
  const server = await startServer({
    DATABASE_URL: `file:${place.folder}/town.db`,
    OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
    OTEL_BSP_SCHEDULE_DELAY: '200',
    LIMIT_LOGIN_ACCOUNT: '10000/60',
    LIMIT_LOGIN_CLIENT: '10000/60',
    LIMIT_WRITE: '100000/60',
    LOG_LEVEL: 'info',
  })
  const end = () => {
    process.off('exit', end)
    server.child.kill('SIGKILL')
    place[Symbol.dispose]()
  }
  process.on('exit', end)
  const fields = { mailaddress: 'user0003@example.com', password: 'password123' }
  const login = await post(`${server.url}/login`, fields)
  const player = new Player(server.url, login?.headers.getSetCookie()[0]?.split(';')[0] ?? '')
  await player.visit(200, '/timeline', otherRoute)
  return { player, end }
}

/** The shortest time of the other route, in ms, after requests that the fault strikes: noise only makes it longer. */
async function otherMs(player: Player): Promise<number> {
  const times: number[] = []
  for (let count = 0; count < timed; count++) {
    await player.read('/timeline')
    // The first one after a cut answer needs a new connection, and one after a long computation a turn on the CPU.
    await player.read(otherRoute)
    const from = performance.now()
    await player.read(otherRoute)
    times.push(performance.now() - from)
  }
  return Math.min(...times)
}

/** The times of the other route with the fault, as times of those without it, in short turns. */
async function othersOf(player: Player, path: FaultPath): Promise<number> {
  const ratios: number[] = []
  for (let turn = 0; turn < turns; turn++) {
    const calm = await otherMs(player)
    await player.fault(path.name, path.fields)
    ratios.push((await otherMs(player)) / calm)
    await player.fault(`${path.name}/stop`)
  }
  return quantile(ratios, 0.5)
}

async function runOf(player: Player, path: FaultPath): Promise<Run> {
  const before = await look(player, path)
  // The bound of a busy event loop, so that the whole strength is there.
  await pause(restMs)
  await player.fault(path.name, path.fields)
  const during = await look(player, path)
  await player.fault(`${path.name}/stop`)
  // A queue, a log or a heap needs a moment until it is as before.
  await pause(300)
  const after = await look(player, path)
  return { before, during, after, others: takesRoute(path) ? await othersOf(player, path) : 1 }
}

const median = (values: number[]) => short(quantile(values, 0.5))

function rowOf(path: FaultPath, all: Run[]): string[] {
  const count = (of: (run: Run) => boolean) => all.filter(of).length
  const of = (when: 'before' | 'during' | 'after', what: keyof Seen) =>
    median(all.map((run) => run[when][what]))
  const moved = count(({ before, during }) => path.moves(before.signal, during.signal))
  const back = count(({ before, after }) => !path.moves(before.signal, after.signal))
  const aside = count(({ before, during }) => path.moves(before.bystander, during.bystander))
  const others = quantile(
    all.map((run) => run.others),
    0.5,
  )
  const isGood =
    moved >= goal && back >= goal && aside <= runs - goal && (!takesRoute(path) || others <= limit)
  return [
    path.name,
    path.signal,
    of('before', 'signal'),
    of('during', 'signal'),
    of('after', 'signal'),
    `${moved}, ${back}`,
    path.bystander,
    of('before', 'bystander'),
    of('during', 'bystander'),
    String(aside),
    takesRoute(path) ? `${others.toFixed(2)}x` : '',
    isGood ? 'yes' : 'NO',
  ]
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
const asked = process.argv.slice(2)
const chosen = faultPaths.filter(({ name }) => asked.length === 0 || asked.includes(name))
const rows = new Map<string, string[]>()

/** Runs these faults one after the other, in one process. */
async function lane(paths: FaultPath[]): Promise<void> {
  if (paths.length === 0) return
  let { player, end } = await startPlayer()
  for (const path of paths) {
    const all: Run[] = []
    for (let run = 0; run < runs; run++) {
      // A heap that nothing collects still has what the run before has left.
      if (path.name === 'memory-leak' && run > 0) {
        end()
        ;({ player, end } = await startPlayer())
      }
      all.push(await runOf(player, path))
    }
    rows.set(path.name, rowOf(path, all))
    console.error(rows.get(path.name)!.join(' | '))
  }
}

// Those that wait for samples of ten seconds have a process each, beside the others.
await Promise.all([
  lane(chosen.filter(({ isSlow }) => !isSlow)),
  ...chosen.filter(({ isSlow }) => isSlow).map((path) => lane([path])),
])
const head = [
  'fault',
  'signal',
  'before',
  'during',
  'after',
  `moved, back, of ${runs}`,
  'bystander',
  'before',
  'during',
  'moved',
  'other route',
  'good',
]
console.log(
  table(
    head,
    chosen.map(({ name }) => rows.get(name)!),
  ),
)
process.exit([...rows.values()].every((cells) => cells.at(-1) === 'yes') ? 0 : 1)

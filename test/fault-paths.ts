// The way from the pages of the inspector to each fault: what its text names as its signal, and something beside it that stays.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'

import { msOf, textOf, type Player } from './player.ts'

/** The signal and what is beside it, read with the same eyes. */
export type Seen = { signal: number; bystander: number }

export type FaultPath = {
  name: string
  fields?: Record<string, string>
  signal: string
  bystander: string
  /** Visits pages, then reads what the inspector says of them. All records were cleared before. */
  look: (player: Player) => Promise<Seen>
  /** Has this value moved as the fault moves its signal? */
  moves: (calm: number, struck: number) => boolean
  /** The rest of the path, while the fault is active: each step must lead on. */
  follow?: (player: Player) => Promise<void>
  /** Its signal comes with the samples of ten seconds. */
  isSlow?: boolean
}

const page = 'GET /timeline'
const beside = 'GET /favorites'
const more = (by: number) => (calm: number, struck: number) => struck - calm >= by
const less = (part: number) => (calm: number, struck: number) => struck <= calm * part
const megabyte = 1_048_576

/** Looks at the same figure of the row that is struck and of another one. */
const rows =
  (of: 'errors' | 'queries' | 'kilobytes' | 'p99', times = 20) =>
  async (player: Player): Promise<Seen> => {
    await player.visit(times, '/timeline', '/favorites')
    return { signal: (await player.row(page))[of], bystander: (await player.row(beside))[of] }
  }

/** `rendering 0.44 ms` of the facts of a trace. */
const fact = (text: string, name: string) =>
  msOf(new RegExp(`${name} [\\d.]+ m?s`).exec(text)?.[0] ?? '')
const errorsOf = async (player: Player) =>
  (await player.rows()).reduce((sum, { errors }) => sum + errors, 0)

const ofApplication: FaultPath[] = [
  {
    name: 'errors',
    signal: '/routes: errors of the row',
    bystander: 'errors of another row',
    look: rows('errors'),
    moves: more(3),
    async follow(player) {
      const path = await player.newest({ q: page, failed: '1' })
      assert.match(await player.read(path), /InjectedError/)
      assert.match((await player.lines(path.slice(8))).join(''), /InjectedError[^]* at /)
    },
  },
  {
    name: 'latency',
    fields: { strength: '500', share: '0.3' },
    signal: '/routes: p99 of the row, ms',
    bystander: 'p50 of the row, ms',
    async look(player) {
      await player.visit(20, '/timeline', '/favorites')
      const { p99, p50 } = await player.row(page)
      return { signal: p99, bystander: p50 }
    },
    moves: more(300),
    async follow(player) {
      const text = textOf(await player.read((await player.row(page)).slowest))
      const own = [...text.matchAll(/Itself ([\d.]+ m?s) of/g)].map(([, ms]) => msOf(ms!))
      assert.ok(Math.max(...own) >= 490, 'no span of the trace has a gap')
    },
  },
  {
    name: 'n-plus-one',
    signal: '/routes: queries of the row',
    bystander: 'queries of another row',
    look: rows('queries', 10),
    moves: more(10),
    async follow(player) {
      const text = await player.read((await player.row(page)).slowest)
      assert.ok(text.split('>SELECT users <').length > 10, 'no staircase of the same query')
    },
  },
  {
    name: 'slow-render',
    fields: { strength: '150' },
    signal: 'slowest trace: rendering, ms',
    bystander: 'its queries, ms',
    async look(player) {
      await player.visit(8, '/timeline', '/favorites')
      const text = textOf(await player.read((await player.row(page)).slowest))
      return { signal: fact(text, 'rendering'), bystander: fact(text, 'queries') }
    },
    moves: more(100),
  },
  {
    name: 'cache-off',
    signal: '/traces/runtime: cards rendered',
    bystander: '/routes: queries of the row',
    async look(player) {
      await player.visit(20, '/timeline')
      const sample = await player.sample()
      return {
        signal: Number(sample['card_misses']),
        bystander: (await player.row(page)).queries,
      }
    },
    moves: more(50),
    isSlow: true,
  },
  {
    name: 'cut-answers',
    signal: '/routes: KB of the row',
    bystander: 'KB of another row',
    look: rows('kilobytes', 10),
    moves: less(0.7),
  },
]

const ofDatabase: FaultPath[] = [
  {
    name: 'full-scan',
    signal: '/routes?by=query: longest p50 with tweets, ms',
    bystander: 'longest p50 of the others, ms',
    async look(player) {
      await player.visit(10, '/timeline', '/favorites')
      const all = await player.rows('query')
      const longest = (isOurs: boolean) =>
        Math.max(...all.filter(({ name }) => /tweets/.test(name) === isOurs).map(({ p50 }) => p50))
      return { signal: longest(true), bystander: longest(false) }
    },
    moves: more(5),
    async follow(player) {
      const trace = await player.read((await player.row(page)).slowest)
      const plans = [...trace.matchAll(/href="(\/traces\/[0-9a-f]+\/plan\/[0-9a-f]+)"/g)]
      const texts = await Promise.all(plans.map(([, path]) => player.read(path!)))
      assert.match(texts.join(''), /SCAN scanned/)
    },
  },
  {
    name: 'held-lock',
    fields: { strength: '1000' },
    signal: '/routes: p99 of POST /tweet, ms',
    bystander: 'p99 of GET /favorites, ms',
    async look(player) {
      for (const end = Date.now() + 3500; Date.now() < end; await pause(50)) {
        await player.post('/tweet', { msg: `a post ${Date.now()}` })
        await player.visit(1, '/favorites')
      }
      const [writing, reading] = [await player.row('POST /tweet'), await player.row(beside)]
      return { signal: writing.p99, bystander: reading.p99 }
    },
    moves: more(300),
    async follow(player) {
      const trace = await player.read((await player.row('POST /tweet')).slowest)
      assert.match(trace, /write_(lock|queue)\.wait/)
    },
  },
  {
    name: 'slow-commit',
    signal: '/routes?by=query: p50 of INSERT, ms',
    bystander: 'longest p50 of SELECT, ms',
    async look(player) {
      for (let count = 0; count < 5; count++)
        await player.post('/tweet', { msg: `a post ${count} ${Date.now()}` })
      const all = await player.rows('query')
      const longest = (kind: RegExp) =>
        Math.max(...all.filter(({ name }) => kind.test(name)).map(({ p50 }) => p50))
      return { signal: longest(/INSERT/), bystander: longest(/^SELECT/) }
    },
    moves: more(100),
  },
  {
    name: 'wal-growth',
    fields: { strength: '32' },
    signal: '/traces/runtime: write-ahead log, MB',
    bystander: '/routes: p50 of the row, ms',
    async look(player) {
      await player.sample()
      await player.visit(10, '/timeline')
      const sample = await player.sample()
      const { p50 } = await player.row(page)
      return { signal: Number(sample['wal_bytes']) / megabyte, bystander: p50 }
    },
    moves: more(16),
    isSlow: true,
  },
]

const ofProcess: FaultPath[] = [
  {
    name: 'blocked-loop',
    fields: { strength: '500' },
    signal: '/traces/runtime: event loop delay, max, ms',
    bystander: '/routes: p50 of the row, ms',
    async look(player) {
      // Those of the sample before may be of another time.
      await player.sample()
      await player.visit(20, '/timeline')
      const sample = await player.sample()
      return { signal: Number(sample['loop_max_ms']), bystander: (await player.row(page)).p50 }
    },
    moves: more(200),
    isSlow: true,
  },
  {
    name: 'memory-leak',
    signal: '/traces/runtime: heap, MB',
    bystander: 'write-ahead log, MB',
    async look(player) {
      await player.sample()
      const sample = await player.sample()
      return {
        signal: Number(sample['heap_used_bytes']) / megabyte,
        bystander: Number(sample['wal_bytes']) / megabyte,
      }
    },
    moves: more(64),
    isSlow: true,
  },
  {
    name: 'password-queue',
    fields: { strength: '20' },
    signal: '/routes: p50 of POST /login, ms',
    bystander: 'p50 of GET /favorites, ms',
    async look(player) {
      const account = { mailaddress: 'user0004@example.com', password: 'password123' }
      for (let count = 0; count < 2; count++) {
        await player.post('/login', account)
        await player.visit(5, '/favorites')
      }
      const [signing, reading] = [await player.row('POST /login'), await player.row(beside)]
      return { signal: signing.p50, bystander: reading.p50 }
    },
    moves: more(300),
    async follow(player) {
      const trace = await player.read((await player.row('POST /login')).slowest)
      assert.match(trace, /password_queue\.wait/)
    },
  },
]

const failing = async (player: Player) =>
  /id="export".*?failing since/s.test(await player.read('/traces')) ? 1 : 0

const ofTelemetry: FaultPath[] = [
  {
    name: 'exporter-unreachable',
    signal: '/traces: the line Export says failing since',
    bystander: '/routes: errors of all rows',
    async look(player) {
      let last = await failing(player)
      // Until the exports of these requests have ended, well or badly.
      for (let tries = 0; tries < 8; tries++) {
        await player.visit(2, '/timeline')
        await pause(250)
        last = await failing(player)
      }
      return { signal: last, bystander: await errorsOf(player) }
    },
    moves: more(1),
    async follow(player) {
      assert.ok((await player.lines('telemetry is not delivered')).length > 0)
    },
  },
  {
    name: 'broken-propagation',
    signal: '/traces: requests found by the id they were sent with',
    bystander: 'requests found by their route',
    async look(player) {
      let found = 0
      for (let count = 0; count < 5; count++) {
        const id = randomBytes(16).toString('hex')
        await player.read('/timeline', { traceparent: `00-${id}-${id.slice(16)}-01` })
        found += await player.found({ q: id })
      }
      return { signal: found, bystander: await player.found({ q: page }) }
    },
    moves: less(0.2),
  },
  {
    name: 'lost-parents',
    signal: 'trace: lines of queries',
    bystander: 'its app.db.query_count',
    async look(player) {
      await player.visit(1, '/timeline')
      const trace = await player.read(await player.newest({ q: page }))
      return {
        signal: [...trace.matchAll(/<li class="d\d+ db/g)].length,
        bystander: Number(/app\.db\.query_count<\/dt><dd>(\d+)/.exec(trace)?.[1]),
      }
    },
    moves: less(0.5),
  },
  {
    name: 'many-routes',
    signal: '/routes: rows of the page',
    bystander: '/routes?by=query: rows',
    async look(player) {
      await player.visit(15, '/timeline')
      const names = (await player.rows()).filter(({ name }) => name.startsWith(page))
      return { signal: names.length, bystander: (await player.rows('query')).length }
    },
    moves: more(5),
  },
  {
    name: 'sampling',
    signal: '/traces: sampled requests',
    bystander: 'all requests',
    async look(player) {
      await player.visit(20, '/timeline')
      const [sampled, all] = [{ q: page, sampled: 'yes' }, { q: page }]
      return { signal: await player.found(sampled), bystander: await player.found(all) }
    },
    moves: less(0.3),
    async follow(player) {
      const trace = await player.read(await player.newest({ q: page, sampled: 'no' }))
      assert.match(trace, /Not sampled: it stays in this process/)
    },
  },
  {
    name: 'lost-log-ids',
    signal: '/logs: lines of a trace',
    bystander: 'lines of the path',
    async look(player) {
      await player.visit(1, '/timeline')
      const path = await player.newest({ q: page })
      const [own, all] = [await player.lines(path.slice(8)), await player.lines('/timeline')]
      return { signal: own.length, bystander: all.length }
    },
    moves: less(0.5),
  },
  {
    name: 'skewed-clock',
    signal: 'trace: begins after its log line, s',
    bystander: 'its duration, s',
    async look(player) {
      await player.visit(1, '/timeline')
      const path = await player.newest({ q: page })
      const timeOf = (text: string) => Date.parse(/<time datetime="([^"]+)"/.exec(text)?.[1] ?? '')
      const trace = await player.read(path)
      const main = trace.slice(trace.indexOf('class="facts trace"'))
      const [line = ''] = await player.lines(path.slice(8))
      return {
        signal: (timeOf(main) - timeOf(line)) / 1000,
        bystander: msOf(/<b class="number">(.*?)<\/b>/.exec(main)?.[1] ?? '') / 1000,
      }
    },
    moves: more(20),
  },
]

export const faultPaths: FaultPath[] = [
  ...ofApplication,
  ...ofDatabase,
  ...ofProcess,
  ...ofTelemetry,
]

/** Clears all records and looks. */
export async function look(player: Player, path: FaultPath): Promise<Seen> {
  await player.post('/traces/clear')
  return path.look(player)
}

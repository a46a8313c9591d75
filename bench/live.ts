// Open streams of new posts: memory for each, CPU and the timeline's latency beside them, against none.
import { hash } from 'node:crypto'
import { get, type ClientRequest } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'

import Database from 'libsql'

import { casesOf, signIn } from './cases.ts'
import { Connection, textOf } from './client.ts'
import { startApp, type Process } from './servers.ts'
import { quantile, short, table } from './statistics.ts'
import { copyOf, viewers, worldOf } from './world.ts'

export type LiveScale = {
  users: number
  tweets: number
  seconds: number
  rounds: number
  streams: number
}
type Run = { cpu: number; median: number; p99: number; told: number; kbPerStream: number }
export type LiveOutcome = { without: Run[]; withStreams: Run[] }

const postsPerSecond = 10
const pagesPerSecond = 50

/** Runs with and without streams take turns, each in a new process; posts and pages are the same. */
export async function measureLive(scale: LiveScale): Promise<LiveOutcome> {
  const world = await worldOf(scale.users, scale.tweets)
  const outcome: LiveOutcome = { without: [], withStreams: [] }
  for (let round = 0; round < scale.rounds; round++) {
    const kinds = ['without', 'withStreams'] as const
    for (const kind of round % 2 === 0 ? kinds : kinds.toReversed()) {
      const streams = kind === 'without' ? 0 : scale.streams
      const run = await runOf(world, streams, scale)
      outcome[kind].push(run)
      console.error(`round ${round + 1} of ${scale.rounds}, ${streams} streams: ${told(run)}`)
    }
  }
  return outcome
}

const told = ({ p99, cpu }: Run) => `p99 ${short(p99)} ms, ${short(cpu)} % of a core`

async function runOf(world: string, streams: number, scale: LiveScale): Promise<Run> {
  const copy = copyOf(world, 'live')
  const people = sessionsOf(copy.path, streams)
  const wide = { LIVE_PER_ADDRESS: '10000', LIVE_STREAMS: '10000' }
  const app = await startApp(copy.path, wide)
  const open: Stream[] = []
  try {
    const cookies = await signIn(app.port)
    await load(app, cookies, { ...scale, seconds: 3 })
    const before = await app.usage()
    for (const person of people) open.push(await openStream(app.port, person, scale.tweets))
    await pause(1000)
    const opened = await app.usage()
    const times = await load(app, cookies, scale)
    const after = await app.usage()
    return {
      cpu: (after.cpu - opened.cpu) / scale.seconds / 10_000,
      median: quantile(times, 0.5),
      p99: quantile(times, 0.99),
      told: open.filter((stream) => stream.told > 0).length,
      kbPerStream: streams === 0 ? 0 : (opened.rss - before.rss) / streams / 1024,
    }
  } finally {
    for (const { request } of open) request.destroy()
    await app.stop()
    copy.remove()
  }
}

type Stream = { told: number; request: ClientRequest }

/** Writes sessions of so many different people into a database; returns their cookies. Signing in takes 60 ms of CPU. */
function sessionsOf(path: string, count: number): string[] {
  const db = new Database(path)
  const insert = db.prepare('INSERT INTO sessions VALUES (?, ?, ?, ?)')
  const cookies: string[] = []
  for (let id = 101; id <= 100 + count; id++) {
    const token = `session of the benchmark, person ${id}`.replaceAll(/\W/g, '-')
    insert.run(hash('sha256', token), id, Date.now(), Date.now())
    cookies.push(`tracewren_session=${token}`)
  }
  db.close()
  return cookies
}

function openStream(port: number, cookie: string, after: number): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const path = `/timeline/live?after=${after}`
    const request = get({ port, path, headers: { Cookie: cookie } }, (answer) => {
      if (answer.statusCode !== 200) return reject(new Error(`status ${answer.statusCode}`))
      const stream = { told: 0, request }
      answer.on('data', (bytes: Buffer) => {
        if (/^data: \d+\+? new/m.test(bytes.toString())) stream.told += 1
      })
      resolve(stream)
    })
    request.on('error', () => undefined)
  })
}

/** Posts and timelines at a steady pace; returns how long each timeline took, in ms. */
async function load(app: Process, cookies: string[], scale: LiveScale): Promise<number[]> {
  const timeline = casesOf(scale.users, scale.tweets)[0]!
  const connections = await Promise.all(viewers.map(() => Connection.open(app.port)))
  const times: number[] = []
  const posts: Promise<void>[] = []
  // A connection has one request at a time.
  const last = viewers.map(() => Promise.resolve())
  const every = 1000 / pagesPerSecond
  const began = performance.now()
  for (let count = 0; count < scale.seconds * pagesPerSecond; count++) {
    await pause(Math.max(0, began + count * every - performance.now()))
    const at = count % viewers.length
    const ask = timeline.ask(count, at)
    const text = textOf({ ...ask, headers: { ...ask.headers, Cookie: cookies[at]! } })
    if (count % (pagesPerSecond / postsPerSecond) === 0)
      posts.push(post(app.port, cookies[at]!, count))
    last[at] = last[at]!.then(() => timed(connections[at]!, text, times))
  }
  await Promise.all([...posts, ...last])
  for (const connection of connections) connection.close()
  return times
}

async function timed(connection: Connection, text: string, times: number[]): Promise<void> {
  const began = performance.now()
  await connection.send(text)
  times.push(performance.now() - began)
}

async function post(port: number, cookie: string, count: number): Promise<void> {
  const body = new URLSearchParams({ msg: `Number ${count}` })
  const { status } = await fetch(`http://127.0.0.1:${port}/tweet`, {
    method: 'POST',
    headers: { Cookie: cookie },
    body,
  })
  if (status !== 200) throw new Error(`a post was answered with ${status}`)
}

export function liveTable({ without, withStreams }: LiveOutcome): string {
  const median = (runs: Run[], name: keyof Run) =>
    quantile(
      runs.map((run) => run[name]),
      0.5,
    )
  const titles: Record<keyof Run, string> = {
    median: '/timeline, p50 ms',
    p99: '/timeline, p99 ms',
    cpu: 'CPU, % of a core',
    kbPerStream: 'memory for each stream, KB',
    told: 'streams that were told',
  }
  return table(
    ['', 'no streams', 'with streams', ''],
    Object.entries(titles).map(([name, title]) => {
      const [one, other] = [without, withStreams].map((runs) => median(runs, name as keyof Run))
      const times = name === 'p99' || name === 'median' ? `${(other! / one!).toFixed(2)}x` : ''
      return [title, short(one!), short(other!), times]
    }),
  )
}

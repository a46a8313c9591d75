// New clients and health checks during a crowd: a constant rate, each on a new connection, whether or not earlier ones
// were answered. They run in a separate process, so that the CPU time of the crowd's clients does not delay them.
import { setTimeout as pause } from 'node:timers/promises'

import { Connection, textOf } from './client.ts'
import { latencyOf, type Latency } from './statistics.ts'

export type ProbePlan = { port: number; seconds: number; newcomersPerSecond: number }
export type ProbeReport = {
  newcomers: Latency
  /** The number of new clients that got the page; the others were refused. */
  newcomersServed: number
  livez: Latency
  /** Neither served nor refused within the time limit, or not sent because too many were waiting. */
  failed: number
}

const timeoutMs = 10_000
const waitingMax = 500
const livezPerSecond = 10

const { port, seconds, newcomersPerSecond } = JSON.parse(process.argv[2]!) as ProbePlan
const newcomers: number[] = []
const livez: number[] = []
let newcomersServed = 0
let failed = 0
let waiting = 0

/** The status, and the time from opening the connection to the end of the answer; too late counts as late. */
async function ask(path: string): Promise<{ status: number; took: number }> {
  const asked = performance.now()
  let connection: Connection | undefined
  const answer = Connection.open(port).then(async (opened) => {
    connection = opened
    const headers = { Accept: 'text/html', Connection: 'close' }
    return (await opened.send(textOf({ method: 'GET', path, headers }))).status
  })
  const status = await Promise.race([answer, pause(timeoutMs, 0)]).catch(() => 0)
  answer.catch(() => {})
  connection?.close()
  return { status, took: performance.now() - asked }
}

async function probe(path: string, times: number[]): Promise<void> {
  if (waiting >= waitingMax) {
    failed += 1
    return
  }
  waiting += 1
  const { status, took } = await ask(path)
  waiting -= 1
  times.push(took)
  if (status === 200 && path === '/') newcomersServed += 1
  if (status !== 200 && status !== 503) failed += 1
}

async function send(path: string, times: number[], perSecond: number): Promise<void> {
  const began = performance.now()
  const all: Promise<void>[] = []
  for (let count = 0; count < seconds * perSecond; count++) {
    await pause(Math.max(0, began + (count * 1000) / perSecond - performance.now()))
    all.push(probe(path, times))
  }
  await Promise.all(all)
}

await Promise.all([send('/', newcomers, newcomersPerSecond), send('/livez', livez, livezPerSecond)])
process.send!({
  newcomers: latencyOf(newcomers, seconds),
  newcomersServed: newcomersServed / Math.max(1, newcomers.length),
  livez: latencyOf(livez, seconds),
  failed,
} satisfies ProbeReport)

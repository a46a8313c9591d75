// The crowd: clients that request the timeline without a pause, each on one connection, also after a refusal. It runs
// in a separate process and reports the answers to the benchmark.
import { setTimeout as pause } from 'node:timers/promises'

import { Connection, textOf } from './client.ts'
import { latencyOf, type Latency } from './statistics.ts'

export type CrowdPlan = { port: number; cookies: string[]; clients: number; seconds: number }
export type CrowdReport = {
  served: Latency
  refused: Latency
  /** Broken connections, other statuses, and requests not answered within the grace period after the end. */
  failed: number
}

/** The grace period for the last answers after the end. */
const graceMs = 15_000

const { port, cookies, clients, seconds } = JSON.parse(process.argv[2]!) as CrowdPlan
const stop = performance.now() + seconds * 1000
const served: number[] = []
const refused: number[] = []
let failed = 0
let unfinished = clients

async function client(index: number): Promise<void> {
  const text = textOf({
    method: 'GET',
    path: '/timeline',
    headers: { Accept: 'text/html', Cookie: cookies[index % cookies.length]! },
  })
  let connection: Connection | undefined
  while (performance.now() < stop) {
    const asked = performance.now()
    try {
      connection ??= await Connection.open(port)
      const { status } = await connection.send(text)
      const took = performance.now() - asked
      if (status === 200) served.push(took)
      else if (status === 503) refused.push(took)
      else failed += 1
    } catch {
      failed += 1
      connection = undefined
      await pause(100)
    }
  }
  connection?.close()
  unfinished -= 1
}

await Promise.race([
  Promise.all(Array.from({ length: clients }, (_, index) => client(index))),
  pause(seconds * 1000 + graceMs),
])
process.send!({
  served: latencyOf(served, seconds),
  refused: latencyOf(refused, seconds),
  failed: failed + unfinished,
} satisfies CrowdReport)

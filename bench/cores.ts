// The use of a second core: how much of the CPU time of a page or an action is spent outside of the main thread.
import { readdirSync, readFileSync } from 'node:fs'

import { casesOf, signIn } from './cases.ts'
import { Connection, load, textOf } from './client.ts'
import type { Scale } from './rounds.ts'
import { startApp } from './servers.ts'
import { short, table } from './statistics.ts'
import { copyOf, worldOf } from './world.ts'

/** CPU µs for each request, on the main thread and on all others. */
export type CoresOutcome = Record<string, { main: number; others: number }>

/** CPU ns of each thread by its id; the main thread has the id of the process. */
function threadsOf(pid: number): Map<number, number> {
  const threads = readdirSync(`/proc/${pid}/task`)
  return new Map(
    threads.map((thread) => {
      const text = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8')
      return [Number(thread), Number(text.split(' ')[0])]
    }),
  )
}

export async function measureCores(scale: Scale): Promise<CoresOutcome> {
  const copy = copyOf(await worldOf(scale.users, scale.tweets), 'cores')
  const app = await startApp(copy.path, {})
  const pid = app.child.pid!
  const cookies = await signIn(app.port)
  const connections = await Promise.all(
    [1, 2, 3, 4, 5, 6, 7, 8].map(() => Connection.open(app.port)),
  )
  const outcome: CoresOutcome = {}
  let count = 0
  for (const one of casesOf(scale.users, scale.tweets)) {
    const next = () => {
      const viewer = count++ % cookies.length
      const ask = one.ask(count, viewer)
      const cookie = one.visitor ? {} : { Cookie: cookies[viewer]! }
      return {
        text: textOf({ ...ask, headers: { ...ask.headers, ...cookie } }),
        status: one.status,
      }
    }
    const isSlow = one.connections !== undefined
    await load(connections, { ms: 0, requests: isSlow ? 8 : scale.warmUp }, next)
    const before = threadsOf(pid)
    const { requests } = await load(
      connections,
      { ms: 0, requests: isSlow ? 64 : scale.warmUp },
      next,
    )
    const used = [...threadsOf(pid)].map(([id, ns]) => [id, ns - (before.get(id) ?? 0)] as const)
    const sum = (main: boolean) =>
      used.reduce((all, [id, ns]) => all + ((id === pid) === main ? ns : 0), 0) / 1000 / requests
    outcome[one.name] = { main: sum(true), others: sum(false) }
  }
  await app.stop()
  copy.remove()
  return outcome
}

export const coresTable = (outcome: CoresOutcome): string =>
  table(
    ['CPU us for each request', 'main thread', 'other threads', 'share of others'],
    Object.entries(outcome).map(([name, { main, others }]) => [
      name,
      short(main),
      short(others),
      `${Math.round((100 * others) / (main + others))} %`,
    ]),
  )

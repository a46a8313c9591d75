// The CPU profile of a page: V8's profile of the real bundle, by function and by module.
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'

import { casesOf, signIn } from './cases.ts'
import { Connection, load, textOf } from './client.ts'
import { startApp } from './servers.ts'
import { table } from './statistics.ts'
import { copyOf, folder, worldOf } from './world.ts'

type Node = {
  id: number
  callFrame: { functionName: string; url: string; lineNumber: number }
  children?: number[]
}
type Profile = { nodes: Node[]; samples: number[]; timeDeltas: number[] }
export type Shares = { functions: [string, number][]; modules: [string, number][] }

/** Requests a page many times; returns the shares of the busy samples, largest first. */
export async function profileOf(name: string, quick: boolean): Promise<Shares> {
  const [users, tweets] = quick ? [2000, 20_000] : [10_000, 1_000_000]
  const wanted = casesOf(users, tweets).find((one) => one.name === name)
  if (!wanted) throw new Error(`There is no case "${name}".`)
  const copy = copyOf(await worldOf(users, tweets), 'profile')
  const place = `${folder}/profile`
  rmSync(place, { recursive: true, force: true })
  mkdirSync(place)
  const app = await startApp(
    copy.path,
    {},
    { flags: ['--cpu-prof', `--cpu-prof-dir=${place}`, '--cpu-prof-interval=200'] },
  )
  const cookies = await signIn(app.port)
  const connections = await Promise.all([1, 2, 3, 4].map(() => Connection.open(app.port)))
  let count = 0
  await load(connections, { ms: 0, requests: quick ? 1000 : 8000 }, () => {
    const viewer = count++ % cookies.length
    const ask = wanted.ask(count, viewer)
    const text = textOf({ ...ask, headers: { ...ask.headers, Cookie: cookies[viewer]! } })
    return { text, status: wanted.status }
  })
  await app.stop()
  copy.remove()
  const file = readdirSync(place).find((one) => one.endsWith('.cpuprofile'))
  return sharesOf(JSON.parse(readFileSync(`${place}/${file}`, 'utf8')) as Profile)
}

function sharesOf({ nodes, samples, timeDeltas }: Profile): Shares {
  const byId = new Map(nodes.map((node) => [node.id, node]))
  const callers = new Map(
    nodes.flatMap(({ id, children = [] }) => children.map((child) => [child, id])),
  )
  const functions = new Map<string, number>()
  const modules = new Map<string, number>()
  let busy = 0
  samples.forEach((id, index) => {
    const own = byId.get(id)!.callFrame
    if (own.functionName === '(idle)') return
    // Native code often has no name: use the name of its caller.
    const isNameless = own.functionName === '' && own.url === ''
    const { functionName, url, lineNumber } = isNameless
      ? byId.get(callers.get(id)!)!.callFrame
      : own
    const time = timeDeltas[index]!
    const module = moduleOf(url, lineNumber) || functionName
    busy += time
    for (const [shares, key] of [
      [functions, `${functionName || '(anonymous)'} - ${module}`],
      [modules, module],
    ] as const)
      shares.set(key, (shares.get(key) ?? 0) + time)
  })
  const largest = (shares: Map<string, number>): [string, number][] =>
    [...shares]
      .toSorted(([, one], [, other]) => other - one)
      .slice(0, 30)
      .map(([key, time]) => [key, time / busy])
  return { functions: largest(functions), modules: largest(modules) }
}

const sources = new Map<string, string[]>()

/** The source file of a line of the bundle: esbuild writes the name above each file. */
function moduleOf(url: string, line: number): string {
  if (!url.startsWith('file:')) return url
  if (url.includes('/node_modules/')) return url.slice(url.lastIndexOf('/node_modules/') + 14)
  const lines = sources.get(url) ?? readFileSync(new URL(url), 'utf8').split('\n')
  sources.set(url, lines)
  for (let above = line; above >= 0; above--) {
    const found = /^\/\/ ((?:src|node_modules)\/.+)$/.exec(lines[above]!)
    if (found) return found[1]!.replace('node_modules/', '')
  }
  return url.slice(url.lastIndexOf('/') + 1)
}

export const profileTables = ({ functions, modules }: Shares): string =>
  [functions, modules]
    .map((shares, index) =>
      table(
        [index === 0 ? 'function' : 'module', 'self time'],
        shares.map(([key, share]) => [key, `${(share * 100).toFixed(1)} %`]),
      ),
    )
    .join('\n\n')

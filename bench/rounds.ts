// CPU time for each request, of the server and of the baselines, in interleaved rounds.
import { setTimeout as pause } from 'node:timers/promises'

import type { Case } from './cases.ts'
import { Connection, load, textOf, type Span } from './client.ts'
import type { Mode } from './modes.ts'
import { recordedCases } from './recorded-pages.ts'
import type { Process } from './servers.ts'
import { figuresOf, type Figures } from './statistics.ts'

export type Scale = {
  users: number
  tweets: number
  rounds: number
  /** The time for a case in a round, in ms, and its number of parts: in each part, all servers take turns. */
  slice: number
  parts?: number
  /** The number of warm-up requests of each case before the first round: V8 compiles the code. */
  warmUp: number
  /** No new round begins after this time, in ms. */
  limit: number
  /** Only these cases and modes; empty: all. */
  cases?: string[]
  modes?: string[]
  /** A checkout with another build: each mode runs with both builds, and they are compared. */
  against?: string | undefined
}

/** A case in a mode: CPU µs for each request of the server and of the baselines, and their ratios, by round. */
export type Result = {
  case: string
  mode: string
  bytes: number
  requests: number
  app: Figures
  nodeHttp: Figures
  /** The speed relative to node:http: 1 is the same speed. */
  share: Figures
  /** The speed relative to the packages alone, if they were measured. */
  packages?: Figures
  packagesShare?: Figures
  /** The ratio of this mode to another one in the same round: median, then each round. */
  overhead?: Figures
  overheads?: number[]
}
export type Outcome = {
  results: Result[]
  traces: { expected: number; arrived: number }
  rss: Record<string, number>
}

const connectionsUsual = 8
/** A pause for the exports: they belong to the requests before. */
const settleMs = 700

export type Subject = {
  mode: Mode
  app: Process
  cookies: string[]
  count: number
  /** The number of requests whose traces must have arrived at the end. */
  traced: number
}

const applies = ({ mode }: Subject, { name }: Case) => mode.only?.includes(name) ?? true
export const keyOf = ({ mode }: Subject, { name }: Case) => `${mode.name}: ${name}`

export function requestOf(subject: Subject, one: Case): string {
  const count = subject.count++
  const viewer = count % subject.cookies.length
  const ask = one.ask(count, viewer)
  return textOf({
    ...ask,
    headers: {
      ...ask.headers,
      ...(!one.visitor && { Cookie: subject.cookies[viewer]! }),
      'X-Baseline': keyOf(subject, one),
      'X-Viewer': String(viewer),
    },
  })
}

/** The two baselines of each server: node:http with the same bytes; the packages with the same SQL and bytes. */
export type Baselines = { nodeHttp: Process; packages: Process }
export type Run = { scale: Scale; cases: Case[]; subjects: Subject[]; baselines: Baselines }

export async function rounds({ scale, cases, subjects, baselines }: Run) {
  const samples = new Map<string, Sample>()
  const rss: Record<string, number> = {}
  const giveUp = performance.now() + scale.limit
  for (let round = -1; round < scale.rounds; round++) {
    if (round > 0 && performance.now() > giveUp) break
    for (const one of cases) {
      const sums = await roundOf({ scale, subjects, baselines }, one, round)
      for (const [subject, { app, nodeHttp, packages, bytes, rss: used }] of sums) {
        rss[subject.mode.name] = Math.max(rss[subject.mode.name] ?? 0, used)
        if (round < 0) continue
        const key = keyOf(subject, one)
        const sample = samples.get(key) ?? {
          app: [],
          nodeHttp: [],
          packages: [],
          requests: 0,
          bytes,
        }
        samples.set(key, sample)
        sample.app.push(app.cpu / app.requests)
        sample.nodeHttp.push(nodeHttp.cpu / nodeHttp.requests)
        if (packages) sample.packages.push(packages.cpu / packages.requests)
        sample.requests += app.requests
      }
      process.stderr.write(
        process.stderr.isTTY ? `\r\x1B[Kround ${round + 1} of ${scale.rounds}  ${one.name}` : '',
      )
    }
  }
  if (process.stderr.isTTY) process.stderr.write('\r\x1B[K')
  const results = cases.flatMap((one) =>
    subjects
      .filter((subject) => applies(subject, one))
      .map((subject): Result => {
        const { app, nodeHttp, packages, ...rest } = samples.get(keyOf(subject, one))!
        const { against } = subject.mode
        const other = subjects.find(({ mode }) => mode.name === against) ?? subjects[0]!
        const plain = samples.get(keyOf(other, one))!.app
        const overheads = app.map((cpu, round) => cpu / plain[round]!)
        return {
          case: one.name,
          mode: subject.mode.name,
          ...rest,
          app: figuresOf(app),
          nodeHttp: figuresOf(nodeHttp),
          share: figuresOf(app.map((cpu, round) => nodeHttp[round]! / cpu)),
          ...(packages.length > 0 && {
            packages: figuresOf(packages),
            packagesShare: figuresOf(app.map((cpu, round) => packages[round]! / cpu)),
          }),
          ...(subject !== subjects[0] && { overhead: figuresOf(overheads), overheads }),
        }
      }),
  )
  return { results, rss }
}

type Sample = {
  app: number[]
  nodeHttp: number[]
  packages: number[]
  requests: number
  bytes: number
}
type Sum = { cpu: number; requests: number }
type Sums = {
  app: Sum
  nodeHttp: Sum
  packages: Sum | undefined
  bytes: number
  rss: number
}

/** Measures a case in a round on each server. Round -1 is the warm-up. */
async function roundOf(
  { scale, subjects, baselines }: Omit<Run, 'cases'>,
  one: Case,
  round: number,
): Promise<Map<Subject, Sums>> {
  const sums = new Map<Subject, Sums>()
  const parts = round < 0 ? 1 : (scale.parts ?? 1)
  // bcrypt needs no warm-up.
  const warmUp = one.connections === undefined ? scale.warmUp : 4
  const span = round < 0 ? { ms: 0, requests: warmUp } : { ms: scale.slice / parts, requests: 8 }
  for (let part = 0; part < parts; part++) {
    // Later servers have warmer caches, so the order is reversed each second time.
    const isEven = (round + part) % 2 === 0
    for (const subject of isEven ? subjects : subjects.toReversed()) {
      if (!applies(subject, one)) continue
      const app = await slice({ subject, one, target: subject.app, span })
      const short = { ...span, ms: span.ms / 2 }
      const nodeHttp = await slice({ subject, one, target: baselines.nodeHttp, span: short })
      const isPlain = subject.mode.name === 'untraced' && recordedCases.includes(one.name)
      const packages = isPlain
        ? await slice({ subject, one, target: baselines.packages, span: short })
        : undefined
      const sum = sums.get(subject)
      sums.set(subject, {
        app: plus(sum?.app, app),
        nodeHttp: plus(sum?.nodeHttp, nodeHttp),
        packages: packages && plus(sum?.packages, packages),
        bytes: Math.round(app.bytes / app.requests),
        rss: Math.max(sum?.rss ?? 0, app.rss),
      })
    }
  }
  return sums
}

const plus = (one: Sum | undefined, other: Sum): Sum => ({
  cpu: (one?.cpu ?? 0) + other.cpu,
  requests: (one?.requests ?? 0) + other.requests,
})

type Slice = { subject: Subject; one: Case; target: Process; span: Span }

/** CPU µs of a server during a job, including the exports after it. */
async function slice({ subject, one, target, span }: Slice) {
  // New connections each time: a server closes those that were idle for a minute.
  const connections = await connect(target.port, one.connections ?? connectionsUsual)
  const before = await target.usage()
  const { requests, bytes } = await load(connections, span, () => ({
    text: requestOf(subject, one),
    status: one.status,
  }))
  for (const connection of connections) connection.close()
  if (target === subject.app && one.name.startsWith('GET /timeline'))
    subject.traced += requests * subject.mode.exported
  if (target === subject.app && subject.mode.exported > 0) await pause(settleMs)
  const after = await target.usage()
  return {
    cpu: after.cpu - before.cpu,
    requests,
    bytes,
    rss: after.rss,
  }
}

const connect = (port: number, count: number) =>
  Promise.all(Array.from({ length: count }, () => Connection.open(port)))

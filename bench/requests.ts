// CPU time of the server for each request, next to node:http serving the same bytes, in interleaved rounds.
import { writeFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

import { casesOf, signIn, type Case } from './cases.ts'
import { Connection, load, record, textOf, type Recorded, type Span } from './client.ts'
import { startApp, startSink, startTwin, type Process } from './servers.ts'
import { figuresOf, type Figures } from './statistics.ts'
import { copyOf, folder, worldOf } from './world.ts'

export type Scale = {
  users: number
  tweets: number
  rounds: number
  /** How long one case is asked in one round, in ms, and in how many parts: all servers are asked in turn in each. */
  slice: number
  parts?: number
  /** How many requests of each case come before the first round: code has to be compiled. */
  warmUp: number
  /** No further round begins after so many ms. */
  limit: number
  /** Only these cases and modes; all when there is nothing here. */
  cases?: string[]
  modes?: string[]
  /** A checkout with another build: each mode runs with both, and this one is compared with that. */
  against?: string | undefined
}

/** A way to run the server; `only`: for these cases; `against`: what it is compared with, if not the first mode. */
export type Mode = {
  name: string
  env: Record<string, string>
  /** The share of requests whose traces are exported. */
  exported: number
  only?: string[]
  against?: string
  /** The checkout whose build runs, if not this one. */
  build?: string
}

// Soon enough for a slice to end with its exports, and not so often that each of them holds a few requests only.
const delay = { OTEL_BSP_SCHEDULE_DELAY: '500', OTEL_BLRP_SCHEDULE_DELAY: '500' }

export const modesOf = (sink: number): Mode[] => {
  const all = { OTEL_EXPORTER_OTLP_ENDPOINT: `http://127.0.0.1:${sink}`, ...delay }
  const traces = {
    ...all,
    OTEL_METRICS_EXPORTER: 'none',
    OTEL_LOGS_EXPORTER: 'none',
    LOG_LEVEL: 'warn', // as untraced: no line for each request
  }
  return [
    { name: 'untraced', env: {}, exported: 0 },
    { name: 'traced', env: traces, exported: 1 },
    {
      name: 'traced 10 %',
      env: {
        ...traces,
        OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
        OTEL_TRACES_SAMPLER_ARG: '0.1',
      },
      exported: 0.1,
      only: ['GET /timeline'],
    },
    { name: 'traces, metrics, logs', env: all, exported: 1 },
    { name: 'inspector', env: { INSPECT: '1' }, exported: 0 },
    {
      name: 'traced, inspector',
      env: { ...traces, INSPECT: '1' },
      exported: 1,
      only: ['GET /timeline'],
      against: 'traced',
    },
  ]
}

/** One case in one mode: CPU us for each request of the server and of its twin, and their ratio, by round. */
export type Result = {
  case: string
  mode: string
  bytes: number
  requests: number
  app: Figures
  twin: Figures
  /** How much of node:http's speed is left: 1 would be all of it. */
  share: Figures
  /** This mode against another one, in the same round; then each round's. */
  overhead?: Figures
  overheads?: number[]
}
export type Outcome = {
  results: Result[]
  traces: { expected: number; arrived: number }
  rss: Record<string, number>
}

/** Each mode twice, first with the other build. */
const bothBuilds = (modes: Mode[], build: string): Mode[] =>
  modes.flatMap((mode) => {
    const other = `${mode.name}, other build`
    return [
      { ...mode, name: other, build },
      { ...mode, against: other },
    ]
  })

const connectionsUsual = 8
/** Exports are done by then: they belong to the requests before. */
const settleMs = 700

type Subject = {
  mode: Mode
  app: Process
  cookies: string[]
  count: number
  /** Requests whose traces must have arrived in the end. */
  traced: number
}

export async function measure(scale: Scale): Promise<Outcome> {
  const world = await worldOf(scale.users, scale.tweets, scale.against)
  const asked = (names: string[] | undefined, one: { name: string }) =>
    names === undefined || names.includes(one.name)
  const cases = casesOf(scale.users, scale.tweets).filter((one) => asked(scale.cases, one))
  const sink = await startSink('timeline.read')
  const copies: { remove: () => void }[] = []
  const subjects: Subject[] = []
  try {
    const modes = modesOf(sink.port).filter((one) => asked(scale.modes, one))
    for (const mode of scale.against === undefined ? modes : bothBuilds(modes, scale.against)) {
      const copy = copyOf(world, String(copies.length))
      copies.push(copy)
      const app = await startApp(copy.path, mode.env, { build: mode.build })
      subjects.push({
        mode,
        app,
        cookies: await signIn(app.port),
        count: 0,
        traced: 0,
      })
    }
    const twin = await startTwin(await recordAll(subjects, cases))
    const outcome = await rounds({ scale, cases, subjects, twin })
    for (const { app } of [...subjects, { app: twin }]) await app.stop()
    await pause(500)
    const expected = subjects.reduce((sum, { traced }) => sum + traced, 0)
    return { ...outcome, traces: { expected: Math.round(expected), arrived: await sink.found() } }
  } finally {
    for (const { app } of subjects) await app.stop()
    await sink.stop()
    for (const copy of copies) copy.remove()
  }
}

const applies = ({ mode }: Subject, { name }: Case) => mode.only?.includes(name) ?? true
const keyOf = ({ mode }: Subject, { name }: Case) => `${mode.name}: ${name}`

/** One answer of each case in each mode, in a file for the twin. */
async function recordAll(subjects: Subject[], cases: Case[]): Promise<string> {
  const answers: Record<string, Recorded> = {}
  for (const subject of subjects) {
    const connection = await Connection.open(subject.app.port)
    for (const one of cases) {
      answers[keyOf(subject, one)] = record(await connection.send(requestOf(subject, one)))
      if (one.name.startsWith('GET /timeline')) subject.traced += subject.mode.exported
    }
    connection.close()
  }
  const file = `${folder}/answers.json`
  writeFileSync(file, JSON.stringify(answers))
  return file
}

function requestOf(subject: Subject, one: Case): string {
  const count = subject.count++
  const viewer = count % subject.cookies.length
  const ask = one.ask(count, viewer)
  return textOf({
    ...ask,
    headers: {
      ...ask.headers,
      ...(!one.visitor && { Cookie: subject.cookies[viewer]! }),
      'X-Twin': keyOf(subject, one),
    },
  })
}

type Run = { scale: Scale; cases: Case[]; subjects: Subject[]; twin: Process }

async function rounds({ scale, cases, subjects, twin }: Run) {
  const samples = new Map<
    string,
    { app: number[]; twin: number[]; requests: number; bytes: number }
  >()
  const rss: Record<string, number> = {}
  const giveUp = performance.now() + scale.limit
  for (let round = -1; round < scale.rounds; round++) {
    if (round > 0 && performance.now() > giveUp) break
    for (const one of cases) {
      const sums = await roundOf({ scale, subjects, twin }, one, round)
      for (const [subject, { app, limit, bytes, rss: used }] of sums) {
        rss[subject.mode.name] = Math.max(rss[subject.mode.name] ?? 0, used)
        if (round < 0) continue
        const key = keyOf(subject, one)
        const sample = samples.get(key) ?? { app: [], twin: [], requests: 0, bytes }
        samples.set(key, sample)
        sample.app.push(app.cpu / app.requests)
        sample.twin.push(limit.cpu / limit.requests)
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
        const { app, twin: limit, ...rest } = samples.get(keyOf(subject, one))!
        const { against } = subject.mode
        const other = subjects.find(({ mode }) => mode.name === against) ?? subjects[0]!
        const plain = samples.get(keyOf(other, one))!.app
        const overheads = app.map((cpu, round) => cpu / plain[round]!)
        return {
          case: one.name,
          mode: subject.mode.name,
          ...rest,
          app: figuresOf(app),
          twin: figuresOf(limit),
          share: figuresOf(app.map((cpu, round) => limit[round]! / cpu)),
          ...(subject !== subjects[0] && { overhead: figuresOf(overheads), overheads }),
        }
      }),
  )
  return { results, rss }
}

type Sum = { cpu: number; requests: number }

/** One case in one round on every server. Round -1 is for warming up. */
async function roundOf(
  { scale, subjects, twin }: Omit<Run, 'cases'>,
  one: Case,
  round: number,
): Promise<Map<Subject, { app: Sum; limit: Sum; bytes: number; rss: number }>> {
  const sums = new Map<Subject, { app: Sum; limit: Sum; bytes: number; rss: number }>()
  const parts = round < 0 ? 1 : (scale.parts ?? 1)
  // bcrypt has nothing to warm up.
  const warmUp = one.connections === undefined ? scale.warmUp : 4
  const span = round < 0 ? { ms: 0, requests: warmUp } : { ms: scale.slice / parts, requests: 8 }
  for (let part = 0; part < parts; part++) {
    // Who comes later meets warmer caches: the order is the other way round every second time.
    const isEven = (round + part) % 2 === 0
    for (const subject of isEven ? subjects : subjects.toReversed()) {
      if (!applies(subject, one)) continue
      const app = await slice({ subject, one, target: subject.app, span })
      const short = { ...span, ms: span.ms / 2 }
      const limit = await slice({ subject, one, target: twin, span: short })
      const sum = sums.get(subject)
      sums.set(subject, {
        app: plus(sum?.app, app),
        limit: plus(sum?.limit, limit),
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

/** CPU us of a server over a while, the exports that follow included. */
async function slice({ subject, one, target, span }: Slice) {
  // New ones each time: a server closes those that have been idle for a minute.
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

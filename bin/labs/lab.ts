// What a lab is: its traffic, and the checks of what has happened in the app.
import type { App, Seen, SpanSeen } from './app.ts'
import type { Traffic } from './traffic.ts'

/** One thing that a lab wants to see: what was found, or what is missing and how to come by it. */
export type Finding = { done: boolean; says: string }

export type Lab = {
  number: number
  title: string
  /** The name of its page in docs/labs/, without `.md`. */
  page: string
  /** Sends what the lab needs; returns what it did, in words. Undefined for a lab of clicks alone. */
  traffic?: (send: Traffic, options: TrafficOptions) => Promise<string>
  /** Looks at what happened, in the order of the steps. `traceId` is what the reader has found, empty when nothing. */
  check: (app: App, traceId: string) => Promise<Finding[]>
}

export type TrafficOptions = { app: App; polite: boolean; nginxUrl: string }

/** A finding in both forms. */
export const finding = (done: boolean, found: string, missing: string): Finding => ({
  done,
  says: done ? found : missing,
})

type FaultLab = {
  number: number
  fault: string
  /** The command that starts it. */
  start: string
  /** The requests that are compared: `GET /timeline`. */
  title: string
  /** So many requests before, during and after. */
  least: number
}

export type Phases = { before: Seen[]; during: Seen[]; after: Seen[]; isActive: boolean }

/** The findings that all labs with a fault begin with and end with, and the requests before, during and after it. */
export async function faultPhases(app: App, lab: FaultLab) {
  const { number, fault, start, title, least } = lab
  const times = await app.timesOf(fault)
  const active = times.at(-1)
  const isStruck = (at: number) =>
    times.some(({ began, ended = Infinity }) => at >= began && at < ended)
  const all = (await app.requests({ q: title })).filter((one) => one.title === title)
  const { began = Infinity, ended } = active ?? {}
  const phases: Phases = {
    before: all.filter(({ at }) => at < began && !isStruck(at)),
    during: all.filter(({ at }) => at >= began && at < (ended ?? Infinity)),
    after: all.filter(({ at }) => at >= (ended ?? Infinity)),
    isActive: active !== undefined && ended === undefined,
  }
  const { before, during, after } = phases
  const traffic = `\`npm run lab -- ${number} --traffic\``
  const opening = [
    finding(
      before.length >= least,
      `Before the fault there were ${before.length} requests ${title}.`,
      `There is nothing to compare with: before the fault there were ${before.length} requests ${title}, and ${least} are needed. ${phases.isActive ? `End it first, \`npm run fault -- stop\`, then ` : ''}${traffic}`,
    ),
    finding(
      active !== undefined,
      `The fault ${fault} has been started.`,
      `The fault ${fault} has not been started: \`${start}\``,
    ),
    finding(
      during.length >= least,
      `While it was active there were ${during.length} requests ${title}.`,
      phases.isActive
        ? `While the fault is active, ${least} requests ${title} are needed. ${traffic}`
        : `The fault ended before there were ${least} requests ${title}. Start it again: \`${start}\``,
    ),
  ]
  const closing = [
    finding(
      active !== undefined && !phases.isActive,
      'The fault has ended.',
      'The fault is still active: `npm run fault -- stop`',
    ),
    finding(
      after.length >= least,
      `After it there were ${after.length} requests ${title}, as before.`,
      `Show that all is well again: after the fault, ${least} requests ${title} are needed. ${traffic}`,
    ),
  ]
  return { phases, opening, closing }
}

/** The finding about the trace that the reader has named; `why` says what is wrong with it, undefined when it is right. */
export async function traceFinding(
  app: App,
  given: { traceId: string; number: number; right: string },
  why: (spans: SpanSeen[]) => string | undefined,
): Promise<Finding> {
  const { traceId, number, right } = given
  const command = `\`npm run lab -- ${number} --trace TRACE_ID\``
  if (traceId === '')
    return finding(false, '', `Name the trace that shows it, by the id on its page: ${command}`)
  const trace = await app.trace(traceId)
  if (!trace)
    return finding(false, '', `The app has no trace ${traceId}. Copy the id from its page.`)
  const wrong = why(trace.spans)
  return finding(wrong === undefined, right, `${wrong} Look for another one: ${command}`)
}

/** The number in the middle; 0 of none. */
export const median = (numbers: number[]): number =>
  numbers.toSorted((one, other) => one - other)[Math.floor(numbers.length / 2)] ?? 0

/** The server span of a trace with one request. */
export const rootOf = (spans: SpanSeen[]): SpanSeen | undefined =>
  spans.find(({ attributes }) => attributes['http.request.method'] !== undefined)

export const isOf = (spans: SpanSeen[], title: string): boolean => rootOf(spans)?.name === title

/** `3.1 ms` */
export const inMs = (ms: number): string => `${ms >= 100 ? ms.toFixed(0) : ms.toFixed(1)} ms`

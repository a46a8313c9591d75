// For the test of each fault: what is measured before it, while it is active, after it was ended by hand, and after its time.
import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'

import { createApp } from '../src/app.tsx'
import { watchRuntime } from '../src/telemetry/runtime.ts'
import { Recorder } from '../src/trace-store/recorder.ts'
import { cardLookups } from '../src/ui/fragment-cache.ts'
import { startApp, type Answer, type Someone, type TestApp } from './harness.ts'

export type Town = {
  app: TestApp
  mara: Someone
  [Symbol.asyncDispose]: () => Promise<void>
}

/** An app in which Mara has written twelve posts. */
export async function startTown(env: Record<string, string> = {}): Promise<Town> {
  const app = await startApp(env)
  const mara = await app.person('Mara')
  for (let count = 0; count < 12; count++) await mara.tweet(`post number ${count}`)
  return {
    app,
    mara,
    [Symbol.asyncDispose]: async () => {
      await mara.post('/faults/stop')
      await app[Symbol.asyncDispose]()
    },
  }
}

type Listed = { faults: { name: string; active: object | null }[] }

export async function isActive(who: Someone, name: string): Promise<boolean> {
  const { faults } = JSON.parse((await who.get('/faults')).text) as Listed
  return faults.some((one) => one.name === name && one.active !== null)
}

/** Waits until a condition holds; a busy machine may take long. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const giveUp = Date.now() + 60_000; !(await holds()); await pause(20))
    assert.ok(Date.now() < giveUp, what)
}

export async function startFault(
  who: Someone,
  name: string,
  fields: Record<string, string> = {},
): Promise<void> {
  const answer = await who.post(`/faults/${name}`, fields)
  assert.equal(answer.status, 200, answer.text)
}

/** Measures four times. `measure` should not depend on the speed of the machine. */
export async function struck<T>(
  who: Someone,
  [name, fields]: [name: string, fields?: Record<string, string>],
  measure: (isStruck: boolean) => Promise<T>,
): Promise<{ before: T; during: T; byHand: T; byTime: T }> {
  const before = await measure(false)
  await startFault(who, name, fields)
  const during = await measure(true)
  assert.equal((await who.post(`/faults/${name}/stop`)).status, 200)
  const byHand = await measure(false)
  await startFault(who, name, { ...fields, seconds: '1' })
  await until(`${name} has not ended`, async () => !(await isActive(who, name)))
  return { before, during, byHand, byTime: await measure(false) }
}

/** The span of the request in an answer. */
export function serverSpan({ spans }: Answer) {
  return spans.find((span) => 'http.request.method' in span.attributes)!
}

/** The duration of the request, or an attribute with milliseconds of its span. */
export function msOf(answer: Answer, attribute?: string): number {
  const span = serverSpan(answer)
  if (attribute !== undefined) return Number(span.attributes[attribute])
  return span.duration[0] * 1000 + span.duration[1] / 1e6
}

/** The shortest of three: noise only makes it longer. */
export async function shortest(measure: () => Promise<number>): Promise<number> {
  return Math.min(await measure(), await measure(), await measure())
}

/** On a libSQL server, a fault of the database is refused in words, which is asserted. False on a file. */
export async function isRefused({ app, mara }: Town, name: string): Promise<boolean> {
  if (app.url.startsWith('file:')) return false
  const answer = await mara.post(`/faults/${name}`)
  assert.equal(answer.status, 422)
  assert.match(answer.text, /uses a libSQL server/)
  const page = await mara.get('/faults', { as: 'browser' })
  assert.doesNotMatch(page.text, new RegExp(`action="/faults/${name}"`))
  return true
}

/**
 * What /traces/runtime says of a chart, such as `Memory`: the newest value of each line, in its unit. Each call ends a
 * sample, which otherwise takes ten seconds.
 */
export function runtimePage({ app: { database, settings } }: Town) {
  const watched = watchRuntime({
    activeRequests: () => 0,
    walBytes: database.walBytes,
    cardLookups: () => cardLookups,
    dropped: () => ({ spans: 0, logs: 0 }),
    droppedLines: () => 0,
  })
  const parts = { settings, recorder: new Recorder(), runtime: watched.samples }
  const app = createApp({ database, state: { stopping: false }, ...parts })
  return {
    async newest(chart: string, line: string): Promise<number> {
      watched.sample()
      const answer = await app.request('/traces/runtime', { headers: { Accept: 'text/html' } })
      const [, figure = ''] = (await answer.text()).split(`<span class="what">${chart}</span>`)
      const value = new RegExp(`${line} ?([\\d.]+) (?:MB|ms)`).exec(figure)?.[1]
      assert.ok(value !== undefined, `${chart}, ${line}: ${figure.slice(0, 300)}`)
      return Number(value)
    },
    [Symbol.dispose]: () => watched.stop(),
  }
}

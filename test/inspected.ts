// An app with an inspector whose recorder the test fills, and spans to fill it with.
import { SpanKind } from '@opentelemetry/api'

import { createApp } from '../src/app.tsx'
import type { RecordedSpan } from '../src/trace-store/recorded.ts'
import { Recorder } from '../src/trace-store/recorder.ts'
import { Someone, startApp } from './harness.ts'
import { finishedSpan } from './spans.ts'

/** The trace of spans that name no other. */
export const traceId = 'a'.repeat(32)
/** A number as the id of a span. */
export const spanId = (number: number) => number.toString(16).padStart(16, '0')

export type Sketch = {
  id: number
  trace?: string
  parent?: number
  at?: number
  ms?: number
} & Partial<Pick<RecordedSpan, 'attributes' | 'status'>>

/** A finished span as the SDK exports it; without a parent it is a request. Times are in ms. */
export function span({
  id,
  trace = traceId,
  parent,
  at = 1e6,
  ms = 1,
  ...more
}: Sketch): RecordedSpan {
  const root = {
    'http.request.method': 'GET',
    'http.route': '/x',
    'http.response.status_code': 200,
    'url.path': '/x',
  }
  const context = (number: number) => ({ traceId: trace, spanId: spanId(number), traceFlags: 1 })
  return finishedSpan({
    name: parent === undefined ? 'GET /x' : `span ${id}`,
    kind: parent === undefined ? SpanKind.SERVER : SpanKind.INTERNAL,
    spanContext: () => context(id),
    ...(parent !== undefined && { parentSpanContext: context(parent) }),
    startTime: [Math.floor(at / 1000), (at % 1000) * 1e6],
    duration: [Math.floor(ms / 1000), (ms % 1000) * 1e6],
    attributes: parent === undefined ? root : {},
    ...more,
  })
}

/** An app with an inspector whose recorder the test fills. */
export async function inspector(env: Record<string, string> = {}) {
  const base = await startApp({ INSPECT: '1', ...env })
  const recorder = new Recorder()
  const state = { stopping: false }
  const app = createApp({ database: base.database, settings: base.settings, state, recorder })
  const get = async (path: string) => {
    const answer = await app.request(path, { headers: { Accept: 'text/html' } })
    return { status: answer.status, text: await answer.text() }
  }
  /** A client of this app with the session of `who`. */
  const as = (who: Someone): Someone => {
    const same = new Someone({ ...base, fetch: async (request) => app.fetch(request) })
    for (const [name, value] of who.cookies) same.cookies.set(name, value)
    return same
  }
  return {
    recorder,
    base,
    app,
    get,
    as,
    state,
    [Symbol.asyncDispose]: () => base[Symbol.asyncDispose](),
  }
}

// The table of docs/http.md as data, and a world in which each of its rows can be requested.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

import { createApp } from '../src/app.tsx'
import { Recorder } from '../src/trace-store/recorder.ts'
import { Someone, startApp, type TestApp } from './harness.ts'

export const document = readFileSync(new URL('../docs/http.md', import.meta.url), 'utf8')
export const clientKinds = ['htmx', 'browser', 'program', 'json'] as const

export type Row = {
  request: string
  method: string
  path: string
  fields: string[]
  signedOut: string
  answers: Record<(typeof clientKinds)[number], string>
}

export const rows: Row[] = document
  .split('\n')
  .filter((line) => /^\| `(GET|POST) /.test(line))
  .map((line) => {
    const [request, fields, signedOut, htmx, browser, program] = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim().replaceAll('`', ''))
    const [method, path] = request!.split(' ')
    return {
      request: request!,
      method: method!,
      path: path!,
      fields: fields === '' ? [] : fields!.split(' '),
      signedOut: signedOut!,
      answers: { htmx: htmx!, browser: browser!, program: program!, json: program! },
    }
  })

/** Example values for the parameters in a row. */
export const fieldExamples: Record<string, string> = {
  bio: 'I watch birds.',
  chip: 'on',
  current: 'password-of-Bob',
  farewell: 'password-of-Bob',
  file: JSON.stringify({
    resourceSpans: [
      {
        scopeSpans: [
          {
            spans: [
              {
                traceId: 'ab'.repeat(16),
                spanId: 'ab'.repeat(8),
                name: 'GET /elsewhere',
                startTimeUnixNano: '1795707292141000000',
                endTimeUnixNano: '1795707292142000000',
              },
            ],
          },
        ],
      },
    ],
  }),
  fresh: 'another password',
  mailaddress: 'new@example.org',
  handle: 'newcomer',
  msg: 'hello there',
  id: '1',
  name: 'New',
  password: 'password of new',
  theme: 'dark',
  reason: 'It is rude.',
}

export type World = {
  app: TestApp
  bob: Someone
  recorder: Recorder
  traceId: string
  spanId: string
}

/** Alice and Bob with a tweet each, and a trace in the inspector. */
export async function world(env: Record<string, string> = {}): Promise<World> {
  const inner = await startApp(env)
  const recorder = new Recorder()
  if (process.env['TEST_APP']) return { recorder, ...(await people(inner)), app: inner }
  const state = { stopping: false }
  const { database, settings } = inner
  const whole = createApp({ database, settings, state, recorder })
  const app: TestApp = {
    ...inner,
    fetch: async (request) => whole.fetch(request),
    visitor: () => new Someone(app),
  }
  const alice = await inner.person('Alice')
  await alice.tweet('hello world')
  const bob = await inner.person('Bob')
  await bob.tweet('hello alice')
  const { spans } = await alice.get('/timeline')
  for (const span of spans) recorder.takeSpan(span)
  const query = spans.find((span) => 'db.query.text' in span.attributes)!.spanContext()
  const here = app.visitor()
  for (const [name, value] of bob.cookies) here.cookies.set(name, value)
  return { app, bob: here, recorder, traceId: query.traceId, spanId: query.spanId }
}

/** The same where the app is another process: the ids come from its pages. */
async function people(app: TestApp) {
  const alice = await app.person('Alice')
  await alice.tweet('hello world')
  const bob = await app.person('Bob')
  await bob.tweet('hello alice')
  const traceId = (await alice.get('/timeline')).headers.get('X-Trace-Id')!
  for (const giveUp = Date.now() + 20_000; Date.now() < giveUp; await pause(50)) {
    const { text } = await alice.get(`/traces/${traceId}`, { as: 'browser' })
    const spanId = /\/plan\/([0-9a-f]{16})/.exec(text)?.[1]
    if (spanId !== undefined) return { bob, traceId, spanId }
  }
  return assert.fail(`The trace ${traceId} has no query.`)
}

export const pathOf = ({ path }: Row, { traceId, spanId }: World): string =>
  path
    .replace('/traces/:id', `/traces/${traceId}`)
    .replace(':span', spanId)
    // Bob's own tweet is 2; Alice, whom he follows, is user 1.
    .replace('/tweet/:id/delete', '/tweet/2/delete')
    .replace('/tweet/:id/preview', '/tweet/2/preview')
    .replace('/faults/:name', '/faults/cache-off')
    .replace(':id', '1')
    .replace(':handle', '@alice')
    .replace(':tag', 'hello')
    .replace('*', 'app.css')

export const requiredOf = ({ fields }: Row) =>
  Object.fromEntries(
    fields
      .filter((name) => !name.endsWith('?'))
      .map((name) => [name, fieldExamples[name] ?? assert.fail(`no example for ${name}`)]),
  )

// A new app on a new database, and clients for it. Tests share no state and use no mocks.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { resourceFromAttributes } from '@opentelemetry/resources'
import {
  AlwaysOnSampler,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace-node'

import { createApp } from '../src/app.tsx'
import { readSettings, type Settings } from '../src/config/env.ts'
import { openDb, type Database } from '../src/db/db.ts'
import { previewsFor, type Previews } from '../src/features/previews/queue.ts'
import { Passwords } from '../src/http/passwords.ts'
import { setLogLevel } from '../src/telemetry/log.ts'
import { PlainTracerProvider } from '../src/telemetry/plain-tracer.ts'
import { placeholder } from '../src/ui/fragment-cache.ts'
import { freshServerUrl } from './libsql-server.ts'

/** Keeps the spans by trace, too: looking through all of them after each request would take most of a long test. */
class Spans extends InMemorySpanExporter {
  readonly ofTrace = new Map<string, ReadableSpan[]>()

  override export(...[spans, done]: Parameters<InMemorySpanExporter['export']>): void {
    for (const span of spans) {
      const { traceId } = span.spanContext()
      const known = this.ofTrace.get(traceId)
      if (known) known.push(span)
      else this.ofTrace.set(traceId, [span])
    }
    super.export(spans, done)
  }

  override reset(): void {
    this.ofTrace.clear()
    super.reset()
  }
}

const exporter = new Spans()
new PlainTracerProvider({
  resource: resourceFromAttributes({}),
  sampler: new AlwaysOnSampler(),
  spanProcessors: [new SimpleSpanProcessor(exporter)],
}).register()
setLogLevel('silent')

/** All spans that have ended since the app was started. */
export const finished = (): ReadableSpan[] => exporter.getFinishedSpans()

/** The client kinds, and the headers that each kind sends. */
export const clientKinds = {
  program: { Accept: '*/*' },
  json: { Accept: 'application/json' },
  browser: { Accept: 'text/html,application/xhtml+xml,*/*;q=0.8', 'Sec-Fetch-Site': 'same-origin' },
  htmx: {
    Accept: 'text/html',
    'HX-Request': 'true',
    'HX-Request-Type': 'partial',
    'Sec-Fetch-Site': 'same-origin',
  },
} as const
export type ClientKindName = keyof typeof clientKinds

/** A complete answer; `spans` are those of its trace. */
export type Answer = {
  status: number
  text: string
  headers: Headers
  location: string | null
  spans: ReadableSpan[]
  /** The spans of the queries. */
  queries: ReadableSpan[]
}

/** Describes an answer as docs/http.md does: its status, then the redirect target or the kind of the body. */
export function told({ status, text, headers, location }: Answer): string {
  const type = (headers.get('Content-Type') ?? '').split(';')[0]!
  if (headers.get('HX-Redirect')) return `${status} HX ${headers.get('HX-Redirect')}`
  if (location !== null) return `${status} ${location}`
  if (type === 'application/json') return `${status} json`
  if (type !== 'text/html') return `${status} ${type}`
  return `${status} ${text.includes('<html') ? 'page' : 'partial'}`
}

type Options = { as?: ClientKindName; headers?: Record<string, string> }

/** A client with a cookie jar: a visitor, until it registers or logs in. */
export class Someone {
  readonly app: TestApp
  readonly cookies = new Map<string, string>()

  constructor(app: TestApp) {
    this.app = app
  }

  get(path: string, options: Options = {}): Promise<Answer> {
    return this.send(path, { method: 'GET' }, options)
  }

  /** Posts a form; without fields the body is empty. */
  post(path: string, fields?: Record<string, string>, options: Options = {}): Promise<Answer> {
    return this.send(
      path,
      { method: 'POST', ...(fields && { body: new URLSearchParams(fields) }) },
      options,
    )
  }

  /** Sends any request; does not follow redirects. */
  async send(
    path: string,
    init: RequestInit,
    { as = 'program', headers = {} }: Options = {},
  ): Promise<Answer> {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await this.app.fetch(
      new Request(`http://localhost:5000${path}`, {
        ...init,
        headers: {
          Host: 'localhost:5000',
          ...clientKinds[as],
          ...(cookie && { Cookie: cookie }),
          ...headers,
        },
      }),
    )
    for (const line of response.headers.getSetCookie()) {
      const pair = line.split(';')[0]!
      const [name, value] = [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]
      if (/max-age=0/i.test(line)) this.cookies.delete(name)
      else this.cookies.set(name, value)
    }
    const text = await response.text()
    if (text.includes(placeholder('').slice(0, -1)))
      throw new Error(`A placeholder was left in the answer to ${path}.`)
    const spans = [...(exporter.ofTrace.get(response.headers.get('X-Trace-Id') ?? '') ?? [])]
    return {
      status: response.status,
      text,
      headers: response.headers,
      location: response.headers.get('Location'),
      spans,
      queries: spans.filter((span) => 'db.query.text' in span.attributes),
    }
  }

  /** Posts a tweet and returns its id. */
  async tweet(msg: string): Promise<number> {
    const answer = await this.post('/tweet', { msg }, { as: 'htmx' })
    return Number(/id="tweet-(\d+)"/.exec(answer.text)?.[1])
  }
}

export type TestApp = {
  settings: Settings
  database: Database
  passwords: Passwords
  /** With LINK_PREVIEWS=1. */
  previews: Previews | undefined
  /** The `file:` or `http:` URL of its database. */
  url: string
  /** The state that the process shares with the app. */
  state: { stopping: boolean }
  /** `bindings`: the socket, when there is one. */
  fetch: (request: Request, bindings?: object) => Promise<Response>
  visitor: () => Someone
  /** A client that has registered with this name, `<name>@example.org` and `password-of-<name>`. */
  person: (name: string) => Promise<Someone & { id: number }>
  [Symbol.asyncDispose]: () => Promise<void>
}

/** The spans of this name that have ended since the last `startApp`, whatever their trace. */
export const endedSpans = (name: string): ReadableSpan[] =>
  exporter.getFinishedSpans().filter((span) => span.name === name)

/** On a busy machine a crowd of requests waits longer than users are asked to. */
const patient = { REQUEST_WAIT_MS: '30000', PASSWORD_COST: '4' }

/**
 * Starts an app on an empty database: a file, or a new libSQL server if TEST_DATABASE=server. With TEST_APP it is a
 * process beside this one (port-app.ts).
 */
export async function startApp(env: Record<string, string> = {}): Promise<TestApp> {
  exporter.reset()
  if (process.env['TEST_APP']) return elsewhere(process.env['TEST_APP'], env)
  const folder = mkdtempSync(join(tmpdir(), 'tracewren-'))
  const server =
    process.env['TEST_DATABASE'] === 'server' ? await freshServerUrl(folder) : undefined
  const url = server?.url ?? `file:${folder}/test.db`
  const settings = readSettings({ DATABASE_URL: url, ...patient, ...env })
  const database = await openDb(settings)
  const state = { stopping: false }
  const passwords = new Passwords(settings)
  const stop = new AbortController()
  const previews = previewsFor(settings, database.db, stop.signal)
  const app = createApp({ database, settings, passwords, previews, state })
  const running: TestApp = {
    settings,
    database,
    passwords,
    previews,
    url,
    state,
    fetch: async (request, bindings) => app.fetch(request, bindings),
    visitor: () => new Someone(running),
    person: (name) => personOf(running, name),
    [Symbol.asyncDispose]: async () => {
      stop.abort()
      await previews?.idle()
      await database.close()
      await server?.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
  return running
}

async function personOf(app: TestApp, name: string): Promise<Someone & { id: number }> {
  const someone = new Someone(app)
  const mailaddress = `${name.toLowerCase().replaceAll(/[^a-z0-9]/g, '')}@example.org`
  await someone.post('/register', { name, mailaddress, password: `password-of-${name}` })
  const account = await someone.get('/timeline')
  const handle = /href="\/@([a-z0-9_]+)" class="who"/.exec(account.text)?.[1]
  const profile = await someone.get(`/@${handle}`)
  const id = Number(/data-user-id="(\d+)"/.exec(profile.text)?.[1])
  return Object.assign(someone, { id })
}

/** The app in a process of its own; it throws where a test looks inside. */
async function elsewhere(command: string, env: Record<string, string>): Promise<TestApp> {
  const { startOnPort } = await import('./port-app.ts')
  const { url, fetch, stop } = await startOnPort(command, { ...patient, ...env })
  const inside = (): never => {
    throw new Error('This is inside of the app, and with TEST_APP the app is another process.')
  }
  const running: TestApp = {
    settings: readSettings({ DATABASE_URL: url, ...patient, ...env }),
    get database() {
      return inside()
    },
    get passwords() {
      return inside()
    },
    previews: undefined,
    url,
    get state() {
      return inside()
    },
    fetch,
    visitor: () => new Someone(running),
    person: (name) => personOf(running, name),
    [Symbol.asyncDispose]: stop,
  }
  return running
}

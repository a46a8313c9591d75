// What `npm run doctor` looks at, on loopback: the real Collector and Prometheus, and plain servers that answer as Tempo, Loki,
// Mimir and Grafana do. The servers show what the real Collector has delivered to them.
import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http'
import { createServer as createTcpServer, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'

import { freePort } from '../bin/free-port.ts'
import { startSink, type Sink } from './otlp-sink.ts'
import { ended, launch } from './process.ts'
import { start, type Started } from './programs.ts'

const root = fileURLToPath(new URL('../', import.meta.url))

export type Told = {
  ok: boolean
  stoppedAt: { hop: string; signal?: string } | null
  probe: string | null
  checks: {
    hop: string
    signal?: string
    status: string
    said: string
    answered?: string
    cure?: string
  }[]
}

/** Runs `dist/doctor.js`; returns its exit code and its output. */
export async function runDoctor(words: string[], env: Record<string, string>) {
  const child = launch(env, { command: [process.execPath, `${root}dist/doctor.js`, ...words] })
  let printed = ''
  child.stdout?.on('data', (piece: Buffer) => (printed += piece))
  child.stderr?.on('data', (piece: Buffer) => (printed += piece))
  const timer = setTimeout(() => child.kill('SIGKILL'), 90_000)
  const code = await ended(child)
  clearTimeout(timer)
  return { code, printed }
}

/** The same with `--json`; `row` finds a check. */
export async function examine(words: string[], env: Record<string, string>) {
  const { code, printed } = await runDoctor(['--json', ...words], env)
  let told: Told
  try {
    told = JSON.parse(printed) as Told
  } catch {
    throw new Error(`This is not JSON:\n${printed}`)
  }
  const row = (hop: string, signal?: string) =>
    told.checks.find((check) => check.hop === hop && check.signal === signal)
  return { code, printed, told, row }
}

type Plain = { url: string; port: number; close: () => Promise<void> }

async function listening(server: Server | ReturnType<typeof createTcpServer>): Promise<Plain> {
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const close = () =>
    new Promise<void>((done) => {
      server.close(() => done())
      if ('closeAllConnections' in server) server.closeAllConnections()
    })
  return { url: `http://127.0.0.1:${port}`, port, close }
}

export const serveHttp = (answer: RequestListener): Promise<Plain> =>
  listening(createServer(answer))

/** A server that takes connections and never answers. */
export async function hangingServer(): Promise<Plain> {
  const open = new Set<Socket>()
  const server = createTcpServer((socket) => open.add(socket.on('error', () => undefined)))
  const plain = await listening(server)
  return {
    ...plain,
    close: () => {
      for (const socket of open) socket.destroy()
      return plain.close()
    },
  }
}

export type Kind = 'tempo' | 'loki' | 'mimir'
const kinds: Kind[] = ['tempo', 'loki', 'mimir']

/**
 * A backend in two servers: one takes OTLP, one answers queries. With `tenants` each write and each query must name a tenant,
 * as with multi-tenancy of the real ones.
 */
export async function fakeBackend(kind: Kind, { tenants = false } = {}) {
  const sink = await startSink()
  const tenantOf = (request: IncomingMessage) => String(request.headers['x-scope-orgid'] ?? '')
  const queries = await serveHttp((request, response) => {
    const json = (status: number, body: unknown) =>
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
    if (tenants && !tenantOf(request)) return response.writeHead(401).end('no org id\n')
    const url = new URL(request.url ?? '', 'http://x')
    const hasId = (id: string) =>
      sink.deliveries.some(
        ({ body, headers }) =>
          (!tenants || headers['x-scope-orgid'] === tenantOf(request)) &&
          (body.includes(Buffer.from(id)) || body.includes(Buffer.from(id, 'hex'))),
      )
    const id = /[0-9a-f]{32}/.exec(decodeURIComponent(url.href))?.[0] ?? ''
    const isThere = id !== '' && hasId(id)
    if (kind === 'tempo' && url.pathname === `/api/v2/traces/${id}`) {
      if (!isThere) return response.writeHead(404).end('trace not found')
      const resource = {
        attributes: [{ key: 'service.name', value: { stringValue: 'tracewren-doctor' } }],
      }
      return json(200, { trace: { resourceSpans: [{ resource, scopeSpans: [] }] } })
    }
    const path = kind === 'loki' ? '/loki/api/v1/query_range' : '/prometheus/api/v1/query'
    if (kind !== 'tempo' && url.pathname === path && url.searchParams.get('query'))
      return json(200, { status: 'success', data: { result: isThere ? [{}] : [] } })
    return response.writeHead(404).end('404 page not found\n')
  })
  return {
    kind,
    sink,
    url: `${queries.url}${kind === 'mimir' ? '/prometheus' : ''}`,
    close: async () => {
      await sink.close()
      await queries.close()
    },
  }
}

async function passOn(response: ServerResponse, url: string, headers = {}): Promise<void> {
  try {
    const answer = await fetch(url, { headers })
    const type = answer.headers.get('Content-Type') ?? 'text/plain'
    response.writeHead(answer.status, { 'Content-Type': type }).end(await answer.text())
  } catch {
    response.writeHead(502).end()
  }
}

export type DataSource = { url: string; headers?: Record<string, string> }

/** Answers as Grafana: its health, and the proxy of its data sources, by uid. `login`: what it wants to let anybody in. */
export const fakeGrafana = (sources: Partial<Record<Kind, DataSource>>, login?: string) =>
  serveHttp((request, response) => {
    const json = (status: number, body: unknown) =>
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
    if (request.url === '/api/health') return json(200, { database: 'ok', version: '13.2.3' })
    const wanted = login && `Basic ${Buffer.from(login).toString('base64')}`
    if (wanted && request.headers.authorization !== wanted)
      return json(401, { message: 'Unauthorized' })
    const [, uid, path] =
      /^\/api\/datasources\/proxy\/uid\/(\w+)(.*)$/.exec(request.url ?? '') ?? []
    const source = sources[uid as Kind]
    if (!source) return json(404, { message: 'Unable to find datasource' })
    void passOn(response, `${source.url}${path}`, source.headers)
    return response
  })

/** The real Collector with our configuration; `more` are further environment variables, `extra` further files. */
export async function startCollector(
  sinks: Record<Kind, string>,
  { more = {}, extra = [] }: { more?: Record<string, string>; extra?: string[] } = {},
): Promise<Started & { url: string; grpc: number }> {
  const [http, grpc, health] = [await freePort(), await freePort(), await freePort()]
  const env = {
    LISTEN: '127.0.0.1',
    HTTP_PORT: String(http),
    GRPC_PORT: String(grpc),
    HEALTH_PORT: String(health),
    TEMPO_URL: sinks.tempo,
    LOKI_URL: sinks.loki,
    MIMIR_URL: sinks.mimir,
    SAMPLING_WAIT: '1s',
    METRICS_FLUSH: '60s',
    ...more,
  }
  const config = `${root}observability/collector/config.yaml`
  const args = ['--config', config, ...extra.flatMap((file) => ['--config', file])]
  const running = await start('otelcol', { args, env }, `http://127.0.0.1:${health}/`)
  return { ...running, url: `http://127.0.0.1:${http}`, grpc }
}

/** The whole chain: backends, the Collector in front of them, Grafana behind them. */
export async function startChain(options: { tenants?: boolean; extra?: string[] } = {}) {
  const [tempo, loki, mimir] = await Promise.all(kinds.map((kind) => fakeBackend(kind, options)))
  const backends = { tempo: tempo!, loki: loki!, mimir: mimir! }
  const urls = (of: (kind: Kind) => string) =>
    Object.fromEntries(kinds.map((kind) => [kind, of(kind)])) as Record<Kind, string>
  const collector = await startCollector(
    urls((kind) => backends[kind].sink.url),
    { extra: options.extra ?? [] },
  )
  const sources = Object.fromEntries(
    kinds.map((kind) => [kind, { url: backends[kind].url }]),
  ) as Record<Kind, DataSource>
  const grafana = await fakeGrafana(sources)
  return {
    backends,
    collector,
    /** Can be changed while it runs. */
    sources,
    grafana,
    direct: kinds.flatMap((kind) => [`--${kind}`, backends[kind].url]),
    async [Symbol.asyncDispose]() {
      await collector[Symbol.asyncDispose]()
      await grafana.close()
      for (const kind of kinds) await backends[kind].close()
    },
  }
}

/** A sink of the three signals that answers with this. */
export const answering = (
  status: number,
  headers: Record<string, string> = {},
  body: string | Buffer = '',
): Promise<Sink> => startSink((response) => response.writeHead(status, headers).end(body))

// Runs the real process with a test collector, and returns what it has exported at the end.
import Database from 'libsql'

import { clientKinds, type ClientKindName } from './harness.ts'
import { startSink, type SinkSpan } from './otlp-sink.ts'
import { scratch, startServer, type Server } from './process.ts'

export type Asked = {
  as?: ClientKindName
  cookie?: string
  /** A form to post; an empty form sends no body. */
  fields?: Record<string, string>
  headers?: Record<string, string>
  method?: string
}

export async function ask(server: Server, path: string, asked: Asked = {}) {
  const { as = 'program', cookie = '', fields, headers = {}, method } = asked
  const body = fields && Object.keys(fields).length > 0 ? new URLSearchParams(fields) : undefined
  const response = await fetch(server.url + path, {
    method: method ?? (fields ? 'POST' : 'GET'),
    ...(body && { body }),
    headers: {
      ...clientKinds[as],
      'User-Agent': 'test',
      ...(cookie && { Cookie: cookie }),
      ...headers,
    },
    redirect: 'manual',
  })
  const text = await response.text()
  const { status } = response
  return { status, text, headers: response.headers, trace: response.headers.get('X-Trace-Id') }
}

export type Story = (server: Server, path: string) => Promise<void>

/** Starts a process that exports to a sink, runs the callback, stops it gracefully; returns the sink's content. */
export async function told(env: Record<string, string>, t: Story) {
  using place = scratch()
  await using sink = await startSink()
  const path = `${place.folder}/told.db`
  await using server = await startServer({
    DATABASE_URL: `file:${path}`,
    OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
    ...env,
  })
  await t(server, path)
  const code = await server.stop()
  return {
    code,
    printed: server.printed(),
    deliveries: sink.deliveries,
    resource: sink.resource(),
    spans: sink.spans(),
    metrics: sink.metrics(),
    logs: sink.logs(),
    bytes: sink.bytes(),
  }
}

/** Changes the database file directly, while the process runs. */
export function change(path: string, statement: string): void {
  const database = new Database(path)
  database.exec(statement)
  database.close()
}

/** A span that is there only where something took a millisecond: on a busy machine, anywhere. */
export const isOccasional = ({ name }: { name: string }): boolean =>
  /^(middleware|render|password\.hash)$|\.(wait|receive|prepare)$/.test(name)

/** `parent > child` for each span of a trace, without occasional ones. */
export function treeOf(all: SinkSpan[]): string[] {
  const names = new Map(all.map((span) => [span.spanId, span.name]))
  const spans = all.filter((span) => !isOccasional(span))
  return spans.map((span) => `${names.get(span.parentSpanId) ?? '-'} > ${span.name}`).sort()
}

export const kinds = { internal: 1, server: 2, client: 3 }
export const statuses = { unset: 0, error: 2 }

// What anybody may see of the app: its traces, its log and its runtime, read from the public pages and their JSON.
import { setTimeout as pause } from 'node:timers/promises'

const answerMs = 15_000
/** Traces are read until then; what is missing is not worth the wait. */
const readMs = 90_000
const pagesMax = 45
const logPagesMax = 12
const atOnce = 6
const triesMax = 10
const againMs = 500

type Value = string | number | boolean
export type SeenSpan = {
  name: string
  id: string
  parent: string
  /** ms UTC. */
  start: number
  ms: number
  attributes: Record<string, Value>
}
export type SeenTrace = {
  id: string
  spans: SeenSpan[]
  /** The span of the request; undefined in a trace that has none. */
  server: SeenSpan | undefined
  /** As /faults and the questions name it, `GET /timeline`; empty without a request. */
  route: string
  /** Its start, ms UTC. */
  at: number
  sampled: boolean
}
export type SeenLine = { at: number; text: string; traceId: string | undefined }
export type Sample = { at: number } & Record<string, number | null | Record<string, number>>
export type Seen = { traces: SeenTrace[]; lines: SeenLine[]; samples: Sample[]; readAt: number }

const ask = (url: string, accept: string) =>
  fetch(url, { headers: { Accept: accept }, signal: AbortSignal.timeout(answerMs) })

/** Reads a page; asks again when the app says that it is busy, which may be the fault itself. */
async function pageAt(url: string): Promise<string> {
  for (let tries = 1; ; tries++) {
    const answer = await ask(url, 'text/html')
    if (answer.ok) return answer.text()
    if (answer.status !== 503 || tries === triesMax)
      throw new Error(`${url} answered ${answer.status}.`)
    await pause(againMs)
  }
}

/** Reads everything that the inspector shows now, oldest first, but no trace that is known already. */
export async function look(url: string, known = new Map<string, SeenTrace>()): Promise<Seen> {
  const giveUp = Date.now() + readMs
  const listed = await listedTraces(url, giveUp)
  const missing = [...listed.keys()].filter((id) => !known.has(id))
  const readSome = async () => {
    for (let id = missing.shift(); id !== undefined; id = missing.shift()) {
      if (Date.now() > giveUp) return
      const trace = await traceAt(url, id).catch(() => undefined)
      if (trace) known.set(id, trace)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, readSome))
  const runtime = (await (await ask(`${url}/traces/runtime`, 'application/json')).json()) as {
    samples: Sample[]
  }
  return {
    traces: [...known.values()].toSorted((one, other) => one.at - other.at),
    lines: await linesAt(url),
    samples: runtime.samples,
    readAt: Date.now(),
  }
}

/** The ids in the list of traces, with what only the list says. */
async function listedTraces(url: string, giveUp: number): Promise<Set<string>> {
  const ids = new Set<string>()
  let path: string | undefined = '/traces'
  for (let page = 0; path !== undefined && page < pagesMax && Date.now() < giveUp; page++) {
    const html = await pageAt(url + path)
    for (const [, id] of html.matchAll(/<a href="\/traces\/([0-9a-f]{32})">/g)) ids.add(id!)
    path = /href="(\/traces\?[^"]*before=\d+[^"]*)"/.exec(html)?.[1]?.replaceAll('&amp;', '&')
  }
  return ids
}

type OtlpValue = {
  stringValue?: string
  intValue?: number
  doubleValue?: number
  boolValue?: boolean
}
type OtlpSpan = {
  name: string
  spanId: string
  parentSpanId?: string
  flags: number
  startTimeUnixNano: string
  endTimeUnixNano: string
  attributes: { key: string; value: OtlpValue }[]
}
type Otlp = { resourceSpans: { scopeSpans: { spans: OtlpSpan[] }[] }[] }

async function traceAt(url: string, id: string): Promise<SeenTrace> {
  const answer = await ask(`${url}/traces/${id}/otlp.json`, 'application/json')
  const { resourceSpans } = (await answer.json()) as Otlp
  const raw = resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
  const spans = raw.map(spanOf)
  const server = spans.find(({ attributes }) => attributes['http.request.method'] !== undefined)
  return {
    id,
    spans,
    server,
    route: server ? routeOf(server) : '',
    at: Math.min(...spans.map(({ start }) => start)),
    sampled: raw.some(({ flags }) => (flags & 1) === 1),
  }
}

const spanOf = (span: OtlpSpan): SeenSpan => {
  const [start, end] = [span.startTimeUnixNano, span.endTimeUnixNano].map(
    (time) => Number(time) / 1e6,
  )
  return {
    name: span.name,
    id: span.spanId,
    parent: span.parentSpanId ?? '',
    start: start!,
    ms: end! - start!,
    attributes: Object.fromEntries(span.attributes.map(({ key, value }) => [key, valueOf(value)])),
  }
}

const valueOf = ({ stringValue, intValue, doubleValue, boolValue }: OtlpValue): Value =>
  stringValue ?? intValue ?? doubleValue ?? boolValue ?? ''

/** `GET /tweet/:id`, from the route of a span, which may have the expressions of its parameters. */
const routeOf = ({ attributes }: SeenSpan): string => {
  const path = String(attributes['http.route'] ?? '').replaceAll(/\{(?:[^{}]|\{[^}]*\})*\}/g, '')
  return `${String(attributes['http.request.method'])} ${path}`
}

/** A number of a span, 0 where it has none. */
export const numberOf = (span: SeenSpan | undefined, attribute: string): number =>
  Number(span?.attributes[attribute] ?? 0)

async function linesAt(url: string): Promise<SeenLine[]> {
  const lines: SeenLine[] = []
  let path: string | undefined = '/logs'
  for (let page = 0; path !== undefined && page < logPagesMax; page++) {
    const html = await pageAt(url + path)
    for (const [, item = ''] of html.matchAll(/<li class="log">(.*?)<\/li>/gs))
      lines.push({
        at: Date.parse(/datetime="([^"]+)"/.exec(item)?.[1] ?? ''),
        text: item.replaceAll(/<[^>]*>/g, ' ').replaceAll('&quot;', '"'),
        traceId: /href="\/traces\/([0-9a-f]{32})"/.exec(item)?.[1],
      })
    path = /href="(\/logs\?[^"]*before=\d+[^"]*)"/.exec(html)?.[1]?.replaceAll('&amp;', '&')
  }
  return lines.toReversed()
}

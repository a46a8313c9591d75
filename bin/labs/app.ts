// What a lab reads of the running app: only what everybody can see, its pages /traces, /logs and /routes and their JSON.
import { decodeHTML } from 'entities'

/** What stops a lab, in words for its reader. */
export class LabError extends Error {}

/** A line of /traces. */
export type Seen = {
  traceId: string
  /** Start in ms UTC. */
  at: number
  /** Method and route: `GET /timeline`. */
  title: string
  kind: string
  status: number
  /** Why it was refused; empty when it was not. */
  code: string
  queries: number
  ms: number
  sampled: boolean
  failed: boolean
}

/** A line of /logs. */
export type LogSeen = {
  at: number
  level: string
  sentence: string
  facts: string
  /** Undefined when the line names no trace. */
  traceId: string | undefined
}

export type SpanSeen = {
  id: string
  parentId: string
  name: string
  ms: number
  attributes: Record<string, string>
}

/** When a fault was active, ms UTC; `ended` is undefined while it is. */
export type Active = { began: number; ended: number | undefined }

const answerMs = 20_000
/** Of a list, 20 lines each. */
const pagesMax = 40

/** The running app. */
export class App {
  readonly url: string

  constructor(url: string) {
    this.url = url
  }

  /** The requests that pass these filters of /traces, the newest first. */
  async requests(filters: Record<string, string>): Promise<Seen[]> {
    const found: Seen[] = []
    let path: string | undefined = `/traces?${new URLSearchParams(filters)}`
    for (let pages = 0; path !== undefined && pages < pagesMax; pages++) {
      const page = await this.#page(path, '<tbody id="rows"')
      const rows = /<tbody id="rows"[^>]*>([^]*?)<\/tbody>/.exec(page)?.[1] ?? ''
      found.push(...pieces(rows, 'tr').map(requestIn))
      const older = /href="(\/traces\?[^"]*\bbefore=\d+[^"]*)"/.exec(page)?.[1]
      path = older && decodeHTML(older)
    }
    return found
  }

  /** The newest hundred lines of /logs that pass these filters, the newest first. */
  async logs(filters: Record<string, string>): Promise<LogSeen[]> {
    const page = await this.#page(`/logs?${new URLSearchParams(filters)}`, '<ol class="logs">')
    return pieces(/<ol class="logs">([^]*?)<\/ol>/.exec(page)?.[1] ?? '', 'li').map(lineIn)
  }

  /** The names in the first column of /routes. */
  async routes(): Promise<string[]> {
    const page = await this.#page('/routes', '<table class="requests sums">')
    const rows = /<table class="requests sums">[^]*?<tbody>([^]*?)<\/tbody>/.exec(page)?.[1] ?? ''
    return pieces(rows, 'tr').map((row) => textOf(pieces(row, 'td')[0] ?? ''))
  }

  /** The spans of a trace, and its size as OTLP JSON; undefined when the app has no such trace. */
  async trace(id: string): Promise<{ spans: SpanSeen[]; bytes: number } | undefined> {
    const answer = await this.get(`/traces/${id}/otlp.json`)
    if (answer.status === 404) return undefined
    const text = await answer.text()
    return { spans: spansIn(text), bytes: text.length }
  }

  /** When this fault was active, the oldest time first. */
  async timesOf(fault: string): Promise<Active[]> {
    const lines = (await this.logs({ q: fault, level: 'warn' })).filter(({ facts }) =>
      facts.includes(`app.fault.name=${fault} `),
    )
    const times: Active[] = []
    for (const { sentence, at } of lines.toReversed())
      if (sentence === 'fault started') times.push({ began: at, ended: undefined })
      else if (sentence === 'fault ended' && times.length > 0) times.at(-1)!.ended = at
    return times
  }

  /** When this fault was active last; undefined when it was not. */
  async lastActive(fault: string): Promise<Active | undefined> {
    return (await this.timesOf(fault)).at(-1)
  }

  /** A page of the inspector, which contains `mark` when it shows something. Throws a LabError. */
  async #page(path: string, mark: string): Promise<string> {
    const answer = await this.get(path)
    const html = await answer.text()
    if (answer.status === 200 && html.includes(mark)) return html
    throw new LabError(
      `The app at ${this.url} does not show ${path.split('?')[0]} (status ${answer.status}). ` +
        'Labs need a demo with the inspector: npm start, without DEMO=0 and INSPECT=0.',
    )
  }

  /** Sends a GET. Throws a LabError when nothing answers. */
  async get(path: string): Promise<Response> {
    try {
      return await fetch(`${this.url}${path}`, {
        headers: { Accept: 'text/html' },
        redirect: 'manual',
        signal: AbortSignal.timeout(answerMs),
      })
    } catch {
      throw new LabError(
        `No app answers at ${this.url}. Start it with npm start, or name its address with --url.`,
      )
    }
  }
}

const pieces = (html: string, tag: string): string[] =>
  [...html.matchAll(new RegExp(`<${tag}\\b[^>]*>[^]*?</${tag}>`, 'g'))].map(([piece]) => piece)

const textOf = (html: string): string => decodeHTML(html.replaceAll(/<[^>]*>/g, '')).trim()

const timeIn = (html: string): number =>
  Date.parse(/<time datetime="([^"]*)"/.exec(html)?.[1] ?? '')

const traceIn = (html: string): string | undefined => /\/traces\/([0-9a-f]{32})/.exec(html)?.[1]

/** `3.12 s` and `31.2 ms` in milliseconds. */
const msOf = (text: string): number => parseFloat(text) * (text.endsWith(' s') ? 1000 : 1)

function requestIn(row: string): Seen {
  const cells = pieces(row, 'td')
  const [, title = '', kind = '', status = '', queries = '', took = '', sampled = ''] =
    cells.map(textOf)
  return {
    traceId: traceIn(row) ?? '',
    at: timeIn(row),
    title,
    kind,
    status: Number(status) || 0,
    code: /title="([^"]*)"/.exec(cells[3] ?? '')?.[1] ?? '',
    queries: Number(queries),
    ms: msOf(took),
    sampled: sampled === 'yes',
    failed: row.startsWith('<tr class="failed"'),
  }
}

function lineIn(item: string): LogSeen {
  const [first = ''] = pieces(item, 'p')
  return {
    at: timeIn(item),
    level: textOf(pieces(item, 'b')[0] ?? ''),
    sentence: textOf(first.replace(/<small>[^]*<\/small>/, '')),
    // A space at the end, so that a value can be told from one that begins alike.
    facts: `${textOf(pieces(first, 'small')[0] ?? '')} `,
    traceId: traceIn(first),
  }
}

type OtlpValue = { stringValue?: string; intValue?: number | string; boolValue?: boolean }
type OtlpSpan = {
  spanId: string
  parentSpanId?: string
  name: string
  startTimeUnixNano: string
  endTimeUnixNano: string
  attributes: { key: string; value: OtlpValue & { doubleValue?: number } }[]
}
type Otlp = { resourceSpans: { scopeSpans: { spans: OtlpSpan[] }[] }[] }

function spansIn(text: string): SpanSeen[] {
  const { resourceSpans } = JSON.parse(text) as Otlp
  return resourceSpans
    .flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
    .map((span) => ({
      id: span.spanId,
      parentId: span.parentSpanId ?? '',
      name: span.name,
      ms: Number(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano)) / 1e6,
      attributes: Object.fromEntries(
        span.attributes.map(({ key, value }) => [key, String(Object.values(value)[0] ?? '')]),
      ),
    }))
}

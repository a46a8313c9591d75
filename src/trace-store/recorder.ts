// What the inspector shows: the newest traces and log lines of this process, in memory, within fixed bounds.
import { ATTR_URL_PATH } from '@opentelemetry/semantic-conventions'

import { requestOf } from './recorded-request.ts'
import { shorten, sizeOfLog, sizeOfSpan } from './recorded-size.ts'
import type { RecordedLog, RecordedRequest, RecordedSpan, RecordedTrace } from './recorded.ts'
import { Statistics } from './statistics.ts'

export const recorderBounds = {
  traces: 1000,
  traceBytes: 16 * 1024 * 1024,
  spansOfTrace: 1000,
  requestsOfTrace: 1000,
  /** Traces with an error, and the slowest ones, outlive the others. */
  errors: 100,
  slow: 50,
  open: 500,
  logs: 2000,
  logBytes: 4 * 1024 * 1024,
}

/** Spans of a request that has not ended, and how many more there were. */
type Open = { spans: RecordedSpan[]; cut: number }

type Listener = (request: RecordedRequest) => void

export class Recorder {
  readonly statistics = new Statistics()
  readonly #open = new Map<string, Open>()
  readonly #traces = new Map<string, RecordedTrace>()
  /** The same, oldest first: a map whose first entries keep going is slow to find its first one. */
  readonly #order: RecordedTrace[] = []
  readonly #errors = new Map<string, RecordedTrace>()
  #slow = new Map<string, RecordedTrace>()
  /** Only what took longer than this gets among the slowest, in ms. */
  #slowFrom = 0
  readonly #logs: RecordedLog[] = []
  readonly #listeners = new Set<Listener>()
  #traceBytes = 0
  #logBytes = 0
  #number = 0

  /** Takes a finished span. The root of a request comes last and closes it. */
  takeSpan(span: RecordedSpan): void {
    const { traceId } = span.spanContext()
    const isRoot = span.parentSpanContext === undefined || span.parentSpanContext.isRemote === true
    const open = this.#open.get(traceId)
    if (isRoot) return this.#close(traceId, open, span)
    const known = open ? undefined : this.#traces.get(traceId)
    if (known) return this.#add(known, span)
    return this.#await(traceId, open, span)
  }

  /** A request that runs for long, or never ends, must not fill the memory. */
  #await(traceId: string, open: Open | undefined, span: RecordedSpan): void {
    if (!open) {
      this.#open.set(traceId, { spans: [span], cut: 0 })
      if (this.#open.size > recorderBounds.open) this.#open.delete(this.#open.keys().next().value!)
    } else if (open.spans.length < recorderBounds.spansOfTrace - 1) open.spans.push(span)
    else open.cut += 1
  }

  /** How many spans wait for their request to end. */
  waiting(): number {
    return [...this.#open.values()].reduce((sum, { spans }) => sum + spans.length, 0)
  }

  takeLog(line: RecordedLog): void {
    if (isOurOwn(line.facts[ATTR_URL_PATH])) return
    const kept = shorten(line)
    this.#logs.push(kept)
    this.#logBytes += sizeOfLog(kept)
    while (this.#logs.length > recorderBounds.logs || this.#logBytes > recorderBounds.logBytes) {
      this.#logBytes -= sizeOfLog(this.#logs.shift()!)
    }
  }

  trace(id: string): RecordedTrace | undefined {
    return this.#traces.get(id) ?? this.#errors.get(id) ?? this.#slow.get(id)
  }

  /** Kept requests, newest first. */
  requests(): RecordedRequest[] {
    const all: RecordedRequest[] = []
    for (const kept of [this.#slow, this.#errors, this.#traces])
      for (const { requests } of kept.values()) all.push(...requests)
    return all.sort((one, other) => other.number - one.number)
  }

  /** The requests that htmx sent from a page, oldest first. */
  requestsOfPage(traceId: string): RecordedRequest[] {
    return this.requests()
      .filter((request) => request.pageTraceId === traceId)
      .toReversed()
  }

  /** Kept log lines, newest first. */
  logs(): RecordedLog[] {
    return this.#logs.toReversed()
  }

  /** Calls the listener with every new request until the returned function is called. */
  listen(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #close(traceId: string, open: Open | undefined, root: RecordedSpan): void {
    this.#open.delete(traceId)
    if (isOurOwn(root.attributes[ATTR_URL_PATH])) return
    const { spans, cut } = open ?? { spans: [], cut: 0 }
    spans.push(root)
    const trace = this.#traces.get(traceId) ?? this.#begin(traceId)
    for (const span of spans) this.#add(trace, span)
    trace.cut += cut
    const request = requestOf(root, ++this.#number)
    trace.requests.push(request)
    // A client that sends one traceparent for ever must not fill the memory.
    if (trace.requests.length > recorderBounds.requestsOfTrace) trace.requests.shift()
    this.statistics.take(request, spans)
    for (const listener of this.#listeners) listener(request)
    while (
      this.#traces.size > recorderBounds.traces ||
      this.#traceBytes > recorderBounds.traceBytes
    ) {
      this.#evict(this.#order.shift()!)
    }
  }

  #begin(id: string): RecordedTrace {
    const trace: RecordedTrace = { id, spans: [], cut: 0, bytes: 0, requests: [] }
    this.#traces.set(id, trace)
    this.#order.push(trace)
    return trace
  }

  #add(trace: RecordedTrace, span: RecordedSpan): void {
    if (trace.spans.length >= recorderBounds.spansOfTrace) {
      trace.cut += 1
      return
    }
    trace.spans.push(span)
    const bytes = sizeOfSpan(span)
    trace.bytes += bytes
    this.#traceBytes += bytes
  }

  #evict(trace: RecordedTrace): void {
    this.#traces.delete(trace.id)
    this.#traceBytes -= trace.bytes
    // These two keep few, and small ones: a large trace would take the room of all others.
    if (trace.bytes > recorderBounds.traceBytes / 100) return
    if (trace.requests.some((request) => request.failed)) {
      this.#errors.set(trace.id, trace)
      if (this.#errors.size > recorderBounds.errors)
        this.#errors.delete(this.#errors.keys().next().value!)
      return
    }
    if (slowness(trace) > this.#slowFrom) this.#keepSlow(trace)
  }

  #keepSlow(trace: RecordedTrace): void {
    const slowest = [...this.#slow.values(), trace]
      .sort((one, other) => slowness(other) - slowness(one))
      .slice(0, recorderBounds.slow)
    this.#slow = new Map(slowest.map((one) => [one.id, one]))
    if (slowest.length === recorderBounds.slow) this.#slowFrom = slowness(slowest.at(-1)!)
  }
}

const slowness = (trace: RecordedTrace) =>
  Math.max(0, ...trace.requests.map((request) => request.ms))

/** Looking must not fill what one looks at. */
const isOurOwn = (path: unknown): boolean =>
  typeof path === 'string' && /^\/(traces|logs|routes|static|livez|readyz)(\/|$)/.test(path)

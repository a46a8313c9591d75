// Keeps the newest traces and log lines of this process in memory, within fixed bounds, for the inspector.
import { ATTR_URL_PATH } from '@opentelemetry/semantic-conventions'

import type { ExportState } from './export-state.ts'
import { Fifo } from './fifo.ts'
import { LogStore } from './log-store.ts'
import { requestOf, slowestMs } from './recorded-request.ts'
import { sizeOfSpan } from './recorded-size.ts'
import type { RecordedLog, RecordedRequest, RecordedSpan, RecordedTrace } from './recorded.ts'
import { Statistics } from './statistics.ts'

/** Upper bounds of what the recorder keeps. */
export const recorderBounds = {
  traces: 1000,
  traceBytes: 16 * 1024 * 1024,
  spansOfTrace: 1000,
  requestsOfTrace: 1000,
  /** Numbers of traces with an error, and of the slowest traces, that are kept longer than the others. */
  errors: 100,
  slow: 50,
  /** Traces whose root span has not ended. */
  open: 500,
  logs: 2000,
  logBytes: 4 * 1024 * 1024,
  /** Spans, and log lines, that were taken and are not sorted in yet. */
  unsorted: 256,
}

/** The spans of a trace whose root span has not ended, and the number of spans that were not kept. */
type Open = { traceId: string; spans: RecordedSpan[]; cut: number }

type Listener = (request: RecordedRequest) => void

/** Keeps finished spans and log lines, and computes statistics of the requests. */
export class Recorder {
  /** The service.instance.id of this process. */
  readonly instance: string | undefined
  /** What became of the exports; empty while nothing is exported. */
  readonly exports: readonly ExportState[]
  #statistics = new Statistics()
  #newSpans: RecordedSpan[] = []
  #newLogs: RecordedLog[] = []
  /** Oldest first. An array: there are as many as requests run, and each would make a Map grow and shrink again. */
  readonly #open: Open[] = []
  readonly #traces = new Map<string, RecordedTrace>()
  /** The same traces, oldest first: after many deletions at its start, a Map finds its first entry slowly. */
  readonly #order = new Fifo<RecordedTrace>()
  readonly #errors = new Map<string, RecordedTrace>()
  #slow = new Map<string, RecordedTrace>()
  /** A trace must take longer than this (ms) to be kept as one of the slowest. */
  #slowFrom = 0
  readonly #logs = new LogStore(recorderBounds.logs, recorderBounds.logBytes)
  readonly #listeners = new Set<Listener>()
  #traceBytes = 0
  #number = 0
  #listed: RecordedRequest[] | undefined

  constructor({
    instance,
    exports = [],
  }: { instance?: string | undefined; exports?: readonly ExportState[] } = {}) {
    this.instance = instance
    this.exports = exports
  }

  /**
   * Takes a finished span. The root span of a request ends last and completes the request. It is sorted in when somebody
   * looks or listens, or with many others at once: code that runs once in a request is slow, because it is cold each time.
   */
  takeSpan(span: RecordedSpan): void {
    this.#newSpans.push(span)
    if (this.#newSpans.length >= recorderBounds.unsorted || this.#listeners.size > 0) this.#sortIn()
  }

  /** Takes a log line. Lines of requests to the inspector itself are left out. */
  takeLog(line: RecordedLog): void {
    this.#newLogs.push(line)
    // Those of no request may be as long as a megabyte, and are cut when they are sorted in.
    const isLong = line.ms === undefined
    if (isLong || this.#newLogs.length >= recorderBounds.unsorted) this.#sortIn()
  }

  #sortIn(): void {
    const [spans, lines] = [this.#newSpans, this.#newLogs]
    this.#newSpans = []
    this.#newLogs = []
    for (const span of spans) this.#sortSpan(span)
    for (const line of lines) if (!isOurOwn(line.facts[ATTR_URL_PATH])) this.#logs.take(line)
  }

  #sortSpan(span: RecordedSpan): void {
    const { traceId } = span.spanContext()
    const isRoot = span.parentSpanContext === undefined || span.parentSpanContext.isRemote === true
    const index = this.#open.findLastIndex((one) => one.traceId === traceId)
    const open = index < 0 ? undefined : this.#open[index]
    if (isRoot) {
      if (open) this.#open.splice(index, 1)
      return this.#close(traceId, open, span)
    }
    const known = open ? undefined : this.#traces.get(traceId)
    if (known) return this.#add(known, span)
    return this.#keepOpen(traceId, open, span)
  }

  /** Keeps a span until its root span ends. Bounded, because a request may run for long or never end. */
  #keepOpen(traceId: string, open: Open | undefined, span: RecordedSpan): void {
    if (!open) {
      this.#open.push({ traceId, spans: [span], cut: 0 })
      if (this.#open.length > recorderBounds.open) this.#open.shift()
    } else if (open.spans.length < recorderBounds.spansOfTrace - 1) open.spans.push(span)
    else open.cut += 1
  }

  /** Rates, errors and durations since the start or the last `clear`. */
  get statistics(): Statistics {
    this.#sortIn()
    return this.#statistics
  }

  /** Number of spans whose root span has not ended. */
  waiting(): number {
    this.#sortIn()
    return this.#open.reduce((sum, { spans }) => sum + spans.length, 0)
  }

  /** The trace with this id (32 hex digits), if it is still kept. */
  trace(id: string): RecordedTrace | undefined {
    this.#sortIn()
    return this.#traces.get(id) ?? this.#errors.get(id) ?? this.#slow.get(id)
  }

  /** All kept requests, newest first. The list is kept until the next request: pages and charts ask for it often. */
  requests(): readonly RecordedRequest[] {
    this.#sortIn()
    if (this.#listed) return this.#listed
    const all: RecordedRequest[] = []
    for (const kept of [this.#slow, this.#errors, this.#traces])
      for (const { requests } of kept.values()) all.push(...requests)
    this.#listed = all.sort((one, other) => other.number - one.number)
    return this.#listed
  }

  /** The requests that htmx sent from the page with this trace id, oldest first. */
  requestsOfPage(traceId: string): RecordedRequest[] {
    return this.requests()
      .filter((request) => request.pageTraceId === traceId)
      .toReversed()
  }

  /** All kept log lines, newest first. */
  logs(): RecordedLog[] {
    this.#sortIn()
    return this.#logs.newestFirst()
  }

  /** The number of the newest log line, the 1st of this process being 1; those before it count down. */
  get newestLog(): number {
    this.#sortIn()
    return this.#logs.taken
  }

  /** Forgets all traces, log lines and statistics; requests that are still running are recorded. */
  clear(): void {
    this.#sortIn() // the spans of requests that are still running
    for (const kept of [this.#traces, this.#errors, this.#slow]) kept.clear()
    this.#order.clear()
    this.#listed = undefined
    this.#logs.clear()
    this.#traceBytes = 0
    this.#slowFrom = 0
    this.#statistics = new Statistics()
  }

  /** Calls the listener with every new request until the returned function is called. */
  listen(listener: Listener): () => void {
    this.#sortIn() // it hears of those from now on
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #close(traceId: string, open: Open | undefined, root: RecordedSpan): void {
    if (isOurOwn(root.attributes[ATTR_URL_PATH])) return
    this.#listed = undefined
    const { spans: grown, cut }: Pick<Open, 'spans' | 'cut'> = open ?? { spans: [], cut: 0 }
    grown.push(root)
    const spans = grown.slice() // which has no room for more, while `push` leaves room for sixteen
    const request = requestOf(root, ++this.#number)
    const known = this.#traces.get(traceId)
    if (known) this.#continue(known, spans, request)
    else this.#begin({ id: traceId, spans, cut: 0, bytes: 0, requests: [request] })
    if (cut > 0) this.#traces.get(traceId)!.cut += cut
    this.#statistics.take(request, spans)
    for (const listener of this.#listeners) listener(request)
    while (
      this.#traces.size > recorderBounds.traces ||
      this.#traceBytes > recorderBounds.traceBytes
    ) {
      this.#evict(this.#order.shift()!)
    }
  }

  #begin(trace: RecordedTrace): void {
    this.#traces.set(trace.id, trace)
    this.#order.push(trace)
    for (const span of trace.spans) this.#count(trace, span)
  }

  /** Adds a request to a trace that has one: a browser or a load generator sent several in one trace. */
  #continue(trace: RecordedTrace, spans: RecordedSpan[], request: RecordedRequest): void {
    for (const span of spans) this.#add(trace, span)
    trace.requests.push(request)
    // Bounded, because a client may send the same traceparent with every request.
    if (trace.requests.length > recorderBounds.requestsOfTrace) trace.requests.shift()
  }

  #add(trace: RecordedTrace, span: RecordedSpan): void {
    if (trace.spans.length >= recorderBounds.spansOfTrace) {
      trace.cut += 1
      return
    }
    trace.spans.push(span)
    this.#count(trace, span)
  }

  #count(trace: RecordedTrace, span: RecordedSpan): void {
    const bytes = sizeOfSpan(span)
    trace.bytes += bytes
    this.#traceBytes += bytes
  }

  #evict(trace: RecordedTrace): void {
    this.#traces.delete(trace.id)
    this.#traceBytes -= trace.bytes
    // `traceBytes` does not count these two maps. So they keep only small traces, at most 1 % of that bound each.
    if (trace.bytes > recorderBounds.traceBytes / 100) return
    if (trace.requests.some((request) => request.failed)) {
      this.#errors.set(trace.id, trace)
      if (this.#errors.size > recorderBounds.errors)
        this.#errors.delete(this.#errors.keys().next().value!)
      return
    }
    if (slowestMs(trace.requests) > this.#slowFrom) this.#keepSlow(trace)
  }

  #keepSlow(trace: RecordedTrace): void {
    const slowest = [...this.#slow.values(), trace]
      .sort((one, other) => slowestMs(other.requests) - slowestMs(one.requests))
      .slice(0, recorderBounds.slow)
    this.#slow = new Map(slowest.map((one) => [one.id, one]))
    if (slowest.length === recorderBounds.slow) this.#slowFrom = slowestMs(slowest.at(-1)!.requests)
  }
}

/** Requests to the inspector, to static files and of health checks are not recorded: they would displace the others. */
function isOurOwn(path: unknown): boolean {
  if (typeof path !== 'string') return false
  const end = path.indexOf('/', 1)
  return ours.has(end < 0 ? path : path.slice(0, end))
}

const ours = new Set(['/traces', '/logs', '/routes', '/static', '/livez', '/readyz'])

import {
  context,
  createContextKey,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
} from '@opentelemetry/api'
import {
  ATTR_DB_NAMESPACE,
  ATTR_DB_OPERATION_BATCH_SIZE,
  ATTR_DB_QUERY_SUMMARY,
  ATTR_DB_QUERY_TEXT,
  ATTR_DB_RESPONSE_STATUS_CODE,
  ATTR_DB_SYSTEM_NAME,
  ATTR_ERROR_TYPE,
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
} from '@opentelemetry/semantic-conventions'

import { Refusal } from '../base/refusal.ts'
import { faultPoints } from './fault-points.ts'
import { measured } from './metrics.ts'
import { tracer } from './tracer.ts'

/** The cost of one request, added up while it runs, and its clock. Milliseconds and bytes. */
export type RequestCosts = {
  queries: number
  queryMs: number
  rows: number
  renderMs: number
  /** Time in queues, at locks and for others' work; the part of it inside of queries; and time in bcrypt. */
  waitMs: number
  queryWaitMs: number
  hashMs: number
  /** Time before the first query, wait or handler, and time of the handler itself. */
  middlewareMs: number
  handlerMs: number
  isInMiddleware: boolean
  queriesNow: number
  bytes: number
  /** The start of the request on both clocks: Date.now() and performance.now(). */
  wall: number
  started: number
}

/** Zero costs, for a request that begins now, or for work that belongs to none. */
export const newCosts = (isRequest: boolean): RequestCosts => ({
  queries: 0,
  queryMs: 0,
  rows: 0,
  renderMs: 0,
  waitMs: 0,
  queryWaitMs: 0,
  hashMs: 0,
  middlewareMs: 0,
  handlerMs: 0,
  isInMiddleware: isRequest,
  queriesNow: 0,
  bytes: 0,
  wall: Date.now() + faultPoints.clockAheadMs,
  started: performance.now(),
})

const nanosUntil = (costs: RequestCosts, at: number) => Math.round((at - costs.started) * 1e6)

/** Milliseconds from the start of a request to `at` (performance.now), rounded to nanoseconds as in its span. */
export const elapsedMs = (costs: RequestCosts, at: number): number => nanosUntil(costs, at) / 1e6

/**
 * Converts a moment of a request (performance.now) to seconds and nanoseconds, UTC. Without a given time the SDK rounds
 * the start of each span to a millisecond. With one clock for all its spans, a trace shows a span of 0.2 ms correctly.
 */
export function timeAt(costs: RequestCosts, at = performance.now()): [number, number] {
  const nanos = (costs.wall % 1000) * 1e6 + nanosUntil(costs, at)
  return [Math.floor(costs.wall / 1000) + Math.floor(nanos / 1e9), nanos % 1e9]
}

/** The key of the costs in the OpenTelemetry context of a traced request. */
export const costsKey = createContextKey('costs of this request')

/** The costs of the current request; undefined outside of a traced request. */
export const requestCosts = () => costsIn(context.active())

/** The costs of the request in whose context this is. */
export const costsIn = (of: Context) => of.getValue(costsKey) as RequestCosts | undefined

/** The database that a query goes to. `server` is the address of one that is reached over the network. */
export type DatabasePlace = { namespace: string; server?: { address: string; port: number } }

/** A statement, or a batch of them: its summary, its SQL with placeholders and the hash of that, and its database. */
export type Statement = {
  summary: string
  text: string
  hash: string
  place: DatabasePlace
  batchSize: number
}

/** What is recorded of a statement. Made once for each, because it is the same whenever the statement runs. */
export type QueryFacts = Statement & { ofSpan: Attributes; ofMetric: Attributes }

/** The attribute that distinguishes statements with the same summary. */
const queryHash = 'app.db.query.hash'

const startQuery = (facts: QueryFacts, costs: RequestCosts | undefined, parent: Context) =>
  tracer.startSpan(
    facts.summary,
    costs ? { kind: SpanKind.CLIENT, startTime: timeAt(costs) } : { kind: SpanKind.CLIENT },
    faultPoints.losesParent?.() ? ROOT_CONTEXT : parent,
  )

/**
 * The attributes of a query's span. Of a usual one they are a literal, with the names as text: a copy with one more would be
 * two objects for the inspector to keep (plain-span.ts).
 */
function queryAttributes(facts: QueryFacts, returned: number): Attributes {
  const { place, batchSize } = facts
  if (place.server || batchSize > 1)
    return Object.assign({}, facts.ofSpan, { 'db.response.returned_rows': returned })
  return {
    'db.system.name': 'sqlite',
    'db.namespace': place.namespace,
    'db.query.summary': facts.summary,
    'app.db.query.hash': facts.hash,
    'db.query.text': facts.text,
    'db.response.returned_rows': returned,
  }
}

type Past = { costs: RequestCosts; from: number; to: number; failure?: string | undefined }

/** Shorter pieces of a request get no span: it would cost more than it says. They are in the attributes of the request. */
const spanFromMs = 1

/**
 * Makes a span of work that is over and took a millisecond or more, below the active span; from and to are moments of
 * performance.now().
 */
export function tracePast(name: string, { costs, from, to, failure }: Past): void {
  if (to - from < spanFromMs || !trace.getActiveSpan()?.isRecording()) return
  endMiddleware(costs, from)
  const span = tracer.startSpan(name, { startTime: timeAt(costs, from) })
  if (failure !== undefined) {
    span.setAttribute(ATTR_ERROR_TYPE, failure)
    span.setStatus({ code: SpanStatusCode.ERROR })
  }
  span.end(timeAt(costs, to))
}

/** Ends a request's time before its first query, wait or handler, which begins now or began at `at`. */
export function endMiddleware(costs: RequestCosts | undefined, at = performance.now()): void {
  if (!costs?.isInMiddleware) return
  costs.isInMiddleware = false
  costs.middlewareMs = at - costs.started
  tracePast('middleware', { costs, from: costs.started, to: at })
}

/**
 * Runs a query in a CLIENT span and measures its duration. `rows` reads the number of rows from the result. Not `async`: that
 * would be one more promise for each query, and Node 20 calls a hook for each while a request is traced.
 */
export function traceQuery<T>(
  facts: QueryFacts,
  run: () => Promise<T>,
  rows: (result: T) => number,
): Promise<T> {
  const active = context.active() // once, because the lookup is not cheap
  const parent = trace.getSpan(active)
  // No span when the request is not recorded, and none without a parent span (at start, in a timer): a trace of one
  // query is of no use.
  const costs = costsIn(active)
  if (costs) {
    endMiddleware(costs)
    costs.queriesNow += 1
  }
  const span = parent?.isRecording() ? startQuery(facts, costs, active) : undefined
  const started = performance.now()
  const end = (returned: number, failure?: string) => {
    const ms = performance.now() - started
    addCosts(costs, ms, returned)
    span?.end(costs && timeAt(costs))
    const about = facts.ofMetric
    measured().queries.record(
      ms / 1000,
      failure === undefined ? about : { ...about, [ATTR_ERROR_TYPE]: failure },
    )
  }
  // The span is active during the query: the span of the HTTP request to a libSQL server becomes its child.
  const running = span ? context.with(trace.setSpan(active, span), run) : run()
  return running.then(
    (result) => {
      const returned = rows(result)
      span?.setAttributes(queryAttributes(facts, returned))
      end(returned)
      return result
    },
    (error: unknown) => {
      const failure = failureOf(error)
      span?.setAttributes({
        ...facts.ofSpan,
        [ATTR_ERROR_TYPE]: failure,
        ...(failure.startsWith('SQLITE_') && { [ATTR_DB_RESPONSE_STATUS_CODE]: failure }),
      })
      span?.setStatus({ code: SpanStatusCode.ERROR })
      end(0, failure)
      throw error
    },
  )
}

/** Describes a statement for its spans and for the metric. */
export function describeStatement(statement: Statement): QueryFacts {
  const { summary, text, hash, batchSize, place } = statement
  const ofMetric: Attributes = {
    [ATTR_DB_SYSTEM_NAME]: 'sqlite',
    [ATTR_DB_NAMESPACE]: place.namespace,
    [ATTR_DB_QUERY_SUMMARY]: summary,
    [queryHash]: hash,
    ...(place.server && {
      [ATTR_SERVER_ADDRESS]: place.server.address,
      [ATTR_SERVER_PORT]: place.server.port,
    }),
  }
  const ofSpan: Attributes = {
    ...ofMetric,
    [ATTR_DB_QUERY_TEXT]: text,
    ...(batchSize > 1 && { [ATTR_DB_OPERATION_BATCH_SIZE]: batchSize }),
  }
  return { ...statement, ofSpan, ofMetric }
}

/** The value of `error.type`: SQLite's extended code such as `SQLITE_FULL`, a Refusal's code, or the error's name. */
export function failureOf(error: unknown): string {
  if (!(error instanceof Error)) return 'Error'
  if (error instanceof Refusal) return error.code
  if ('extendedCode' in error && error.extendedCode) return String(error.extendedCode)
  return 'code' in error && error.code ? String(error.code) : error.name
}

function addCosts(costs: RequestCosts | undefined, ms: number, returned: number): void {
  if (!costs) return
  costs.queriesNow -= 1
  costs.queries += 1
  costs.queryMs += ms
  costs.rows += returned
}

import {
  context,
  createContextKey,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
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
import { measured } from './metrics.ts'

/** What one request cost, summed up while it runs, and its clock. Milliseconds and bytes. */
export type RequestCosts = {
  queries: number
  queryMs: number
  rows: number
  renderMs: number
  bytes: number
  /** The same moment on both clocks: ms UTC and performance.now(). */
  wall: number
  started: number
}

/** The costs of a request that begins now. */
export const newCosts = (): RequestCosts => ({
  queries: 0,
  queryMs: 0,
  rows: 0,
  renderMs: 0,
  bytes: 0,
  wall: Date.now(),
  started: performance.now(),
})

const nanosUntil = (costs: RequestCosts, at: number) => Math.round((at - costs.started) * 1e6)

/** From the start of a request to a moment of it, in ms of whole nanoseconds: the very number its span will say. */
export const elapsedMs = (costs: RequestCosts, at: number): number => nanosUntil(costs, at) / 1e6

/**
 * A moment of a request (performance.now) as seconds and nanoseconds. The SDK starts each span on the millisecond of
 * its own; with one clock for all of them, a span of 0.2 ms stands where it was.
 */
export function timeAt(costs: RequestCosts, at = performance.now()): [number, number] {
  const nanos = (costs.wall % 1000) * 1e6 + nanosUntil(costs, at)
  return [Math.floor(costs.wall / 1000) + Math.floor(nanos / 1e9), nanos % 1e9]
}

/** Where the context of a traced request keeps its costs. */
export const costsKey = createContextKey('costs of this request')

/** The costs of the request under way; undefined outside of a traced request. */
export const requestCosts = () => context.active().getValue(costsKey) as RequestCosts | undefined

/** Which database is asked; `server` is where one over the network answers. */
export type DatabasePlace = { namespace: string; server?: { address: string; port: number } }

/** What a query span says: its summary, its SQL with placeholders, and how many statements a batch has. */
export type QueryFacts = { summary: string; text: string; place: DatabasePlace; batchSize: number }

const tracer = trace.getTracer('tracewren')

/** A CLIENT span around one query and its duration as a metric; `rows` reads the number of rows from its result. */
export async function traceQuery<T>(
  facts: QueryFacts,
  run: () => Promise<T>,
  rows: (result: T) => number,
): Promise<T> {
  const parent = trace.getActiveSpan()
  // No shells: neither children of a request that is not sampled, nor traces of one query from a timer or the start.
  const costs = requestCosts()
  const span = parent?.isRecording() ? tracer.startSpan(facts.summary, startOf(costs)) : undefined
  if (span?.isRecording()) span.setAttributes(describeQuery(facts))
  const started = performance.now()
  let failure: string | undefined
  try {
    // A libSQL server is reached by fetch, whose own span belongs under this one.
    const result = await (span ? context.with(trace.setSpan(context.active(), span), run) : run())
    const returned = rows(result)
    span?.setAttribute('db.response.returned_rows', returned)
    addCosts(costs, performance.now() - started, returned)
    return result
  } catch (error) {
    failure = failureOf(error)
    span?.setAttributes({
      [ATTR_ERROR_TYPE]: failure,
      ...(failure.startsWith('SQLITE_') && { [ATTR_DB_RESPONSE_STATUS_CODE]: failure }),
    })
    span?.setStatus({ code: SpanStatusCode.ERROR })
    addCosts(costs, performance.now() - started, 0)
    throw error
  } finally {
    span?.end(costs && timeAt(costs))
    const about = describePlace(facts)
    if (failure !== undefined) about[ATTR_ERROR_TYPE] = failure
    measured().queries.record((performance.now() - started) / 1000, about)
  }
}

/** What span and metric say of a query. */
function describePlace({ summary, place: { namespace, server } }: QueryFacts): Attributes {
  const about: Attributes = {
    [ATTR_DB_SYSTEM_NAME]: 'sqlite',
    [ATTR_DB_NAMESPACE]: namespace,
    [ATTR_DB_QUERY_SUMMARY]: summary,
  }
  if (server) {
    about[ATTR_SERVER_ADDRESS] = server.address
    about[ATTR_SERVER_PORT] = server.port
  }
  return about
}

function describeQuery(facts: QueryFacts): Attributes {
  const about = describePlace(facts)
  about[ATTR_DB_QUERY_TEXT] = facts.text
  if (facts.batchSize > 1) about[ATTR_DB_OPERATION_BATCH_SIZE] = facts.batchSize
  return about
}

/** What `error.type` says: SQLite's extended code (`SQLITE_CONSTRAINT_UNIQUE`), a refusal's code, else the error's name. */
export function failureOf(error: unknown): string {
  if (!(error instanceof Error)) return 'Error'
  if (error instanceof Refusal) return error.code
  if ('extendedCode' in error && error.extendedCode) return String(error.extendedCode)
  return 'code' in error && error.code ? String(error.code) : error.name
}

const startOf = (costs: RequestCosts | undefined) => ({
  kind: SpanKind.CLIENT,
  ...(costs && { startTime: timeAt(costs) }),
})

function addCosts(costs: RequestCosts | undefined, ms: number, returned: number): void {
  if (!costs) return
  costs.queries += 1
  costs.queryMs += ms
  costs.rows += returned
}

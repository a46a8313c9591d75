import {
  context,
  createContextKey,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
} from '@opentelemetry/api'

import { measured } from './metrics.ts'

/** What one request cost, summed up while it runs. Milliseconds. */
export type RequestCosts = { queries: number; queryMs: number; rows: number; renderMs: number }

/** Where the context of a traced request keeps its costs. */
export const costsKey = createContextKey('costs of this request')

/** The costs of the request under way; undefined outside of a traced request. */
export const requestCosts = () => context.active().getValue(costsKey) as RequestCosts | undefined

/** What a query span says: its summary, its SQL with placeholders, and how many statements a batch has. */
export type QueryFacts = { summary: string; text: string; namespace: string; batchSize: number }

const tracer = trace.getTracer('tracewren')

/** A CLIENT span around one query and its duration as a metric; `rows` reads the number of rows from its result. */
export async function traceQuery<T>(
  facts: QueryFacts,
  run: () => Promise<T>,
  rows: (result: T) => number,
): Promise<T> {
  const parent = trace.getActiveSpan()
  // No shells: neither children of a request that is not sampled, nor traces of one query from a timer or the start.
  const span = parent?.isRecording()
    ? tracer.startSpan(facts.summary, { kind: SpanKind.CLIENT })
    : undefined
  if (span?.isRecording()) span.setAttributes(describeQuery(facts))
  const started = performance.now()
  let failure: string | undefined
  try {
    // A libSQL server is reached by fetch, whose own span belongs under this one.
    const result = await (span ? context.with(trace.setSpan(context.active(), span), run) : run())
    const returned = rows(result)
    span?.setAttribute('db.response.returned_rows', returned)
    addCosts(performance.now() - started, returned)
    return result
  } catch (error) {
    failure = failureOf(error)
    span?.setAttributes({
      'error.type': failure,
      ...(failure.startsWith('SQLITE_') && { 'db.response.status_code': failure }),
    })
    span?.setStatus({ code: SpanStatusCode.ERROR })
    addCosts(performance.now() - started, 0)
    throw error
  } finally {
    span?.end()
    measured().queries.record((performance.now() - started) / 1000, {
      'db.system.name': 'sqlite',
      'db.namespace': facts.namespace,
      'db.query.summary': facts.summary,
      ...(failure !== undefined && { 'error.type': failure }),
    })
  }
}

const describeQuery = (facts: QueryFacts): Attributes => ({
  'db.system.name': 'sqlite',
  'db.namespace': facts.namespace,
  'db.query.summary': facts.summary,
  'db.query.text': facts.text,
  ...(facts.batchSize > 1 && { 'db.operation.batch.size': facts.batchSize }),
})

/** SQLite's extended code (`SQLITE_CONSTRAINT_UNIQUE`), else the name of the error. */
function failureOf(error: unknown): string {
  if (!(error instanceof Error)) return 'Error'
  if ('extendedCode' in error && error.extendedCode) return String(error.extendedCode)
  return 'code' in error && error.code ? String(error.code) : error.name
}

function addCosts(ms: number, returned: number): void {
  const costs = requestCosts()
  if (!costs) return
  costs.queries += 1
  costs.queryMs += ms
  costs.rows += returned
}

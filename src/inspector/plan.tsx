import { ATTR_DB_QUERY_TEXT } from '@opentelemetry/semantic-conventions'

import { explain, type Db } from '../db/db.ts'
import type { RecordedSpan } from '../trace-store/recorded.ts'

const statementsShown = 10

/** A link that loads the query plan. */
export const PlanLink = ({ traceId, spanId }: { traceId: string; spanId: string }) => (
  <a
    href={`/traces/${traceId}/plan/${spanId}`}
    hx-get={`/traces/${traceId}/plan/${spanId}`}
    hx-swap='outerHTML'
  >
    How SQLite runs it
  </a>
)

/** The plans of a query, or of each statement of a batch. */
export async function plansOf(db: Db, span: RecordedSpan): Promise<string[]> {
  const texts = String(span.attributes[ATTR_DB_QUERY_TEXT] ?? '').split(';\n')
  return Promise.all(texts.slice(0, statementsShown).map((text) => planOf(db, text)))
}

async function planOf(db: Db, text: string): Promise<string> {
  // EXPLAIN fails, too, if the statement failed when it ran, for example because a table is missing.
  const steps = await explain(db, text).catch(() => undefined)
  if (!steps) return 'SQLite has no plan for this statement now.'
  if (steps.length === 0) return 'Nothing is looked up: this only writes.'
  return steps.map(({ step, depth }) => '  '.repeat(depth) + step).join('\n')
}

export const Plans = ({ plans }: { plans: string[] }) => (
  <span class='plans'>
    {plans.map((plan) => (
      <code class='plan'>{plan}</code>
    ))}
  </span>
)

import assert from 'node:assert/strict'

import type { Answer } from './harness.ts'

/** Fails when an answer took more queries than `max`, and lists them. */
export function expectQueries(answer: Pick<Answer, 'queries'>, max: number): void {
  const count = answer.queries.length
  const listed = answer.queries.map(
    (span) =>
      `  ${span.name}: ${String(span.attributes['db.query.text']).replace(/\s+/g, ' ').slice(0, 200)}`,
  )
  assert.ok(count <= max, `${count} queries, but the budget is ${max}:\n${listed.join('\n')}`)
}

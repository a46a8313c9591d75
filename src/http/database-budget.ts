import { createMiddleware } from 'hono/factory'

import type { Settings } from '../config/env.ts'
import { withinBudget } from '../db/request-budget.ts'
import type { Env } from './context.ts'

/** What a request may wait for the server beyond the timeout of one statement, in all its statements. */
const beyondMs = 2000

/** Bounds how long a request waits for a libSQL server, because a person waits for its answer. Undefined for a file. */
export function databaseBudget({ DATABASE_URL, DATABASE_TIMEOUT_MS }: Settings) {
  if (DATABASE_URL.startsWith('file:')) return undefined
  return createMiddleware<Env>((_, next) => withinBudget(DATABASE_TIMEOUT_MS + beyondMs, next))
}

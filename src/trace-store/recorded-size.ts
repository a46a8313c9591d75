// Estimates the memory that recorded spans and log lines take, and shortens long log lines.
import {
  ATTR_DB_QUERY_TEXT,
  ATTR_URL_PATH,
  ATTR_URL_QUERY,
  ATTR_USER_AGENT_ORIGINAL,
} from '@opentelemetry/semantic-conventions'

import type { RecordedLog, RecordedSpan } from './recorded.ts'

/** A longer message or attribute of a log line is cut to this number of characters. */
export const textMax = 8192

/** The span attributes that a client can make long. */
const longTexts = [ATTR_URL_PATH, ATTR_URL_QUERY, ATTR_USER_AGENT_ORIGINAL, ATTR_DB_QUERY_TEXT]

// The two sizes are computed for each request: with loops, because Object.keys and Object.values make arrays.

/** The estimated size of a span in bytes. */
export function sizeOfSpan({ attributes }: RecordedSpan): number {
  let bytes = 600
  for (const _name in attributes) bytes += 40
  for (const name of longTexts) {
    const text = attributes[name]
    if (typeof text === 'string') bytes += text.length
  }
  return bytes
}

/** The estimated size of a log line in bytes. */
export function sizeOfLog({ message, facts }: RecordedLog): number {
  let bytes = 200 + message.length
  for (const name in facts) {
    const fact = facts[name]
    bytes += 40 + (typeof fact === 'string' ? fact.length : 0)
  }
  return bytes
}

const isLong = (value: unknown): value is string =>
  typeof value === 'string' && value.length > textMax

const cutText = (text: string) =>
  `${text.slice(0, textMax)}\u2026 (${(text.length - textMax).toLocaleString('en')} more characters)`

/** A copy of the line in which the message and the attributes that are too long are cut. */
export function shorten(line: RecordedLog): RecordedLog {
  const { message, facts } = line
  return {
    ...line,
    message: isLong(message) ? cutText(message) : message,
    facts: Object.fromEntries(
      Object.entries(facts).map(([name, value]) => [name, isLong(value) ? cutText(value) : value]),
    ),
  }
}

// Estimates the memory that recorded spans and log lines take, and shortens long log lines.
import {
  ATTR_DB_QUERY_TEXT,
  ATTR_URL_PATH,
  ATTR_URL_QUERY,
  ATTR_USER_AGENT_ORIGINAL,
} from '@opentelemetry/semantic-conventions'

import type { RecordedLog, RecordedSpan } from './recorded.ts'

/** A longer message or attribute of a log line is cut to this number of characters. */
const textMax = 8192

/** The span attributes that a client can make long. */
const longTexts = [ATTR_URL_PATH, ATTR_URL_QUERY, ATTR_USER_AGENT_ORIGINAL, ATTR_DB_QUERY_TEXT]

/** The estimated size of a span in bytes. */
export const sizeOfSpan = ({ attributes }: RecordedSpan): number =>
  600 +
  40 * Object.keys(attributes).length +
  longTexts.reduce(
    (sum, name) => sum + (typeof attributes[name] === 'string' ? attributes[name].length : 0),
    0,
  )

const isLong = (value: unknown): value is string =>
  typeof value === 'string' && value.length > textMax

const cutText = (text: string) =>
  `${text.slice(0, textMax)}\u2026 (${(text.length - textMax).toLocaleString('en')} more characters)`

/** The line itself, or a copy in which the message and the attributes that are too long are cut. */
export function shorten(line: RecordedLog): RecordedLog {
  const { message, facts } = line
  if (!isLong(message) && !Object.values(facts).some(isLong)) return line
  return {
    ...line,
    message: isLong(message) ? cutText(message) : message,
    facts: Object.fromEntries(
      Object.entries(facts).map(([name, value]) => [name, isLong(value) ? cutText(value) : value]),
    ),
  }
}

/** The estimated size of a log line in bytes. */
export const sizeOfLog = ({ message, facts }: RecordedLog): number =>
  200 +
  message.length +
  Object.values(facts).reduce<number>(
    (sum, fact) => sum + 40 + (typeof fact === 'string' ? fact.length : 0),
    0,
  )

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

// The sizes are computed for each request: with loops, because Object.keys and Object.values make arrays, and with names
// that stand in the code, because looking up those in variables takes several times as long.

/** The estimated size of a span's attributes. A client can make the texts with these names long, and no others. */
function sizeOfAttributes(attributes: Record<string, unknown>): number {
  let bytes = 0
  for (const _name in attributes) bytes += 40
  return (
    bytes +
    lengthOf(attributes[ATTR_URL_PATH]) +
    lengthOf(attributes[ATTR_URL_QUERY]) +
    lengthOf(attributes[ATTR_USER_AGENT_ORIGINAL]) +
    lengthOf(attributes[ATTR_DB_QUERY_TEXT])
  )
}

const lengthOf = (value: unknown): number => (typeof value === 'string' ? value.length : 0)

/** The estimated size of a span in bytes. */
export const sizeOfSpan = ({ attributes }: RecordedSpan): number =>
  600 + sizeOfAttributes(attributes)

/** The estimated size of a log line in bytes. */
export function sizeOfLog({ message, facts, ms }: RecordedLog): number {
  // The facts of a request are the attributes of its span.
  if (ms !== undefined) return 200 + sizeOfAttributes(facts)
  let bytes = 200 + message.length
  for (const name in facts) bytes += 40 + lengthOf(facts[name])
  return bytes
}

const isLong = (value: unknown): value is string =>
  typeof value === 'string' && value.length > textMax

function cutText(text: string): string {
  // A copy: V8's `slice` keeps the whole text in memory.
  const kept = Buffer.from(text.slice(0, textMax), 'utf16le').toString('utf16le')
  return `${kept}\u2026 (${(text.length - textMax).toLocaleString('en')} more characters)`
}

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

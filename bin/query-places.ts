// For `npm run dev`: the span of each query gets the place in the code that asked for it. A built server has none of
// this, because a stack for each query costs more than many queries do.
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'

import { trace } from '@opentelemetry/api'
import { ATTR_CODE_FILE_PATH, ATTR_CODE_LINE_NUMBER } from '@opentelemetry/semantic-conventions'

import { FileClient } from '../src/db/libsql-file.ts'
import { turns } from '../src/db/together.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const framesMax = 50
/** What every query passes through. */
const passedThrough =
  /^(node_modules|bin)\/|^src\/(telemetry\/|db\/(db|drizzle|together|database-file|libsql-\w+)\.ts$)/

type Place = { file: string; line: number }

/** The nearest place in the stack that is not part of how queries are run. */
export function placeIn(stack: string): Place | undefined {
  for (const [, path, line] of stack.matchAll(/\(?(?:file:\/\/)?(\/[^():]+):(\d+):\d+\)?$/gm)) {
    const file = relative(root, path!)
    if (file.startsWith('src/') && !passedThrough.test(file)) return { file, line: Number(line) }
  }
  return undefined
}

function placeHere(): Place | undefined {
  const frames = Error.stackTraceLimit
  Error.stackTraceLimit = framesMax
  const place = placeIn(new Error('here').stack ?? '')
  Error.stackTraceLimit = frames
  return place
}

/** The place of a query that has waited for its turn, and runs now. */
let placeOfTurn: Place | undefined

function notePlace(): void {
  const place = placeOfTurn ?? placeHere()
  placeOfTurn = undefined
  const span = trace.getActiveSpan()
  if (!place || !span?.isRecording()) return
  span.setAttributes({ [ATTR_CODE_FILE_PATH]: place.file, [ATTR_CODE_LINE_NUMBER]: place.line })
}

/** Makes the client of database files note the place of each query; the query's span is active when it runs. */
export function noteQueryPlaces(): void {
  turns.note = () => {
    const place = placeHere()
    return () => (placeOfTurn = place)
  }
  for (const name of ['execute', 'batch'] as const) {
    const { value } = Object.getOwnPropertyDescriptor(FileClient.prototype, name)!
    const run = value as (...given: unknown[]) => unknown
    Object.defineProperty(FileClient.prototype, name, {
      value(this: FileClient, ...given: unknown[]) {
        notePlace()
        return run.apply(this, given)
      },
      configurable: true,
      writable: true,
    })
  }
}

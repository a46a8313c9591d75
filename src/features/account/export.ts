// All data of a person as one JSON file, written while it is read: a page of rows at a time, one export at a time.
import { setImmediate as turn } from 'node:timers/promises'

import type { Context } from 'hono'

import { Refusal } from '../../base/refusal.ts'
import { shutdownSignal } from '../../base/shutdown.ts'
import type { Db } from '../../db/db.ts'
import { type Env, router } from '../../http/context.ts'
import { traced } from '../../http/request-span.ts'
import { signedIn } from '../../http/sessions.ts'
import { annotate, inBackground, untraced } from '../../telemetry/spans.ts'
import { profileOf, sections } from './export-sections.ts'

/** How slowly a client may read: it has this long for the first bytes, and on average so many bytes in a millisecond. */
export type Pace = { firstMs: number; bytesPerMs: number }
const pace: Pace = { firstMs: 30_000, bytesPerMs: 32 }
const chunkBytes = 65_536

/** One in a process. */
let isRunning = false

/** What a file says about itself; a change that breaks readers gets another number. */
const format = 'tracewren-export-1'

/** The file in pieces. It ends with `"complete": true`, and without it when something went wrong. */
async function* exportOf(db: Db, userId: number): AsyncGenerator<string> {
  const profile = await existing(db, userId)
  const about = { format, exported_at: new Date().toISOString(), profile }
  yield JSON.stringify(about, undefined, 1).replace(/\n\}$/, '')
  for (const [name, read] of Object.entries(sections)) {
    yield `,\n ${JSON.stringify(name)}: [`
    let after = 0
    for (let separator = '\n  '; ; separator = ',\n  ') {
      // Without it, a fast reader would leave nobody else a turn: reading from a file is synchronous.
      await turn()
      shutdownSignal.throwIfAborted()
      const rows = await read(db, userId, after)
      if (rows.length === 0) break
      const lines = rows.map(({ at, ...row }) => {
        after = at
        return JSON.stringify(row)
      })
      yield separator + lines.join(',\n  ')
    }
    yield '\n ]'
  }
  await existing(db, userId) // deleted meanwhile: then rows are missing
  yield ',\n "complete": true\n}\n'
}

async function existing(db: Db, userId: number) {
  const profile = await profileOf(db, userId)
  if (!profile) throw new Error('The account was deleted while it was exported.')
  return profile
}

type Written = { bytes: number; isComplete: boolean }

/** A stream of bytes that are read only as fast as they are taken. `cut` is called when the client is too slow. */
export function streamOf(
  pieces: AsyncGenerator<string>,
  { firstMs, bytesPerMs }: Pace,
  cut: () => void,
): { body: ReadableStream<Uint8Array>; ended: Promise<Written> } {
  const started = performance.now()
  const written: Written = { bytes: 0, isComplete: false }
  let waiting = Buffer.alloc(0)
  let timer: NodeJS.Timeout | undefined
  let settle: { resolve: (written: Written) => void; reject: (error: unknown) => void }
  const ended = new Promise<Written>((resolve, reject) => (settle = { resolve, reject }))
  const finish = () => {
    clearTimeout(timer)
    void pieces.return(undefined).catch(() => undefined)
    settle.resolve(written)
  }
  const watch = (controller: ReadableStreamDefaultController<Uint8Array>) => {
    const allowed = firstMs + written.bytes / bytesPerMs - (performance.now() - started)
    timer = setTimeout(() => {
      controller.error(new Error('The client reads too slowly.'))
      finish()
      cut()
    }, allowed)
  }
  const body = new ReadableStream<Uint8Array>(
    {
      start: watch,
      async pull(controller) {
        clearTimeout(timer)
        try {
          while (waiting.length === 0) {
            // Outside of any request: a span for each query of a long file would fill the trace.
            const next = await untraced(() => pieces.next())
            if (next.done) {
              written.isComplete = true
              controller.close()
              return finish()
            }
            waiting = Buffer.from(next.value)
          }
          const chunk = waiting.subarray(0, chunkBytes)
          waiting = waiting.subarray(chunk.length)
          written.bytes += chunk.length
          controller.enqueue(chunk)
          watch(controller)
        } catch (error) {
          controller.error(error)
          settle.reject(error)
        }
      },
      cancel: () => finish(),
    },
    { highWaterMark: 0 },
  )
  return { body, ended }
}

/** Answers with the file of the viewer. */
async function answerExport(c: Context<Env>): Promise<Response> {
  const { db, viewer, rateLimits } = c.var
  const day = new Date().toISOString().slice(0, 10)
  const headers = {
    'Content-Type': 'application/json; charset=UTF-8',
    'Content-Disposition': `attachment; filename="${viewer.handle}-${day}.json"`,
    'Cache-Control': 'private, no-store',
    // nginx would keep what a slow client has not read yet, in the container in memory.
    'X-Accel-Buffering': 'no',
  }
  if (c.req.method === 'HEAD') return c.body(null, 200, headers)
  if (isRunning) {
    throw new Refusal(503, 'Somebody else is downloading now. Try again in a minute.', {
      code: 'export_running',
      headers: { 'Retry-After': '30' },
    })
  }
  isRunning = true
  try {
    await rateLimits.spend('LIMIT_EXPORT', `user ${viewer.id}`)
  } catch (error) {
    isRunning = false
    throw error
  }
  const { body, ended } = streamOf(exportOf(db, viewer.id), pace, () => c.env?.outgoing?.destroy())
  inBackground('account.export.write', async () => {
    try {
      const { bytes, isComplete } = await ended
      annotate({ 'app.export.bytes': bytes, 'app.export.complete': isComplete })
    } finally {
      isRunning = false
    }
  })
  return c.body(body, 200, headers)
}

export const exportRoutes = router().get(
  '/account/export',
  traced('account.export'),
  signedIn,
  answerExport,
)

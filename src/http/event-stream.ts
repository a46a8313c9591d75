// Server-sent events. An open stream is no request in progress: it is bounded by its kind, its age, and its reader.
import type { Context } from 'hono'

import { openStreams } from '../telemetry/metrics.ts'
import type { Env } from './context.ts'

export { openStreams }

const heartbeatMs = 15_000
const beat = ': still here\n\n'
/** A reader that has taken nothing for so long is cut off: what it does not read would use memory. */
const stuckMs = 5000
const lookMs = 250

const open = new Set<EventStream>()
let timer: NodeJS.Timeout | undefined

function look(): void {
  const now = performance.now()
  for (const stream of open) stream.look(now)
  if (open.size > 0) return
  clearInterval(timer)
  timer = undefined
}

type StreamOptions = {
  kind: keyof typeof openStreams
  /** Is the process to end? */
  stopping: () => boolean
  /** The stream ends after this long; its reader comes back. */
  lifeMs?: number
  /** Called once, however it ends. */
  onEnd?: () => void
}

/** One open stream. */
export class EventStream {
  readonly body: ReadableStream<Uint8Array>
  readonly #options: StreamOptions
  readonly #outgoing: Env['Bindings']['outgoing'] | undefined
  readonly #openedAt = performance.now()
  #writtenAt = this.#openedAt
  #stuckSince: number | undefined
  #controller!: ReadableStreamDefaultController<Uint8Array>

  constructor(c: Context<Env>, options: StreamOptions) {
    this.#options = options
    this.#outgoing = c.env?.outgoing
    this.body = new ReadableStream<Uint8Array>({
      start: (controller) => {
        this.#controller = controller
      },
      cancel: () => void this.#left(),
    })
    open.add(this)
    openStreams[options.kind] += 1
    timer ??= setInterval(look, lookMs).unref()
    // Before the first bytes, neither browser nor proxy knows that the stream is open.
    this.#write(beat)
  }

  /** Does the reader not keep up now? What is sent then waits in memory. */
  get isBehind(): boolean {
    return this.#controller.desiredSize! <= 0 || (this.#outgoing?.writableLength ?? 0) > 0
  }

  /** Sends an event; one without a name is a message. */
  send(data: string, event?: string): void {
    const name = event === undefined ? '' : `event: ${event}\n`
    this.#write(`${name}data: ${data.replaceAll('\n', '\ndata: ')}\n\n`)
  }

  /** Ends the stream after what was sent. */
  end(): void {
    if (this.#left()) this.#controller.close()
  }

  /** Ends it, cuts it off or sends a heartbeat, when it is time. */
  look(now: number): void {
    const { lifeMs = Infinity, stopping } = this.#options
    this.#stuckSince = this.isBehind ? (this.#stuckSince ?? now) : undefined
    if (this.#outgoing?.destroyed || now - (this.#stuckSince ?? now) >= stuckMs) return this.#cut()
    if (stopping() || now - this.#openedAt >= lifeMs) return this.end()
    if (now - this.#writtenAt >= heartbeatMs && !this.isBehind) this.#write(beat)
  }

  #cut(): void {
    if (!this.#left()) return
    this.#controller.error(new Error('The reader does not read.'))
    // Not `outgoing.destroy()`: behind other answers on the same connection, it has no socket yet.
    this.#outgoing?.req.socket.destroy()
  }

  #write(text: string): void {
    if (!open.has(this)) return
    this.#writtenAt = performance.now()
    this.#controller.enqueue(Buffer.from(text))
  }

  /** True for the first call. */
  #left(): boolean {
    if (!open.delete(this)) return false
    openStreams[this.#options.kind] -= 1
    this.#options.onEnd?.()
    return true
  }
}

/** Answers with a stream; `begin` gets it, but not for HEAD. The request ends here: its span and its duration. */
export function answerStream(
  c: Context<Env>,
  options: StreamOptions,
  begin: (stream: EventStream) => void,
): Response {
  const headers = {
    'Content-Type': 'text/event-stream',
    'Cache-Control': 'private, no-store',
    // Without this header nginx would buffer the events.
    'X-Accel-Buffering': 'no',
  }
  if (c.req.method === 'HEAD') {
    options.onEnd?.()
    return c.body(null, 200, headers)
  }
  const stream = new EventStream(c, options)
  begin(stream)
  return c.body(stream.body, 200, headers)
}

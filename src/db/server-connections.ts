import { LibsqlError } from '@libsql/core/api'
import { Pool } from 'undici'
import type { Dispatcher } from 'undici'

import { callsTo, type EndCall } from '../telemetry/database-calls.ts'

/** HTTP connections to one libSQL server. They stay open between requests. */
export class ServerConnections {
  readonly #pool: Pool
  readonly #path: string
  readonly #headers: Record<string, string>
  readonly #timeoutMs: number
  readonly #startCall: () => EndCall | undefined

  constructor(url: URL, timeoutMs: number, authToken: string | undefined) {
    // Its own timeouts count whole seconds, and one for each part of an answer.
    this.#pool = new Pool(url.origin, { headersTimeout: 0, bodyTimeout: 0 })
    this.#path = `${url.pathname.replace(/\/$/, '')}/v2/pipeline`
    // No `Accept-Encoding`: to unpack an answer takes longer than to receive it.
    this.#headers = {
      'content-type': 'application/json',
      ...(authToken !== undefined && { authorization: `Bearer ${authToken}` }),
    }
    this.#timeoutMs = timeoutMs
    this.#startCall = callsTo(new URL(this.#path, url))
  }

  /** Sends a JSON body and returns the body of the answer. Rejects when that takes longer than the timeout. */
  post(body: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const answer = new Answer(this.#timeoutMs, this.#startCall(), { resolve, reject })
      const request = { path: this.#path, method: 'POST', headers: this.#headers, body } as const
      this.#pool.dispatch(request, answer)
    })
  }

  close(): void {
    void this.#pool.close()
  }
}

type Settle = { resolve: (text: string) => void; reject: (error: Error) => void }

/**
 * Receives one answer. `pool.request` would do the same with a stream and an abort signal, for twice the CPU time
 * (docs/decisions/0055).
 */
class Answer implements Dispatcher.DispatchHandler {
  readonly #settle: Settle
  readonly #endCall: EndCall | undefined
  readonly #timer: NodeJS.Timeout
  readonly #chunks: Buffer[] = []
  #status = 0
  #controller: Dispatcher.DispatchController | undefined
  #late: Error | undefined

  constructor(timeoutMs: number, endCall: EndCall | undefined, settle: Settle) {
    this.#settle = settle
    this.#endCall = endCall
    this.#timer = setTimeout(() => this.#stop(), timeoutMs)
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller
    // The time was over before there was a connection.
    if (this.#late) controller.abort(this.#late)
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    this.#status = status
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    this.#chunks.push(chunk)
  }

  onResponseEnd(): void {
    if (this.#late) return
    clearTimeout(this.#timer)
    this.#endCall?.(this.#status)
    const [first, ...more] = this.#chunks
    const text = (more.length === 0 ? first : Buffer.concat(this.#chunks))?.toString() ?? ''
    if (this.#status === 200) this.#settle.resolve(text)
    else this.#settle.reject(refused(this.#status, text))
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    if (!this.#late) this.#fail(error, connectionLost(error))
  }

  #stop(): void {
    const late = new Error('The operation was aborted due to timeout')
    this.#late = Object.assign(late, { name: 'TimeoutError' })
    this.#controller?.abort(late)
    this.#fail(late, late)
  }

  #fail(why: Error, error: Error): void {
    clearTimeout(this.#timer)
    this.#endCall?.(this.#status, why)
    this.#settle.reject(error)
  }
}

const away = 'SERVER_ERROR'

/** No whole answer came: the server is away, or was stopped meanwhile. */
const connectionLost = (cause: Error) =>
  new LibsqlError('The libSQL server did not answer.', away, undefined, undefined, cause)

export const isConnectionLost = (error: unknown): boolean =>
  error instanceof LibsqlError && error.code === away && error.cause !== undefined

function refused(status: number, text: string): LibsqlError {
  const words = /"message":"([^"]*)"/.exec(text)?.[1] ?? text.slice(0, 200)
  return new LibsqlError(`Server returned HTTP status ${status}: ${words}`, away)
}

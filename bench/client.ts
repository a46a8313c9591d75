// A small HTTP client for benchmarks: keep-alive connections, each with one request at a time. It parses only what it
// needs to find the end of an answer, so that the server gets most of the CPU.
import { connect, type Socket } from 'node:net'

export type Ask = {
  method: 'GET' | 'POST'
  path: string
  headers?: Record<string, string>
  body?: string
}
export type Reply = { status: number; head: string; body: Buffer }
/** An answer, in a form that can be served again. */
export type Recorded = { status: number; headers: [string, string][]; body: string }

const end = Buffer.from('\r\n\r\n')

export class Connection {
  readonly #socket: Socket
  #buffer: Buffer = Buffer.alloc(0)
  #settle: { resolve: (reply: Reply) => void; reject: (error: Error) => void } | undefined

  private constructor(socket: Socket) {
    this.#socket = socket.setNoDelay()
    socket.on('data', (piece) => this.#read(piece))
    const fail = (error?: Error) => this.#settle?.reject(error ?? new Error('closed by the server'))
    socket.on('error', fail).on('close', () => fail())
  }

  static open(port: number): Promise<Connection> {
    return new Promise((resolve, reject) => {
      const socket = connect(port, '127.0.0.1', () => resolve(new Connection(socket)))
      socket.once('error', reject)
    })
  }

  send(text: string): Promise<Reply> {
    return new Promise((resolve, reject) => {
      if (this.#socket.destroyed) reject(new Error('closed by the server'))
      this.#settle = { resolve, reject }
      this.#socket.write(text)
    })
  }

  close(): void {
    this.#settle = undefined
    this.#socket.destroy()
  }

  #read(piece: Buffer): void {
    this.#buffer = this.#buffer.length === 0 ? piece : Buffer.concat([this.#buffer, piece])
    const headEnd = this.#buffer.indexOf(end)
    if (headEnd < 0) return
    const head = this.#buffer.toString('latin1', 0, headEnd)
    const body = bodyOf(head, this.#buffer.subarray(headEnd + 4))
    if (body === undefined) return
    this.#buffer = Buffer.alloc(0)
    this.#settle?.resolve({ status: Number(head.slice(9, 12)), head, body })
  }
}

/** The body; undefined until it is complete. */
function bodyOf(head: string, rest: Buffer): Buffer | undefined {
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1]
  if (length !== undefined) return rest.length >= Number(length) ? rest : undefined
  if (!/\r\ntransfer-encoding: chunked/i.test(head)) return rest
  return rest.subarray(-5).toString('latin1') === '0\r\n\r\n' ? rest : undefined
}

/** A request as bytes for the connection. */
export function textOf({ method, path, headers = {}, body }: Ask): string {
  const form: Record<string, string> =
    body === undefined
      ? {}
      : {
          'Content-Type': 'application/x-www-form-urlencoded',
          'Content-Length': String(Buffer.byteLength(body)),
        }
  const lines = Object.entries({ Host: 'localhost', ...headers, ...form }).map(
    ([name, value]) => `${name}: ${value}`,
  )
  return `${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body ?? ''}`
}

/** The results of `load`. */
export type Load = { requests: number; bytes: number }

/** The duration of the load, and the minimum number of requests. */
export type Span = { ms: number; requests: number }

/** Sends requests one by one on each connection until the time is over; throws at an unexpected status. */
export async function load(
  connections: Connection[],
  span: Span,
  next: () => { text: string; status: number },
): Promise<Load> {
  const seen: Load = { requests: 0, bytes: 0 }
  const stop = performance.now() + span.ms
  await Promise.all(
    connections.map(async (connection) => {
      do {
        const { text, status } = next()
        const reply = await connection.send(text)
        if (reply.status !== status)
          throw new Error(
            `${reply.status} instead of ${status} for ${text.split('\r\n')[0]}: ${reply.body.toString().slice(0, 300)}`,
          )
        seen.requests += 1
        seen.bytes += reply.body.length
      } while (performance.now() < stop || seen.requests < span.requests)
    }),
  )
  return seen
}

/** An answer without the headers that node:http adds. */
export function record({ status, head, body }: Reply): Recorded {
  const own = new Set(['date', 'connection', 'keep-alive', 'transfer-encoding'])
  const headers = head
    .split('\r\n')
    .slice(1)
    .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 2)] as const)
    .filter(([name]) => !own.has(name.toLowerCase()))
  return {
    status,
    headers: headers.map(([name, value]) => [name, value]),
    body: body.toString('base64'),
  }
}

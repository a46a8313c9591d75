// The connections of the HTTP server: unreadable requests, connections that cannot be accepted, and the shutdown.
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'

import { log } from '../telemetry/log.ts'

const reportMs = 10_000
const closeIdleEveryMs = 25

/** The connections of a server. */
export type Connections = {
  /** Stops accepting connections. Resolves when all running requests are answered; closes them after `ms`. */
  drain: (ms: number) => Promise<void>
}

/** Handles the connections of a listening server from now on. */
export function watchConnections(server: Server): Connections {
  const open = new Set<Socket>()
  const answers = new WeakMap<Duplex, ServerResponse>()
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    answers.set(request.socket, response)
  })
  server.on('clientError', (error: NodeJS.ErrnoException, socket) =>
    answerUnreadable(error, socket, answers.get(socket)),
  )
  // Mostly EMFILE at accept: this connection is lost, but the next one may be accepted.
  server.on('error', (error) => count('connections not accepted', errorCode(error)))
  // Node's own closeIdleConnections keeps a connection that has sent nothing yet, as browsers open them, or only a part
  // of a request.
  const closeIdle = () => {
    for (const socket of open) {
      const answer = answers.get(socket)
      if (!answer || answer.writableFinished) socket.destroy()
    }
  }
  return { drain: (ms) => drain(server, closeIdle, ms) }
}

function drain(server: Server, closeIdle: () => void, ms: number): Promise<void> {
  return new Promise((resolve) => {
    // Repeatedly, because a connection becomes idle when the answer to its running request is finished.
    const timer = setInterval(closeIdle, closeIdleEveryMs)
    const giveUp = setTimeout(() => server.closeAllConnections(), ms)
    // In the next event-loop iteration, so that connections in the kernel's queue are accepted: they came before the
    // signal.
    setImmediate(() =>
      server.close(() => {
        clearInterval(timer)
        clearTimeout(giveUp)
        resolve()
      }),
    )
  })
}

const errorCode = (error: NodeJS.ErrnoException): string => error.code ?? error.name

const unreadable: Record<string, [status: string, sentence: string]> = {
  HPE_HEADER_OVERFLOW: [
    '431 Request Header Fields Too Large',
    'The address or the headers of this request are too large. Deleting the cookies of this site may help.',
  ],
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'This request took too long to arrive.'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: ['413 Payload Too Large', 'That is too large.'],
}
const malformed: [string, string] = ['400 Bad Request', 'This is not an HTTP request.']

/** Answers what Node could not parse as a request. Closes the connection when another answer is being sent on it. */
function answerUnreadable(
  error: NodeJS.ErrnoException,
  socket: Duplex,
  answer: ServerResponse | undefined,
): void {
  if (error.code === 'ECONNRESET' || !socket.writable) return void socket.destroy()
  const [status, sentence] = unreadable[errorCode(error)] ?? malformed
  count('unreadable requests', `${status.slice(0, 3)} ${errorCode(error)}`)
  if (answer?.headersSent && !answer.writableFinished) return void socket.destroy()
  socket.end(
    `HTTP/1.1 ${status}\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: ${sentence.length + 1}\r\n` +
      `Connection: close\r\n\r\n${sentence}\n`,
    () => socket.destroy(),
  )
}

const counted = new Map<string, Record<string, number>>()

/** Counts an event for one log line every 10 s, so that many bad requests or connections do not fill the log. */
function count(message: string, what: string): void {
  let tally = counted.get(message)
  if (!tally) {
    counted.set(message, (tally = {}))
    setTimeout(report, reportMs, message).unref()
  }
  tally[what] = (tally[what] ?? 0) + 1
}

function report(message: string): void {
  log[message === 'unreadable requests' ? 'info' : 'warn'](message, counted.get(message))
  counted.delete(message)
}

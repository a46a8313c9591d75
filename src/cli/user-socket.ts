// The way from `npm run user` to the running app: a Unix socket beside the database, one line of JSON each way.
import { chmodSync, lstatSync, rmSync } from 'node:fs'
import { createConnection, createServer, type Server, type Socket } from 'node:net'
import { relative } from 'node:path'

import { StartError } from '../config/start-error.ts'
import { filePath } from '../db/database-file.ts'

/** How long either side waits for the other's line. */
const waitMs = 5000
const lineMax = 8192
const connectionsMax = 8
/** What the kernel takes (108 bytes on Linux, 104 on macOS, with a zero at the end); a longer one would be cut. */
const pathMax = 103

export type Reply = { ok: boolean; text: string }
export type UserSocket = { close: () => Promise<void> }

/** The socket of a database file, in as few bytes as it takes; undefined for a server, or when its path is too long. */
export function socketPath(databaseUrl: string): string | undefined {
  if (!databaseUrl.startsWith('file:')) return undefined
  const path = `${filePath(databaseUrl)}.sock`
  return [path, relative('', path)].find((one) => Buffer.byteLength(one) <= pathMax)
}

/**
 * Listens until it is closed; nobody but this user may connect. Takes the place of a socket that a killed app has left:
 * for the process that holds the database's lock. Rejects with the system's error.
 */
export async function listenForOrders(
  path: string,
  carryOut: (order: unknown) => Promise<Reply>,
): Promise<UserSocket> {
  const left = lstatSync(path, { throwIfNoEntry: false })
  if (left?.isSocket()) rmSync(path)
  const open = new Set<Socket>()
  const working = new Set<Promise<void>>()
  const server = createServer((socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
    const work = answer(socket, carryOut).finally(() => working.delete(work))
    working.add(work)
  })
  server.maxConnections = connectionsMax
  await listening(server, path)
  return {
    async close() {
      server.close() // this removes the socket's file, too
      for (const socket of open) if (!busy.has(socket)) socket.destroy()
      await Promise.allSettled(working)
    },
  }
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    // The file is made before listen() returns, so there is no moment in which others could connect.
    const mask = process.umask(0o177)
    try {
      server.listen(path, () => {
        server.off('error', reject)
        server.on('error', () => undefined) // a connection that could not be accepted is the client's trouble
        chmodSync(path, 0o600) // where a file system does not know of the mask
        resolve()
      })
    } finally {
      process.umask(mask)
    }
  })
}

/** Those whose order is being carried out: a stop waits for them. */
const busy = new WeakSet<Socket>()

async function answer(socket: Socket, carryOut: (order: unknown) => Promise<Reply>): Promise<void> {
  socket.on('error', () => undefined) // who has gone needs no answer
  try {
    const line = await lineFrom(socket)
    busy.add(socket)
    socket.end(`${JSON.stringify(await carryOut(parsed(line)))}\n`)
  } catch {
    socket.destroy()
  }
}

const parsed = (line: string): unknown => {
  try {
    return JSON.parse(line)
  } catch {
    return undefined
  }
}

/** The first line that comes; rejects when it is too long, too late, or the other side ends before. */
function lineFrom(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = []
    let length = 0
    const timer = setTimeout(() => reject(new Error('no answer')), waitMs)
    const done = (settle: () => void) => {
      clearTimeout(timer)
      settle()
    }
    socket.on('data', (piece: Buffer) => {
      const end = piece.indexOf('\n')
      pieces.push(end < 0 ? piece : piece.subarray(0, end))
      length += piece.length
      if (length > lineMax) done(() => reject(new Error('the line is too long')))
      else if (end >= 0) done(() => resolve(Buffer.concat(pieces).toString()))
    })
    socket.once('close', () => done(() => reject(new Error('no answer'))))
    socket.once('error', (error) => done(() => reject(error)))
  })
}

/** Sends an order to the running app; undefined when none listens. Throws a StartError when it does not answer. */
export async function sendOrder(path: string, order: object): Promise<Reply | undefined> {
  const socket = createConnection(path)
  try {
    await new Promise((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    socket.write(`${JSON.stringify(order)}\n`)
    return JSON.parse(await lineFrom(socket)) as Reply
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ECONNREFUSED') return undefined
    if (code === 'EACCES' || code === 'EPERM')
      throw new StartError(
        `The app at ${path} belongs to another user. Run this command as the user that runs the app.`,
      )
    throw new StartError(
      `The app at ${path} did not answer within ${waitMs / 1000} seconds. Whether it was done is not known: look before you repeat it.`,
    )
  } finally {
    socket.destroy()
  }
}

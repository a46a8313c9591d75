// A TCP proxy on loopback that can hold back, or cut, what a server answers.
import { createServer, connect, type Socket } from 'node:net'

import { freePort } from './libsql-server.ts'

export type TcpProxy = {
  port: number
  /** Cuts each connection at the answer to a request that has this text; passes everything on while it is undefined. */
  cutsAnswerTo: RegExp | undefined
  /** Milliseconds by which each answer is delayed. */
  delayMs: number
  /** Cuts all connections and refuses new ones until it is false again. */
  isCut: boolean
  close: () => void
}

/** Starts a proxy in front of a port of this machine. */
export async function startProxy(target: number): Promise<TcpProxy> {
  const port = await freePort()
  const open = new Set<Socket>()
  let isCut = false
  const proxy = {
    port,
    cutsAnswerTo: undefined as RegExp | undefined,
    delayMs: 0,
    get isCut() {
      return isCut
    },
    set isCut(cut: boolean) {
      isCut = cut
      if (cut) for (const socket of open) socket.destroy()
    },
    close() {
      server.close()
      for (const socket of open) socket.destroy()
    },
  }
  const server = createServer((client) => {
    if (isCut) {
      client.destroy()
      return
    }
    const upstream = connect(target, '127.0.0.1')
    let asked = ''
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(socket)
      socket.on('error', () => other.destroy())
      socket.on('close', () => {
        open.delete(socket)
        other.destroy()
      })
    }
    client.on('data', (bytes) => {
      asked = (asked + bytes.toString('latin1')).slice(-20_000)
      upstream.write(bytes)
    })
    upstream.on('data', (bytes) => {
      if (proxy.cutsAnswerTo?.test(asked)) {
        client.destroy()
        return
      }
      asked = ''
      if (proxy.delayMs === 0) client.write(bytes)
      else setTimeout(() => client.destroyed || client.write(bytes), proxy.delayMs)
    })
  })
  await new Promise<void>((done) => server.listen(port, '127.0.0.1', done))
  server.unref()
  return proxy
}

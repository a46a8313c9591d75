// A TCP proxy on loopback between the app and its database server, or between nginx and an app: it delays answers, cuts
// connections or lets nobody through. Requests are passed on at once, so that what they ask for is done.
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export type TcpProxy = {
  url: string
  /** Milliseconds by which each piece of an answer is late; Infinity: no answer ever comes. */
  delayMs: number
  /** Answers that arrive are thrown away and their connection is cut: what was asked for has been done. */
  cutsAnswers: boolean
  /** Called at each HTTP POST of the client, before it is passed on, with its number (from 1); set it with `watch`. */
  watch: (onPost: (number: number) => void) => void
  /** Cuts all connections. */
  cut: () => void
  close: () => Promise<void>
}

/** Starts a proxy in front of `port`. */
export async function startProxy(port: number): Promise<TcpProxy> {
  const open = new Set<Socket>()
  let posts = 0
  let onPost: ((number: number) => void) | undefined
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1')
    for (const [one, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      open.add(one)
      one.on('error', () => undefined)
      one.on('close', () => {
        open.delete(one)
        other.destroy()
      })
    }
    client.on('data', (piece) => {
      if (piece.toString('latin1', 0, 5) === 'POST ') onPost?.((posts += 1))
      upstream.write(piece)
    })
    upstream.on('data', (piece) => {
      if (proxy.cutsAnswers) client.destroy()
      else if (proxy.delayMs === 0) client.write(piece)
      else if (Number.isFinite(proxy.delayMs)) setTimeout(() => client.write(piece), proxy.delayMs)
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const cut = () => {
    for (const socket of open) socket.destroy()
  }
  const proxy: TcpProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    delayMs: 0,
    cutsAnswers: false,
    watch: (then) => {
      posts = 0
      onPost = then
    },
    cut,
    close: () =>
      new Promise((done) => {
        server.close(() => done())
        cut()
      }),
  }
  return proxy
}

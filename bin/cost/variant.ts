// A real process with its settings, and the load on it.
import { readdirSync, readFileSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'

import { post, scratch, startServer, type Server } from '../../test/process.ts'

const connections = 32

/** CPU time of all threads in milliseconds, to the nanosecond, and resident memory in MB, of a process. */
export function usage(pid: number): { cpuMs: number; rssMb: number } {
  const spent = readdirSync(`/proc/${pid}/task`).map((thread) =>
    Number(readFileSync(`/proc/${pid}/task/${thread}/schedstat`, 'utf8').split(' ')[0]),
  )
  const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1])
  return { cpuMs: spent.reduce((sum, one) => sum + one, 0) / 1e6, rssMb: pages / 256 }
}

export type Variant = {
  name: string
  path: string
  server: Server
  cookie: string
  agent: Agent
  perSecond?: number
  /** Ends the process and deletes its database; else that is done at the end of the program. */
  end: () => Promise<void>
}

/** A server with the demo world, and somebody who is signed in. */
export async function variant(
  name: string,
  { env, path = '/timeline' }: { env: Record<string, string>; path?: string },
): Promise<Variant> {
  const place = scratch()
  const server = await startServer({
    DATABASE_URL: `file:${place.folder}/cost.db`,
    LOG_LEVEL: 'warn',
    ...env,
  })
  const leave = () => {
    server.child.kill('SIGKILL')
    place[Symbol.dispose]()
  }
  process.once('exit', leave)
  const fields = { mailaddress: 'user0003@example.com', password: 'password123' }
  const login = await post(`${server.url}/login`, fields)
  const cookie = login?.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  return {
    name,
    path,
    server,
    cookie,
    agent,
    async end() {
      agent.destroy()
      await server.stop('SIGKILL')
      process.off('exit', leave)
      leave()
    },
  }
}

/** The milliseconds of each request, how many failed, and the bytes that the connections have received. */
export type Loaded = { times: number[]; failed: number; bytes: number }

/** Sends requests over a few connections, or at a steady pace. */
export async function load(
  { server, cookie, agent, path, perSecond }: Variant,
  count: number,
): Promise<Loaded> {
  const times: number[] = []
  let failed = 0
  let bytes = 0
  let left = count
  const one = () =>
    new Promise<void>((done) => {
      const started = performance.now()
      const end = (ok: boolean) => {
        if (!ok) failed += 1
        times.push(performance.now() - started)
        done()
      }
      request(
        server.url + path,
        { agent, headers: { Cookie: cookie, Accept: 'text/html' } },
        (response) => {
          const { socket } = response
          response.on('data', (piece: Buffer) => (bytes += piece.length))
          bytes += response.rawHeaders.reduce((sum, text) => sum + text.length + 2, 0)
          response.once('end', () => end(response.statusCode === 200 && !socket.errored))
        },
      )
        .once('error', () => end(false))
        .end()
    })
  const client = async () => {
    while (left-- > 0) await one()
  }
  if (perSecond === undefined) await Promise.all(Array.from({ length: connections }, client))
  else {
    const began = performance.now()
    const sent: Promise<void>[] = []
    for (; left > 0; await pause(5))
      while (left > 0 && sent.length < ((performance.now() - began) * perSecond) / 1000) {
        left -= 1
        sent.push(one())
      }
    await Promise.all(sent)
  }
  return { times, failed, bytes }
}

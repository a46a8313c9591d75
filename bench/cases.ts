import { addressOf } from '../src/demo/accounts.ts'
import { tagOf } from '../src/seed/texts.ts'
// The measured requests: pages and actions, as a browser and htmx send them.
import { Connection, textOf, type Ask } from './client.ts'
import { viewers } from './world.ts'

export type Case = {
  name: string
  /** The expected status of each answer. */
  status: number
  /** Makes the request number `count` of the viewer with this index. */
  ask: (count: number, viewer: number) => Ask
  /** The client is not signed in. */
  visitor?: boolean
  /** The number of concurrent requests, if it is not the default. */
  connections?: number
}

const browser = {
  Accept: 'text/html,application/xhtml+xml,*/*;q=0.8',
  'Sec-Fetch-Site': 'same-origin',
}
const htmx = {
  Accept: 'text/html',
  'HX-Request': 'true',
  'HX-Request-Type': 'partial',
  'Sec-Fetch-Site': 'same-origin',
}
const page = (path: string): Ask => ({ method: 'GET', path, headers: browser })

/** The cases for a world with these numbers of users and tweets. */
export const casesOf = (users: number, tweets: number): Case[] => [
  { name: 'GET /timeline', status: 200, ask: () => page('/timeline') },
  {
    // A position in the timeline that was not read before, so that caches do not help.
    name: 'GET /timeline?before=N',
    status: 200,
    ask: (count) =>
      page(`/timeline?before=${Math.floor(tweets * (0.3 + 0.6 * ((count * 0.618) % 1)))}`),
  },
  { name: 'GET /timeline?limit=100', status: 200, ask: () => page('/timeline?limit=100') },
  { name: 'GET /', status: 200, visitor: true, ask: () => page('/') },
  { name: 'GET /user/:id', status: 200, ask: (count) => page(`/user/${1 + (count % 200)}`) },
  {
    name: 'GET /search',
    status: 200,
    ask: (count) => page(`/search?q=${tagOf(count % 200).slice(1)}`),
  },
  {
    name: 'POST /favorite/:id',
    status: 200,
    ask: (count) => ({
      method: 'POST',
      path: `/favorite/${1 + ((count * 7919) % tweets)}`,
      headers: htmx,
      body: '',
    }),
  },
  {
    name: 'POST /tweet',
    status: 200,
    ask: (count) => ({
      method: 'POST',
      path: '/tweet',
      headers: htmx,
      body: new URLSearchParams({
        msg: `Number ${count} of the ferry is on time, and nobody knows why`,
        key: `${process.pid}-${count}`,
      }).toString(),
    }),
  },
  {
    name: 'POST /login',
    status: 303,
    visitor: true,
    connections: 2,
    ask: (count) => ({
      method: 'POST',
      path: '/login',
      headers: browser,
      body: new URLSearchParams({
        mailaddress: addressOf(1 + (count % Math.min(users, 1000))),
        password: 'password123',
      }).toString(),
    }),
  },
]

/** Signs the viewers in; returns their cookies. */
export async function signIn(port: number): Promise<string[]> {
  const connection = await Connection.open(port)
  const cookies: string[] = []
  for (const id of viewers) {
    const body = new URLSearchParams({ mailaddress: addressOf(id), password: 'password123' })
    const { head } = await connection.send(
      textOf({ method: 'POST', path: '/login', body: body.toString() }),
    )
    const cookie = /\r\nset-cookie: ([^;]+)/i.exec(head)?.[1]
    if (!cookie) throw new Error(`User ${id} cannot sign in:\n${head}`)
    cookies.push(cookie)
  }
  connection.close()
  return cookies
}

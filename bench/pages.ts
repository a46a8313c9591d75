// Does a page cost the same in a world of ten million tweets as in one of a hundred thousand? The same requests to the
// app in this process, alternately on both worlds, with the CPU time of each: no network and no other requests.
import { sql } from 'drizzle-orm'

import { createApp } from '../src/app.tsx'
import { readSettings } from '../src/config/env.ts'
import { openDb, type Database } from '../src/db/db.ts'
import { addressOf } from '../src/demo/accounts.ts'
import { tagOf } from '../src/seed/texts.ts'
import { setLogLevel } from '../src/telemetry/log.ts'
import { quantile, short, table } from './statistics.ts'
import { liker, worldOf } from './world.ts'

type World = {
  fetch: (request: Request) => Response | Promise<Response>
  cookie: (id: number) => Promise<string>
  database: Database
}
type Page = { name: string; viewer: number; path: (world: World) => Promise<string> | string }
export type PageFigures = {
  name: string
  articles: [number, number]
  small: [number, number]
  large: [number, number]
}

/** The URL of the favorites after the newest `likes` likes. */
async function behind(world: World, likes: number): Promise<string> {
  const rows = await world.database.db.values<[number]>(
    `select id from favorites where user_id = ${liker} order by id desc limit 1 offset ${likes - 1}`,
  )
  return `/favorites?before=${rows[0]![0]}&from=${likes + 1}`
}

/** What SQL finds in a world, as the end of a URL. */
const found =
  (start: string, query: string, end = '') =>
  async ({ database }: World) =>
    start + String((await database.db.values<[number]>(sql.raw(query)))[0]![0]) + end

/** Of the first 20,000 tweets the one with most replies, and who has written most: neither reads a world of 4 GB. */
const thread = 'select id from tweets where id <= 20000 order by reply_count desc limit 1'
const writer = 'select handle from users order by tweet_count desc limit 1'

const pages: Page[] = [
  { name: 'timeline, follows 10', viewer: 21, path: () => '/timeline' },
  { name: 'timeline, follows 300', viewer: 11, path: () => '/timeline' },
  { name: 'timeline, follows 2,000', viewer: 22, path: () => '/timeline' },
  { name: 'timeline, follows 5,000', viewer: 23, path: () => '/timeline' },
  { name: 'profile', viewer: 11, path: () => '/user/1' },
  { name: 'search, frequent word', viewer: 11, path: () => '/search?q=the' },
  { name: 'search, rare word', viewer: 11, path: () => `/search?q=${tagOf(300).slice(1)}` },
  { name: 'trends', viewer: 11, path: () => '/' },
  { name: 'thread', viewer: 11, path: found('/tweet/', thread) },
  { name: 'notifications', viewer: 1, path: () => '/notifications' },
  { name: 'tag', viewer: 11, path: () => `/tag/${tagOf(3).slice(1)}` },
  { name: 'everybody', viewer: 11, path: () => '/everybody' },
  {
    name: 'replies of a person',
    viewer: 11,
    path: found('/@', writer, '/replies'),
  },
  { name: 'bookmarks', viewer: 11, path: () => '/bookmarks' },
  { name: 'favorites, page 1', viewer: liker, path: () => '/favorites' },
  { name: 'favorites, page 500', viewer: liker, path: (world) => behind(world, 499 * 20) },
]

export async function measurePages(quick: boolean): Promise<PageFigures[]> {
  setLogLevel('silent')
  const sizes = quick ? [20_000, 100_000] : [100_000, 10_000_000]
  const times = quick ? 100 : 1500
  const worlds: World[] = []
  for (const tweets of sizes) worlds.push(await open(await worldOf(10_000, tweets)))
  const figures: PageFigures[] = []
  for (const page of pages) {
    const costs: number[][] = [[], []]
    const articles: number[] = []
    const asks = await Promise.all(
      worlds.map(async (world) => ({
        path: await page.path(world),
        cookie: await world.cookie(page.viewer),
      })),
    )
    for (let count = -times / 5; count < times; count++) {
      for (const [index, world] of worlds.entries()) {
        const { path, cookie } = asks[index]!
        const request = new Request(`http://localhost${path}`, {
          headers: { Accept: 'text/html', Host: 'localhost', Cookie: cookie },
        })
        const before = process.cpuUsage()
        const text = await (await world.fetch(request)).text()
        const { user, system } = process.cpuUsage(before)
        articles[index] = text.match(/<article /g)?.length ?? 0
        if (count >= 0) costs[index]!.push(user + system)
      }
    }
    const both = (values: number[]): [number, number] => [
      quantile(values, 0.5),
      quantile(values, 0.99),
    ]
    figures.push({
      name: page.name,
      articles: [articles[0]!, articles[1]!],
      small: both(costs[0]!),
      large: both(costs[1]!),
    })
  }
  for (const { database } of worlds) await database.close()
  return figures
}

async function open(path: string): Promise<World> {
  const settings = readSettings({ DATABASE_URL: `file:${path}`, LIMIT_SEARCH: '9999999/1' })
  const database = await openDb(settings)
  const app = createApp({ database, settings, state: { stopping: false } })
  const fetch = (request: Request) => app.fetch(request)
  return {
    fetch,
    database,
    async cookie(id) {
      const body = new URLSearchParams({ mailaddress: addressOf(id), password: 'password123' })
      const answer = await fetch(new Request('http://localhost/login', { method: 'POST', body }))
      return answer.headers.getSetCookie()[0]!.split(';')[0]!
    },
  }
}

export function pagesTable(figures: PageFigures[]): string {
  const times = (one: number, other: number) => `${(one / other).toFixed(2)}x`
  return table(
    [
      'CPU us for each page',
      'rows',
      'small: median',
      'p99',
      'large: median',
      'p99',
      'median',
      'p99',
    ],
    figures.map(({ name, articles, small, large }) => [
      name,
      articles.join(', '),
      ...[...small, ...large].map(short),
      times(large[0], small[0]),
      times(large[1], small[1]),
    ]),
  )
}

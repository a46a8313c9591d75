// What searches of every kind cost, by the old index and the new one in turn, on a world that has both: made by an older
// release, then opened by this one. `npx tsx bench/search.ts FILE`; FILE is written to.
import { sql } from 'drizzle-orm'

import { createApp } from '../src/app.tsx'
import { readSettings } from '../src/config/env.ts'
import { openDb } from '../src/db/db.ts'
import { buildSearch } from '../src/db/search-build.ts'
import { addressOf } from '../src/demo/accounts.ts'
import { tagOf } from '../src/seed/texts.ts'
import { setLogLevel } from '../src/telemetry/log.ts'
import { quantile, table } from './statistics.ts'

const times = 30
const numbers = Array.from({ length: 10 }, (_, index) => index)
const of = (text: string) => text.split(' ')
const pairs = (text: string) => text.split(', ')

/** Ten queries of each kind; `htmx` while one types. */
const kinds: { kind: string; queries: string[]; htmx?: true; type?: 'people' }[] = [
  { kind: 'a frequent word', queries: of('the i a it and in is to my of') },
  { kind: 'a rare word', queries: numbers.map((at) => tagOf(300 + 40 * at).slice(1)) },
  {
    kind: 'two words',
    queries: pairs(
      'the gulls, lost property, two years, my honey, juice all, new strings, up early, the town, not one, even the',
    ),
  },
  {
    kind: 'frequent words, never together',
    queries: numbers.map((at) =>
      of('the i a it and s in is to my of on')
        .slice(0, 3 + at)
        .join(' '),
    ),
  },
  {
    kind: 'a beginning, typed',
    htmx: true,
    queries: of('th so pe ho gul lost somet happie peopl aske'),
  },
  {
    kind: 'a phrase',
    queries: pairs(
      '"lost property", "the town", "the juice", "two kinds", "the the", "of the in", "all right", "there are two kinds of honey", "the a the a the a the a", "the of the a in the is"',
    ),
  },
  { kind: 'a #tag', queries: numbers.map((at) => tagOf(30 * at)) },
  {
    kind: 'a #tag that is a frequent word',
    queries: of('#the #i #a #it #and #in #is #to #my #of'),
  },
  {
    kind: 'without spaces',
    queries: pairs(
      '東京, 大阪, 東京 大阪, ラーメン, ภาษาไทย, မြန်မာ, 京都 東京 大阪 神戸, 今日は, ភាសា, 中文',
    ),
  },
  {
    kind: 'a frequent word and one without spaces',
    queries: of('the i a it and in is to my of').map((word) => `${word} 東京`),
  },
  { kind: 'an emoji', queries: of('🎉 😏 🎂 ❤️ 👍🏽 🐦 👩‍👩‍👧 🇯🇵 ☕ 🦆') },
  { kind: 'nothing', queries: numbers.map((at) => `zzq${at}x`) },
  {
    kind: 'people: a name',
    type: 'people',
    queries: pairs(
      'Mara Lindqvist, Otto Brandt, Ines Carvalho, Priya Raman, Hamish Orr, Yuki Tanaka, Leila Haddad, @mara, tomasz, lind',
    ),
  },
  {
    kind: 'people: a beginning',
    type: 'people',
    htmx: true,
    queries: of('m ma mar o t a le ya s e'),
  },
]

setLogLevel('silent')
const path = process.argv[2]!
const settings = readSettings({
  DATABASE_URL: `file:${path}`,
  LIMIT_SEARCH: '9999999/1',
  LIMIT_SEARCH_TYPING: '9999999/1',
  LIMIT_WRITE: '9999999/1',
})
const database = await openDb(settings)
const started = performance.now()
const isMade = !database.whole.tweets_search
await buildSearch(database)
if (isMade)
  console.log(`The indexes were made in ${((performance.now() - started) / 1000).toFixed(1)} s.`)

const app = createApp({ database, settings, state: { stopping: false } })
const form = (url: string, fields: Record<string, string>, headers = {}) =>
  app.fetch(
    new Request(`http://localhost${url}`, {
      method: 'POST',
      body: new URLSearchParams(fields),
      headers,
    }),
  )
const login = await form('/login', { mailaddress: addressOf(11), password: 'password123' })
const Cookie = login.headers.getSetCookie()[0]!.split(';')[0]!

/** CPU time of one request in ms. */
async function costOf(ask: () => Response | Promise<Response>): Promise<number> {
  const before = process.cpuUsage()
  const answer = await ask()
  await answer.text()
  const { user, system } = process.cpuUsage(before)
  if (!answer.ok) throw new Error(`${answer.status}`)
  return (user + system) / 1000
}

const costs = new Map<string, number[]>()
for (let round = -5; round < times; round++)
  for (const { kind, queries, htmx, type } of kinds)
    for (const q of queries)
      for (const isNew of [false, true]) {
        database.whole.tweets_search = isNew
        const url = `http://localhost/search?q=${encodeURIComponent(q)}${type ? `&type=${type}` : ''}`
        const headers = {
          Cookie,
          Accept: 'text/html',
          ...(htmx && { 'HX-Request': 'true', 'HX-Request-Type': 'partial' }),
        }
        const cost = await costOf(() => app.fetch(new Request(url, { headers })))
        const key = `${kind} ${isNew}`
        if (round >= 0) costs.set(key, [...(costs.get(key) ?? []), cost])
      }
const shown = (values: number[]) => [0.5, 0.99, 1].map((part) => quantile(values, part).toFixed(2))
console.log(
  table(
    ['CPU ms for each request', 'old: p50', 'p99', 'max', 'new: p50', 'p99', 'max'],
    kinds.map(({ kind }) => [
      kind,
      ...shown(costs.get(`${kind} false`)!),
      ...shown(costs.get(`${kind} true`)!),
    ]),
  ),
)

// A post, while both indexes are filled (1: all rows are in, the merging is left) and after.
const posts: Record<0 | 1, number[]> = { 0: [], 1: [] }
for (let round = -20; round < 400; round++)
  for (const from of [0, 1] as const) {
    await database.db.run(
      sql`update search_builds set indexed_from = ${from} where name = 'tweets_search'`,
    )
    const msg = `Drank some juice number ${round}. It was all right. It was a juice. ${tagOf(round + 50)}`
    const cost = await costOf(() => form('/tweet', { msg }, { Cookie }))
    if (round >= 0) posts[from].push(cost)
  }
console.log(
  `POST /tweet, CPU ms p50 p99 max: one index ${shown(posts[0]).join(' ')}, both ${shown(posts[1]).join(' ')}`,
)
await database.db.run(sql`update search_builds set indexed_from = 0`)
await database.close()

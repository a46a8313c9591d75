// The share of each request in the scenarios of loadtest/: the same for k6 and Locust, as in loadtest/README.md.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test, { describe } from 'node:test'

import type { Rows } from '../bin/load-report.ts'
import { generators, hurry, inFront, missing, place, type Generator } from './load-runs.ts'
import { startServer } from './process.ts'

/** The table of a mix in loadtest/README.md: the share of each request in percent. */
function sharesOf(mix: 'original' | 'realistic'): Map<string, number> {
  const readme = readFileSync(new URL('../loadtest/README.md', import.meta.url), 'utf8')
  const rows = readme
    .split('\n')
    .filter((line) => /^\| `(GET|POST) [^`]+` \| [\d.]* \| [\d.]* \|$/.test(line))
    .map((line) => line.split('|').map((cell) => cell.trim().replaceAll('`', '')))
  const at = mix === 'original' ? 2 : 3
  return new Map(rows.filter((row) => row[at] !== '').map((row) => [row[1]!, Number(row[at])]))
}

const isOfSignIn = (name: string) => /^POST \/(login|register)$|\(newcomer\)$/.test(name)

// Both generators at once, each with a server: their users wait most of the time.
describe('the shares of the requests are those of loadtest/README.md', { concurrency: 2 }, () => {
  for (const [mix, words, pace] of [
    ['original', '--users 200 --spawn 40 --seconds 30', '1'],
    ['realistic', '--users 150 --spawn 40 --seconds 30', '3'],
  ] as const) {
    const expected = sharesOf(mix)
    const seen = new Map<Generator, Map<string, number>>()

    test(`${mix}: the table is complete`, () => {
      const sum = [...expected.values()].reduce((all, share) => all + share, 0)
      assert.ok(expected.size > 10 && Math.abs(sum - 100) < 1, `${sum} % in all`)
    })

    for (const generator of generators)
      test(`${mix}: ${generator}`, { skip: missing(generator) }, async () => {
        await using target = await startServer({
          DATABASE_URL: `file:${place.folder}/${mix}-${generator}.db`,
          LOG_LEVEL: 'silent',
        })
        const { code, said, rows } = await hurry(
          generator,
          `--target ${target.url} --mix ${mix} ${words}`,
          { PACE: pace },
        )
        // 99: on a busy machine the server may refuse some requests.
        assert.ok(code === 0 || code === 99, said)
        const counts = Object.entries(rows).filter(([name]) => !isOfSignIn(name))
        const all = counts.reduce((sum, [, { count }]) => sum + count, 0)
        assert.ok(all > 500, `${all} requests are too few`)
        assert.deepEqual(
          counts.map(([name]) => name).filter((name) => !expected.has(name)),
          [],
        )
        const shares = new Map(counts.map(([name, { count }]) => [name, (100 * count) / all]))
        seen.set(generator, shares)
        const slowness = slownessOf(rows)
        for (const [name, share] of expected)
          assertClose(`${name} of ${all}`, shares.get(name) ?? 0, share, {
            count: (all * share) / 100,
            slowness,
          })
        const [one, other] = [seen.get('k6'), seen.get('locust')]
        if (one === undefined || other === undefined) return
        for (const [name, share] of expected) {
          const apart = (one.get(name) ?? 0) - (other.get(name) ?? 0)
          const sample = { count: (all * share) / 200, slowness }
          assertClose(`${name}, k6 against Locust`, share + apart, share, sample)
        }
      })
  }
})

/**
 * The tolerance for a busy machine: a user who waits 0.3 s between two actions does fewer of them if answers take time,
 * and the table is for answers that take no time.
 */
function slownessOf(rows: Rows): number {
  const all = Object.values(rows).reduce((sum, { count }) => sum + count, 0)
  const ms = Object.values(rows).reduce((sum, { count, p50, p95 }) => sum + count * (p50 + p95), 0)
  return ms / 2 / all / 300
}

type Sample = { count: number; slowness: number }

/** Asserts that a share is within 10 %, plus a tolerance for slow answers and for chance (requests come in bursts). */
function assertClose(name: string, share: number, expected: number, sample: Sample): void {
  const { count, slowness } = sample
  const allowed = expected * (0.1 + slowness + 3 * Math.sqrt(2.5 / Math.max(1, count)))
  assert.ok(
    Math.abs(share - expected) <= allowed,
    `${name}: ${share.toFixed(2)} %, not ${expected.toFixed(2)} % (${allowed.toFixed(2)} either way)`,
  )
}

/** The routes that the smoke test omits: endless streams, files, health checks, and the fault lab, which the stack does not have. */
const leftOut = [
  'GET /livez',
  'GET /readyz',
  'GET /static/*',
  'GET /timeline/live',
  'GET /traces/live',
  'GET /faults',
  'POST /faults/:name',
  'POST /faults/:name/stop',
  'POST /faults/stop',
  'POST /traces/clear',
  'POST /traces/upload',
]

test(
  'the smoke test requests all routes of docs/http.md: as a browser, as htmx and as a program',
  { skip: missing('k6') },
  async () => {
    const routes = readFileSync(new URL('../docs/http.md', import.meta.url), 'utf8')
      .split('\n')
      .flatMap((line) => /^\| `((?:GET|POST) [^`]+)`/.exec(line)?.[1] ?? [])
      .filter((route) => !leftOut.includes(route))
      .map((route) => ({
        route,
        // Routes without parameters come first: `/traces/guide` is not a trace.
        pattern: new RegExp(
          `^${route.replaceAll('.', '\\.').replace(':handle', '@\\w+').replace(':tag', '[\\w%]+').replace(/:\w+/g, '[0-9a-f]+')}$`,
        ),
      }))
    const asked = new Map(routes.map(({ route }) => [route, new Set<string>()]))
    await using between = await inFront(({ method, url, headers }) => {
      const kind = headers['hx-request']
        ? 'htmx'
        : headers['sec-fetch-site']
          ? 'browser'
          : 'program'
      const path = `${method} ${url?.replace(/\?.*/, '')}`
      for (const { route, pattern } of routes) if (pattern.test(path)) asked.get(route)!.add(kind)
      return false
    })
    const { code, said } = await hurry('k6', `--smoke --seconds 3 --target ${between.url}`)
    assert.equal(code, 0, said)
    for (const [route, kinds] of asked)
      assert.deepEqual([...kinds].sort(), ['browser', 'htmx', 'program'], route)
  },
)

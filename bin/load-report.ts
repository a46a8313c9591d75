// The report of a run: the numbers of k6 and Locust, judged by the limits in loadtest/shared.json.
import { existsSync, readFileSync } from 'node:fs'

type Row = { count: number; failures: number; rate: number; p50: number; p95: number; p99: number }
type Limits = { p95: number; bytes: number; requests: string[] }

export type Rows = Record<string, Row>

const groups = (
  JSON.parse(readFileSync(new URL('../loadtest/shared.json', import.meta.url), 'utf8')) as {
    limits: Record<string, Limits>
  }
).limits

/** The names of all requests that have limits. */
export const requestNames = Object.values(groups).flatMap(({ requests }) => requests)

type K6Metric = { values: Record<string, number> }
type K6Numbers = { metrics: Record<string, K6Metric>; state: { testRunDurationMs: number } }

type LocustEntry = {
  method: string
  name: string
  num_requests: number
  num_failures: number
  start_time: number
  last_request_timestamp: number
  /** Response times in ms, rounded, with the number of answers of each. */
  response_times: Record<string, number>
}

/** Reads the results that a generator wrote at its end; no rows if it wrote nothing. */
export function readRows(file: string): Rows {
  if (!existsSync(file)) return {}
  const numbers = JSON.parse(readFileSync(file, 'utf8')) as K6Numbers | LocustEntry[]
  return Array.isArray(numbers) ? rowsOfLocust(numbers) : rowsOfK6(numbers)
}

function rowsOfK6({ metrics, state }: K6Numbers): Rows {
  const rows: Rows = {}
  for (const name of requestNames) {
    const of = (metric: string, value: string) =>
      metrics[`${metric}{name:${name}}`]?.values[value] ?? 0
    // One check for each answer.
    const count = of('checks', 'passes') + of('checks', 'fails')
    if (count === 0) continue
    rows[name] = {
      count,
      failures: of('checks', 'fails'),
      rate: (count * 1000) / state.testRunDurationMs,
      p50: of('http_req_duration', 'med'),
      p95: of('http_req_duration', 'p(95)'),
      p99: of('http_req_duration', 'p(99)'),
    }
  }
  const { passes = 0, fails = 0 } = metrics['checks']?.values ?? {}
  const named = Object.values(rows).reduce((sum, { failures }) => sum + failures, 0)
  if (fails > named)
    rows['requests that shared.json does not name'] = {
      count: passes + fails - Object.values(rows).reduce((sum, { count }) => sum + count, 0),
      failures: fails - named,
      rate: 0,
      p50: 0,
      p95: 0,
      p99: 0,
    }
  return rows
}

function rowsOfLocust(entries: LocustEntry[]): Rows {
  const rows: Rows = {}
  for (const entry of entries) {
    const seconds = Math.max(1, entry.last_request_timestamp - entry.start_time)
    const times = Object.entries(entry.response_times)
      .map(([ms, count]) => ({ ms: Number(ms), count }))
      .sort((one, other) => one.ms - other.ms)
    const percentile = (share: number) => {
      let left = entry.num_requests * share
      return times.find(({ count }) => (left -= count) <= 0)?.ms ?? 0
    }
    rows[`${entry.method} ${entry.name}`] = {
      count: entry.num_requests,
      failures: entry.num_failures,
      rate: entry.num_requests / seconds,
      p50: percentile(0.5),
      p95: percentile(0.95),
      p99: percentile(0.99),
    }
  }
  return rows
}

/** A sentence for each exceeded limit, with the route. */
export function crossings(
  rows: Rows,
  { patience, smoke }: { patience: number; smoke: boolean },
): string[] {
  const crossed: string[] = []
  for (const [name, { count, failures, p95 }] of Object.entries(rows)) {
    const group = Object.values(groups).find(({ requests }) => requests.includes(name))
    const limit = Math.max(group?.p95 ?? Infinity, patience)
    if (failures > 0) crossed.push(`${name}: ${failures} of ${count} failed`)
    if (p95 >= limit)
      crossed.push(`${name}: p95 is ${Math.round(p95)} ms, the limit is ${limit} ms`)
  }
  // Three times: as a browser, as htmx and as a program.
  const unsent = smoke ? requestNames.filter((name) => (rows[name]?.count ?? 0) < 3) : []
  return [...crossed, ...unsent.map((name) => `${name}: sent fewer than 3 times`)]
}

/** The rows as a table; Locust prints its own. */
export function tableOf(rows: Rows): string {
  const wide = Math.max(...Object.keys(rows).map((name) => name.length))
  const line = (name: string, cells: (string | number)[]) =>
    name.padEnd(wide) + cells.map((cell) => String(cell).padStart(9)).join('')
  const lines = Object.entries(rows)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .map(([name, { count, failures, ...more }]) =>
      line(name, [
        count,
        failures,
        ...[more.rate, more.p50, more.p95, more.p99].map((value) => value.toFixed(1)),
      ]),
    )
  const head = line('request', ['count', 'failed', '1/s', 'p50 ms', 'p95 ms', 'p99 ms'])
  return ['', head, ...lines, ''].join('\n')
}

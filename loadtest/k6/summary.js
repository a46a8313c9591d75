// What a run leaves behind: thresholds for each request, a readable text, a JSON file, the slowest traces.
// ../locust/report.py says the same in the same words.
import { patienceMs, traces } from './environment.js'
import { nameOf } from './model.js'

/** The limit of a request's group in ms, but not below PATIENCE_MS. */
const limitOf = (model, request) => Math.max(model.groups[request.group].p95, patienceMs)

/** The requests that these steps can send, once for each name. */
export function requestsOf(model, requestNames) {
  const byName = new Map(
    requestNames.map((name) => [nameOf(model.requests[name]), model.requests[name]]),
  )
  return [...byName].map(([name, request]) => ({ name, request }))
}

/** The names of all requests in these steps. */
export const namesIn = (steps) =>
  steps.flatMap((step) => [
    ...(step.request === undefined ? [] : [step.request]),
    ...namesIn(step.steps ?? []),
    ...(step.oneOf ?? []).flatMap(namesIn),
  ])

/**
 * No failure, p95 and size within the limits of the group: for each name, so that a crossed one names the route.
 * `atLeast`: how often each must have been sent.
 */
export function thresholdsOf(model, requestNames, atLeast = 0) {
  const thresholds = {}
  for (const { name, request } of requestsOf(model, requestNames)) {
    thresholds[`checks{name:${name}}`] = ['rate==1']
    thresholds[`http_req_duration{name:${name}}`] = [`p(95)<${limitOf(model, request)}`]
    thresholds[`answer_bytes{name:${name}}`] = [`max<${model.groups[request.group].bytes}`]
    thresholds[`http_reqs{name:${name}}`] = [`count>=${atLeast}`]
  }
  return thresholds
}

const slowest = []
const slowestKept = 5

/** Says of a request that it is among the slowest of this user: bin/load.ts finds the slowest of all in these lines. */
export function noteSlow(ms, name, trace) {
  if (__ENV.SLOWEST !== '1' || !trace) return
  if (slowest.length === slowestKept && ms <= slowest[slowestKept - 1]) return
  slowest.push(ms)
  slowest.sort((one, other) => other - one)
  slowest.length = Math.min(slowest.length, slowestKept)
  // oxlint-disable-next-line no-console -- k6 has no other voice
  console.log(`Slow: ${name}, ${Math.round(ms)} ms (trace ${trace})`)
}

/** What k6 calls at the end. `OUT` is a file for the result as JSON. */
export function summarise(model, requestNames, data) {
  const requests = {}
  for (const { name } of requestsOf(model, requestNames)) {
    const count = data.metrics[`http_reqs{name:${name}}`]?.values.count ?? 0
    if (count === 0) continue
    const { fails = 0 } = data.metrics[`checks{name:${name}}`]?.values ?? {}
    const times = data.metrics[`http_req_duration{name:${name}}`].values
    const rate = (count * 1000) / data.state.testRunDurationMs
    requests[name] = {
      count,
      failures: fails,
      rate: Math.round(rate * 100) / 100,
      p50: times.med,
      p95: times['p(95)'],
      p99: times['p(99)'],
    }
  }
  const nothing = Object.keys(requests).length === 0
  const crossed = nothing ? ['nothing was requested'] : crossedIn(data)
  const result = { generator: 'k6', requests, crossed }
  return {
    stdout: nothing ? '' : readable(result),
    ...(__ENV.OUT && { [__ENV.OUT]: `${JSON.stringify(result, undefined, 2)}\n` }),
  }
}

/** A sentence for each threshold that was crossed. */
const crossedIn = (data) =>
  Object.entries(data.metrics).flatMap(([metric, { thresholds = {}, values }]) =>
    Object.entries(thresholds)
      .filter(([, { ok }]) => !ok)
      .map(([rule]) => {
        const [, kind, name] = metric.match(/^(\w+)\{name:(.*)\}$/)
        return `${name}: ${words[kind](values, rule.replace(/.*[<>=]/, ''))}`
      }),
  )

const words = {
  checks: ({ passes, fails }) => `${fails} of ${passes + fails} failed`,
  http_req_duration: (values, limit) =>
    `p95 is ${Math.round(values['p(95)'])} ms, the limit is ${limit} ms`,
  answer_bytes: ({ max }, limit) => `the largest answer has ${max} bytes, the limit is ${limit}`,
  http_reqs: ({ count }, least) => `sent ${count} times, but it must be ${least} at least`,
}

function readable({ requests, crossed }) {
  const wide = Math.max(10, ...Object.keys(requests).map((name) => name.length))
  const line = (name, cells) =>
    name.padEnd(wide) + cells.map((cell) => String(cell).padStart(9)).join('')
  const rows = Object.entries(requests).sort(([one], [other]) => (one < other ? -1 : 1))
  return [
    '',
    line('request', ['count', 'failed', '1/s', 'p50 ms', 'p95 ms', 'p99 ms']),
    ...rows.map(([name, { count, failures, rate, p50, p95, p99 }]) =>
      line(name, [count, failures, rate.toFixed(1), ...[p50, p95, p99].map((ms) => ms.toFixed(1))]),
    ),
    '',
    ...crossed.map((sentence) => `Threshold crossed: ${sentence}`),
    ...(crossed.length === 0 ? ['All answers were right, all thresholds were kept.'] : []),
    // A user of k6 knows nothing of the others: who is not started by bin/load.ts asks the target.
    ...(__ENV.SLOWEST === '1'
      ? []
      : [`The slowest requests and their traces: ${traces}?slower=100`]),
    '',
  ].join('\n')
}

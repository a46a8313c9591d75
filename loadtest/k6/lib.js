// Shared by smoke.js and load.js: clients that check each answer, thresholds for each request, spans.
import { check, sleep } from 'k6'
import http from 'k6/http'

/** Texts, patterns and limits: Locust reads the same file. */
export const shared = JSON.parse(open(import.meta.resolve('../shared.json')))
const limitsOf = {}
for (const [kind, { requests, ...limits }] of Object.entries(shared.limits))
  for (const name of requests) limitsOf[name] = { kind, ...limits }

export const numberOf = (name, otherwise) => Number(__ENV[name] || otherwise)

/** The target of the load. Redirects are not followed, so the load goes nowhere else. */
const target = (__ENV.TARGET || 'http://127.0.0.1:5000').replace(/\/$/, '')
const [isAddress, scheme, host, port] = /^(https?):\/\/(\[[^\]]+\]|[^:/?#@\s]+)(?::(\d+))?$/.exec(target) ?? []
if (!isAddress) throw new Error(`The target is "${target}", but it must be an address such as http://127.0.0.1:5000.`)

export const between = (low, high) => low + Math.floor(Math.random() * (high - low + 1))
export const chance = (share) => Math.random() < share
export const oneOf = (list) => list[between(0, list.length - 1)]
export const pause = (low = 0, high = low) => sleep((low + Math.random() * (high - low)) / numberOf('PACE', 1))

/** A random match of a pattern of shared.json, or of a button by its action; undefined if the page has none. */
export function find(html, name) {
  const pattern = shared.patterns[name] ?? shared.patterns.button.replace('ACTION', name)
  return oneOf([...html.matchAll(new RegExp(pattern, 'g'))])?.[1].replace(/&amp;/g, '&')
}

// The requirements for answers, as k6 checks.
const isHtml = (r) => r.status === 200 && `${r.headers['Content-Type']}`.startsWith('text/html')
const isPage = (r) => isHtml(r) && r.body.includes('</html>') && r.body.includes('Tracewren')
export const page = { 'a page': isPage }
export const ownPage = { 'a page of a member': (r) => isPage(r) && r.body.includes('action="/logout"') }
export const partial = { 'a part of a page': (r) => isHtml(r) && !r.body.includes('</html>') }
export const success = { success: (r) => r.status === 200 && r.body.includes('"success":true') }
export const refused = (status) => ({ [status]: (r) => r.status === status })
const pathOf = (r) => `${r.headers['Location']}`.replace(/[?#].*/, '')
/** A redirect to `path`; without a path, to any path of this site. */
export const redirect = (location, wanted = 303) => ({
  [`${wanted} to ${location || 'a page'}`]: (r) =>
    r.status === wanted && (location ? pathOf(r) === location : pathOf(r).startsWith('/')),
})

/** The default expectation; `location`: the redirect target of a browser after a POST. */
function usualAnswer({ signedIn }, method, kind, location) {
  if (method === 'GET') return signedIn ? ownPage : page
  return { browser: redirect(location), htmx: partial }[kind] ?? success
}

/** A client with its own cookies. `kind`: as a browser, as htmx, or as a program (that accepts JSON). */
export const newClient = (kind) => ({ kind, jar: new http.CookieJar(), here: target, signedIn: false })

function headersOf({ here, pageTrace }, kind) {
  if (kind === 'program' || kind === 'json') return { Accept: kind === 'json' ? 'application/json' : '*/*' }
  const browser = { Accept: 'text/html', 'Sec-Fetch-Site': 'same-origin', Referer: here }
  const htmx = { 'HX-Request': 'true', 'HX-Request-Type': 'partial', 'HX-Current-URL': here, ...pageTrace }
  return kind === 'htmx' ? { ...browser, ...htmx } : browser
}

/** The name of a path in reports: `/user/[id]` for any id. */
const nameOf = (path) => shared.labels.reduce((name, [part, label]) => name.replace(new RegExp(part), label), path)

export const get = (client, path, options) => send(client, 'GET', path, options)
export const post = (client, path, fields, options) => send(client, 'POST', path, { fields, ...options })

const traces = __ENV.TRACES ? `${__ENV.TRACES.replace(/localhost:(?=.*:)/, '')}/` : '' // HTTP_PORT may have an address
let failuresPrinted = 0

/** Sends a request and checks the answer (`expect`, or the default). Returns k6's response; its `body` is a text. */
function send(client, method, path, { fields = null, kind = client.kind, name: label = nameOf(path), expect } = {}) {
  const name = `${method} ${label}`
  const { bytes = Infinity, kind: group = 'other' } = limitsOf[name] ?? {}
  const tags = { name, kind: group }
  const [trace, span, url, started] = [hex(16), hex(8), target + path, Date.now()]
  const headers = { ...headersOf(client, kind), traceparent: `00-${trace}-${span}-01` }
  const response = http.request(method, url, fields, { headers, jar: client.jar, redirects: 0, tags, timeout: '30s' })
  response.body ??= ''
  const wanted = {
    ...(typeof expect === 'object' ? expect : usualAnswer(client, method, kind, expect)),
    [`at most ${bytes} bytes`]: ({ body }) => body.length <= bytes,
  }
  const unmet = Object.keys(wanted).find((what) => !wanted[what](response))
  const got = response.error ? `no answer, ${response.error}` : `${response.status}, ${response.body.length} bytes`
  const problem = unmet && `expected ${unmet}, but got ${got}`
  check(response, { 'the answer is right': () => !problem }, tags)
  keepSpan({ trace, span, name, started, url, status: response.status, problem })
  noteSlow(response.timings.duration, name, response.headers['X-Trace-Id'])
  // The end of the run aborts requests in progress: k6 calls that a timeout, too, but does not count it.
  const isCutOff = response.error === 'request timeout' && Date.now() - started < 30_000
  if (problem && !isCutOff && failuresPrinted++ < 3)
    console.error(`${name} as ${kind}: ${problem} (trace ${traces}${trace})`)
  if (!problem && method === 'GET' && kind === 'browser') {
    const shown = find(response.body, 'page')
    Object.assign(client, { here: url, pageTrace: shown && { 'X-Page-Trace': shown } })
  }
  return response
}

/** Thresholds by request, which name the route: no wrong answer, p95 within the limit, at least `atLeast` requests. */
export function thresholdsOf(atLeast = 0) {
  const thresholds = { checks: ['rate==1'] }
  for (const [name, { p95 }] of Object.entries(limitsOf)) {
    thresholds[`checks{name:${name}}`] = ['rate==1']
    thresholds[`http_req_duration{name:${name}}`] = [`p(95)<${Math.max(p95, numberOf('PATIENCE_MS', 0))}`]
    if (atLeast > 0) thresholds[`http_reqs{name:${name}}`] = [`count>=${atLeast}`]
  }
  return thresholds
}

const slowest = []

/** Reports a request to bin/load.ts if it is among the five slowest of this user. */
function noteSlow(ms, name, trace) {
  if (__ENV.SLOWEST !== '1' || !trace || ms <= slowest[4]) return
  slowest.push(ms)
  slowest.sort((one, other) => other - one).splice(5)
  console.log(`Slow: ${name}, ${Math.round(ms)} ms (trace ${trace})`)
}

// k6 exports no spans for its requests. The code below does, as OTLP/JSON, to OTEL_EXPORTER_OTLP_ENDPOINT.
const collector = (__ENV.OTEL_EXPORTER_OTLP_ENDPOINT || '').replace(/\/$/, '')
const spans = []
let sentAt = Date.now()

const hex = (size) =>
  [...crypto.getRandomValues(new Uint8Array(size))].map((byte) => byte.toString(16).padStart(2, '0')).join('')

const typed = (value) => (typeof value === 'number' ? { intValue: value } : { stringValue: value })
const attributesOf = (values) => Object.entries(values).map(([key, value]) => ({ key, value: typed(value) }))

function keepSpan({ trace, span, name, started, url, status, problem }) {
  if (collector === '') return
  const server = { 'server.address': host, 'server.port': Number(port || (scheme === 'https' ? 443 : 80)) }
  const sent = { 'http.request.method': name.split(' ')[0], 'url.full': url, 'user_agent.synthetic.type': 'test' }
  const answered = status > 0 && { 'http.response.status_code': status }
  const failed = problem && { 'error.type': status < 400 ? '_OTHER' : `${status}` }
  const attributes = attributesOf({ ...sent, ...server, ...answered, ...failed })
  const times = { startTimeUnixNano: `${started}000000`, endTimeUnixNano: `${Date.now()}000000` }
  const code = problem && { status: { code: 2, message: problem } }
  spans.push({ traceId: trace, spanId: span, name, kind: 3, attributes, ...times, ...code })
  if (spans.length >= 64) sendSpans()
}

/** Sends the queued spans, at most once in `restMs`. */
export function sendSpans(restMs = 0) {
  if (spans.length === 0 || Date.now() - sentAt < restMs) return
  sentAt = Date.now()
  const pairs = (__ENV.OTEL_RESOURCE_ATTRIBUTES || '').split(',').map((pair) => pair.trim().split('='))
  const given = Object.fromEntries(pairs.filter(([key, value]) => key && value))
  const resource = { attributes: attributesOf({ ...given, 'service.name': 'k6' }) }
  const scopeSpans = [{ scope: { name: 'loadtest' }, spans: spans.splice(0) }]
  const body = JSON.stringify({ resourceSpans: [{ resource, scopeSpans }] })
  const tags = { name: 'export of spans', kind: 'telemetry' }
  http.post(`${collector}/v1/traces`, body, { headers: { 'Content-Type': 'application/json' }, tags, timeout: '3s' })
}

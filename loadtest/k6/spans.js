// k6 exports no spans of its own requests: so these do, as OTLP/JSON, when OTEL_EXPORTER_OTLP_ENDPOINT says where.
// Then a request of k6 is the root of its trace. Without it the ids alone are sent along.
import http from 'k6/http'

const endpoint = (__ENV.OTEL_EXPORTER_OTLP_ENDPOINT || '').replace(/\/$/, '')
const waiting = []
const batch = 64
const longestWaitMs = 3000
let sentAt = Date.now()

/** Where the spans of k6 belong: its name, and what OTEL_RESOURCE_ATTRIBUTES says. */
const resource = [
  ...(__ENV.OTEL_RESOURCE_ATTRIBUTES || '')
    .split(',')
    .map((pair) => pair.trim().split('='))
    .filter(([key, value]) => key && value && key !== 'service.name')
    .map(([key, value]) => text(key, value)),
  text('service.name', 'k6'),
]

function text(key, value) {
  return { key, value: { stringValue: value } }
}

/** `server.address` and `server.port` of an address. */
function serverOf(target) {
  const [, scheme, host, port] = /^(https?):\/\/(\[[^\]]+\]|[^:/]+)(?::(\d+))?/.exec(target)
  const known = { key: 'server.port', value: { intValue: port || (scheme === 'https' ? 443 : 80) } }
  return [text('server.address', host), known]
}

/** Random bytes as hex; `crypto` fills only typed arrays of bytes reliably. */
const hex = (size) =>
  Array.from(crypto.getRandomValues(new Uint8Array(size)), (byte) =>
    byte.toString(16).padStart(2, '0'),
  ).join('')

/** A new sampled trace with the traceparent of its first span. */
export function newTrace() {
  const [id, span] = [hex(16), hex(8)]
  return { id, span, parent: `00-${id}-${span}-01` }
}

/** Keeps the span of a request until enough of them wait. */
export function rememberSpan({ id, span }, { name, started, target, status, failure }) {
  if (endpoint === '') return
  const [method] = name.split(' ')
  waiting.push({
    traceId: id,
    spanId: span,
    name,
    kind: 3,
    startTimeUnixNano: `${started}000000`,
    endTimeUnixNano: `${Date.now()}000000`,
    attributes: [
      text('http.request.method', method),
      text('url.full', target),
      ...serverOf(target),
      text('user_agent.synthetic.type', 'test'),
      // 0: nothing came back.
      ...(status > 0 ? [{ key: 'http.response.status_code', value: { intValue: status } }] : []),
      ...(failure === undefined ? [] : [text('error.type', status < 400 ? '_OTHER' : `${status}`)]),
    ],
    ...(failure !== undefined && { status: { code: 2, message: failure } }),
  })
  if (waiting.length >= batch) sendSpans()
}

/** Sends what waits; unless `now`, only when it has waited long enough. */
export function sendSpans(now = true) {
  if (waiting.length === 0 || (!now && Date.now() - sentAt < longestWaitMs)) return
  sentAt = Date.now()
  const scopeSpans = [{ scope: { name: 'loadtest' }, spans: waiting.splice(0) }]
  http.post(
    `${endpoint}/v1/traces`,
    JSON.stringify({ resourceSpans: [{ resource: { attributes: resource }, scopeSpans }] }),
    {
      headers: { 'Content-Type': 'application/json' },
      tags: { name: 'export of spans', kind: 'telemetry' },
      timeout: '3s',
    },
  )
}

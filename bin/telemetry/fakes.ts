// Fakes of two components that the test does not run: nginx's OpenTelemetry module, and the receivers of the Collector's
// contrib distribution. They send the real Collector the same data in the same form.
import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, openSync, readSync } from 'node:fs'

import { scraped } from './collector.ts'
import type { Seen } from './traffic.ts'

type Value = { stringValue: string } | { intValue: string }
const text = (key: string, value: string) => ({ key, value: { stringValue: value } as Value })
const whole = (key: string, value: number) => ({ key, value: { intValue: String(value) } as Value })
const resource = {
  attributes: [text('service.name', 'nginx'), text('service.namespace', 'twitter')],
}
const nanos = (ms: number) => `${Math.round(ms)}000000`

async function send(collector: string, signal: string, body: object): Promise<void> {
  const answer = await fetch(`${collector}/v1/${signal}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  })
  await answer.body?.cancel()
  if (!answer.ok) throw new Error(`The Collector answered ${answer.status} to ${signal}.`)
}

/** Fakes nginx's module 0.1.2: a SERVER span with attribute names from before 2023 and the location's text as route. */
export async function sendNginxSpans(collector: string, seen: readonly Seen[]): Promise<void> {
  if (seen.length === 0) return
  const spans = seen.map((one) => ({
    traceId: one.traceId,
    spanId: one.spanId,
    parentSpanId: one.parentSpanId ?? '',
    name: one.method,
    kind: 2,
    startTimeUnixNano: nanos(one.started),
    endTimeUnixNano: nanos(one.ended),
    attributes: [
      text('http.method', one.method),
      text('http.target', one.target),
      text('http.route', '/'),
      text('http.scheme', 'http'),
      text('http.flavor', '1.1'),
      text('http.user_agent', 'test'),
      whole('http.request_content_length', 0),
      whole('http.response_content_length', 1),
      whole('http.status_code', one.status),
      text('net.host.name', '127.0.0.1'),
      whole('net.host.port', 8080),
      text('net.sock.peer.addr', '127.0.0.1'),
      whole('net.sock.peer.port', 40_000),
    ],
    ...(one.status >= 500 && { status: { code: 2 } }),
  }))
  await send(collector, 'traces', {
    resourceSpans: [{ resource, scopeSpans: [{ scope: { name: 'nginx' }, spans }] }],
  })
}

/**
 * Reads from the access log what nginx's module would record of the requests of k6 and Locust. Their spans are the parents; the
 * log has the span of the app, so here nginx's span is beside it, not between both.
 */
export class AccessLog {
  readonly #file: string
  #read = 0

  constructor(file: string) {
    this.#file = file
  }

  ofGenerators(): Seen[] {
    return this.#newLines().flatMap((line) => {
      const fields = JSON.parse(line) as Record<string, string>
      const traceId = fields['trace.id'] ?? ''
      if (traceId === '' || !/python-requests|k6\//i.test(fields['user_agent'] ?? '')) return []
      const ended = Date.now()
      return {
        traceId,
        spanId: randomBytes(8).toString('hex'),
        parentSpanId: fields['span.id'] ?? '',
        method: fields['method'] ?? '',
        target: fields['path'] ?? '',
        status: Number(fields['status']),
        started: ended - Number(fields['reqtime']) * 1000,
        ended,
      }
    })
  }

  /** Returns complete lines only, because nginx may still be writing the last one. */
  #newLines(): string[] {
    if (!existsSync(this.#file)) return []
    const file = openSync(this.#file, 'r')
    const chunk = Buffer.alloc(4_000_000)
    const length = readSync(file, chunk, 0, chunk.length, this.#read)
    closeSync(file)
    const end = chunk.subarray(0, length).lastIndexOf(0x0a) + 1
    this.#read += end
    return chunk.toString('utf8', 0, end).split('\n').filter(Boolean)
  }
}

/** Fakes the `nginx` receiver: sends the counters of /nginx_status. */
export async function sendNginxStatus(collector: string, status: string): Promise<void> {
  const answer = await fetch(status)
  const numbers = ((await answer.text()).match(/\d+/g) ?? []).map(Number)
  const [
    active = 0,
    accepted = 0,
    handled = 0,
    requests = 0,
    reading = 0,
    writing = 0,
    waiting = 0,
  ] = numbers
  const timeUnixNano = nanos(Date.now())
  const point = (value: number, state?: string) => ({
    asInt: String(value),
    timeUnixNano,
    attributes: state === undefined ? [] : [text('state', state)],
  })
  const sum = (name: string, unit: string, dataPoints: object[], isMonotonic = true) => ({
    name,
    unit,
    sum: { aggregationTemporality: 2, isMonotonic, dataPoints },
  })
  const metrics = [
    sum('nginx.requests', 'requests', [point(requests)]),
    sum('nginx.connections_accepted', 'connections', [point(accepted)]),
    sum('nginx.connections_handled', 'connections', [point(handled)]),
    sum(
      'nginx.connections_current',
      'connections',
      [
        point(active, 'active'),
        point(reading, 'reading'),
        point(writing, 'writing'),
        point(waiting, 'waiting'),
      ],
      false,
    ),
  ]
  await send(collector, 'metrics', {
    resourceMetrics: [{ resource, scopeMetrics: [{ scope: {}, metrics }] }],
  })
}

/** Fakes the `prometheus` receiver: sends the metrics that contrib.yaml keeps, of the backends that run. */
export async function sendBackendMetrics(
  collector: string,
  backends: Record<string, string>,
): Promise<void> {
  const kept = scraped()
  for (const [name, url] of Object.entries(backends)) {
    const lines = (await (await fetch(url)).text()).split('\n')
    const sums = new Map<string, number>()
    for (const line of lines) {
      const [, metric = '', value] = /^(\w+)(?:\{.*\})? (\S+)/.exec(line) ?? []
      if (kept.test(metric)) sums.set(metric, (sums.get(metric) ?? 0) + Number(value))
    }
    const timeUnixNano = nanos(Date.now())
    const metrics = [...sums].map(([metric, asDouble]) => {
      const dataPoints = [{ asDouble, timeUnixNano }]
      return metric.endsWith('_total')
        ? { name: metric, sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints } }
        : { name: metric, gauge: { dataPoints } }
    })
    await send(collector, 'metrics', {
      resourceMetrics: [
        {
          resource: { attributes: [text('service.name', name)] },
          scopeMetrics: [{ scope: {}, metrics }],
        },
      ],
    })
  }
}

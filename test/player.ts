// Somebody who looks for a fault: visits pages of a real process, and reads what the inspector says in its pages and JSON.
import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'

import { post } from './process.ts'

export type Row = {
  name: string
  count: number
  p50: number
  p99: number
  /** The path of its slowest trace. */
  slowest: string
  errors: number
  queries: number
  kilobytes: number
}
export type Sample = Record<string, number | string | null>

const answerMs = 20_000

export class Player {
  readonly url: string
  readonly cookie: string

  constructor(url: string, cookie: string) {
    this.url = url
    this.cookie = cookie
  }

  /** The text of a page; empty when the connection ended within it. */
  async read(path: string, headers: Record<string, string> = {}): Promise<string> {
    const answer = await fetch(this.url + path, {
      headers: { Cookie: this.cookie, Accept: 'text/html', ...headers },
      signal: AbortSignal.timeout(answerMs),
    })
    return answer.text().catch(() => '')
  }

  /** Asks for pages in turn, each so often. */
  async visit(times: number, ...paths: string[]): Promise<void> {
    for (let count = 0; count < times; count++) for (const path of paths) await this.read(path)
  }

  async post(path: string, fields: Record<string, string> = {}): Promise<void> {
    const answer = await post(this.url + path, fields, this.cookie)
    assert.ok(answer, `no answer to POST ${path}`)
    await answer.body?.cancel()
  }

  /** Starts or ends a fault, as somebody at this machine may. */
  async fault(path: string, fields: Record<string, string> = {}): Promise<void> {
    const answer = await post(`${this.url}/faults/${path}`, fields)
    assert.equal(answer?.status, 200, await answer?.text())
  }

  /** The rows of /routes, or of its queries. */
  async rows(by: 'route' | 'query' = 'route'): Promise<Row[]> {
    const page = await this.read(`/routes?by=${by}`)
    const heads = [...page.matchAll(/<th scope="col"[^>]*>(.*?)<\/th>/g)].map(([, head]) => head)
    const [, body = ''] = /<tbody>(.*?)<\/tbody>/s.exec(page) ?? []
    return body
      .split(/<tr[^>]*>/)
      .slice(1)
      .map((row) => {
        const cells = row.split(/<td[^>]*>/).slice(1)
        const cell = (head: string) => cells[heads.indexOf(head)] ?? ''
        return {
          name: textOf(cells[0] ?? ''),
          count: numberOf(textOf(cell('Count'))),
          p50: msOf(textOf(cell('p50'))),
          p99: msOf(textOf(cell('p99'))),
          slowest: /href="([^"]+)"/.exec(cell('Slowest'))?.[1] ?? '',
          errors: numberOf(textOf(cell('Errors'))),
          queries: numberOf(textOf(cell('Queries'))),
          kilobytes: numberOf(textOf(cell('KB'))),
        }
      })
  }

  async row(name: string): Promise<Row> {
    const rows = await this.rows()
    const row = rows.find((one) => one.name === name)
    assert.ok(row, `/routes has no row ${name}, but ${rows.map((one) => one.name).join(', ')}`)
    return row
  }

  /** How many requests /traces finds with these filters. */
  async found(filters: Record<string, string>): Promise<number> {
    const page = await this.read(`/traces?${new URLSearchParams(filters)}`)
    const [, count] = /id="live" role="status">[^<]*? of ([\d,]+) requests?</.exec(page) ?? []
    return numberOf(count ?? '0')
  }

  /** The path of the newest trace with these filters. */
  async newest(filters: Record<string, string>): Promise<string> {
    const page = await this.read(`/traces?${new URLSearchParams(filters)}`)
    const path = /href="(\/traces\/[0-9a-f]{32})"/.exec(page)?.[1]
    assert.ok(path, `/traces has nothing with ${JSON.stringify(filters)}`)
    return path
  }

  /** The lines of /logs with this text or trace id. */
  async lines(q: string): Promise<string[]> {
    const page = await this.read(`/logs?${new URLSearchParams({ q })}`)
    return page.split('<li class="log">').slice(1)
  }

  /** The sample of /traces/runtime that this call falls into: it has what was visited just before. */
  async sample(): Promise<Sample> {
    const from = Date.now()
    for (const giveUp = Date.now() + 60_000; Date.now() < giveUp; await pause(200)) {
      const json = await this.read('/traces/runtime', { Accept: 'application/json' })
      const sample = (JSON.parse(json) as { samples: Sample[] }).samples.at(-1)
      if (sample && Number(sample['at']) >= from) return sample
    }
    throw new Error('/traces/runtime has no new sample.')
  }
}

/** The text of a piece of HTML. */
export const textOf = (html: string): string =>
  html
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll('&quot;', '"')
    .trim()

const numberOf = (text: string): number => Number(text.replaceAll(/[^\d.]/g, '')) || 0

/** Milliseconds of `1.23 s` or `15.4 ms`. */
export function msOf(text: string): number {
  const [, value, unit] = /([\d.]+) (ms|s)\b/.exec(text) ?? []
  return Number(value ?? NaN) * (unit === 's' ? 1000 : 1)
}

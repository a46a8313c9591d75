// One user of the built-in traffic: sends requests one after the other, keeps cookies, and reads pages as loadtest/ does.
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

const answerMs = 15_000

type Shared = {
  texts: string[]
  words: string[]
  tags: string[]
  beginnings: string[]
  patterns: Record<string, string>
}
/** Texts and patterns: k6 and Locust read the same file. */
export const shared = JSON.parse(
  readFileSync(new URL('../../loadtest/shared.json', import.meta.url), 'utf8'),
) as Shared

export const between = (low: number, high: number) =>
  low + Math.floor(Math.random() * (high - low + 1))
export const chance = (share: number) => Math.random() < share
export const oneOf = <T>(list: readonly T[]): T => list[between(0, list.length - 1)]!

/** A random match of a pattern of shared.json, or of a button by its action; undefined if the page has none. */
export function find(html: string, name: string): string | undefined {
  const pattern = shared.patterns[name] ?? shared.patterns['button']!.replace('ACTION', name)
  const found = [...html.matchAll(new RegExp(pattern, 'g'))]
  return found.length > 0 ? oneOf(found)[1]?.replaceAll('&amp;', '&') : undefined
}

export type ClientKind = 'browser' | 'htmx'

const acceptOf: Record<ClientKind, Record<string, string>> = {
  browser: { Accept: 'text/html', 'Sec-Fetch-Site': 'same-origin' },
  htmx: {
    Accept: 'text/html',
    'Sec-Fetch-Site': 'same-origin',
    'HX-Request': 'true',
    'HX-Request-Type': 'partial',
  },
}

export type Reply = { status: number; html: string }

/** How fast users are (2: all their pauses are half as long), and when they go. */
export type Pace = { pace: number; signal: AbortSignal }

export class Walker {
  signedIn = false
  readonly #target: string
  readonly #pace: Pace
  #cookies = new Map<string, string>()

  constructor(target: string, pace: Pace) {
    this.#target = target
    this.#pace = pace
  }

  /** Waits as somebody who reads; throws when the traffic ends. */
  async wait(low: number, high = low): Promise<void> {
    const seconds = (low + Math.random() * (high - low)) / this.#pace.pace
    await pause(seconds * 1000, undefined, { signal: this.#pace.signal })
  }

  /** Opens a page as a browser, and looks at it for a while. */
  async visit(path: string, low = 0, high = low): Promise<string> {
    const { html } = await this.send('GET', path, 'browser')
    await this.wait(low, high)
    return html
  }

  get(path: string): Promise<Reply> {
    return this.send('GET', path, 'htmx')
  }

  post(path: string, fields: Record<string, string> = {}, kind: ClientKind = 'htmx') {
    return this.send('POST', path, kind, fields)
  }

  /** Forgets who this was. */
  leave(): void {
    this.#cookies.clear()
    this.signedIn = false
  }

  /** Sends a request; no answer is status 0. Follows no redirect, so the load goes nowhere else. */
  async send(
    method: string,
    path: string,
    kind: ClientKind,
    fields?: Record<string, string>,
  ): Promise<Reply> {
    this.#pace.signal.throwIfAborted()
    try {
      const answer = await fetch(this.#target + path, {
        method,
        headers: {
          ...acceptOf[kind],
          traceparent: `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`,
          'User-Agent': 'tracewren-traffic',
          ...(this.#cookies.size > 0 && { Cookie: [...this.#cookies.values()].join('; ') }),
        },
        ...(fields && { body: new URLSearchParams(fields) }),
        redirect: 'manual',
        signal: AbortSignal.any([this.#pace.signal, AbortSignal.timeout(answerMs)]),
      })
      for (const cookie of answer.headers.getSetCookie()) {
        const [pair = ''] = cookie.split(';')
        this.#cookies.set(pair.split('=')[0]!, pair)
      }
      return { status: answer.status, html: await answer.text() }
    } catch {
      // Whatever is broken there, people come again.
      this.#pace.signal.throwIfAborted()
      return { status: 0, html: '' }
    }
  }
}

// Sends the requests of a lab, to this machine only.
import { setTimeout as pause } from 'node:timers/promises'

import { LabError } from './app.ts'

const answerMs = 30_000

export type Sent = { status: number; ms: number; traceId: string; retryAfterMs: number | undefined }

type Options = { as?: string; headers?: Record<string, string>; post?: boolean }

/** A demo person who is signed in, and whose requests carry the name of the lab as user agent. */
export class Traffic {
  readonly #url: string
  readonly #agent: string
  #cookie = ''

  constructor(url: string, lab: number) {
    this.#url = url
    this.#agent = agentOf(lab)
  }

  /** Sends a request as a browser; `as` is added to the user agent. */
  async send(path: string, { as, headers, post = false }: Options = {}): Promise<Sent> {
    const from = performance.now()
    const answer = await this.#ask(path, {
      ...(post && { method: 'POST' }),
      headers: {
        Accept: 'text/html',
        'User-Agent': as === undefined ? this.#agent : `${this.#agent} ${as}`,
        Cookie: this.#cookie,
        ...(post && { 'HX-Request': 'true', 'HX-Request-Type': 'partial' }),
        ...headers,
      },
    })
    await answer.arrayBuffer()
    const retryAfter = answer.headers.get('Retry-After')
    return {
      status: answer.status,
      ms: performance.now() - from,
      traceId: answer.headers.get('X-Trace-Id') ?? '',
      retryAfterMs: retryAfter === null ? undefined : Number(retryAfter) * 1000,
    }
  }

  /** Signs in as a person of the demo world. */
  async signIn(): Promise<void> {
    const answer = await this.#ask('/login', {
      method: 'POST',
      body: new URLSearchParams({
        mailaddress: 'user0001@example.com',
        password: 'password123',
      }),
      headers: { 'User-Agent': this.#agent },
    })
    await answer.arrayBuffer()
    if (answer.status !== 303)
      throw new LabError(
        `The app at ${this.#url} does not let the demo account user0001@example.com in (status ${answer.status}). Labs need a demo: npm start on a fresh database.`,
      )
    this.#cookie = answer.headers.getSetCookie()[0]?.split(';')[0] ?? ''
  }

  /** The same page so many times, one after the other, each after a rest. */
  async repeat(path: string, times: number, restMs = 0): Promise<Sent[]> {
    const sent: Sent[] = []
    for (let count = 0; count < times; count++) {
      if (restMs > 0) await pause(restMs)
      sent.push(await this.send(path))
    }
    return sent
  }

  async #ask(path: string, init: RequestInit): Promise<Response> {
    try {
      return await fetch(path.startsWith('http') ? path : `${this.#url}${path}`, {
        ...init,
        redirect: 'manual',
        signal: AbortSignal.timeout(answerMs),
      })
    } catch {
      const at = new URL(path, this.#url).origin
      throw new LabError(`Nothing answers at ${at}.`)
    }
  }
}

/** The user agent of the traffic of a lab. */
export const agentOf = (lab: number): string => `tracewren-lab/${lab}`

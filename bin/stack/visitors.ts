// A light load through nginx, bounded, that counts who answered what.
import { setTimeout as pause } from 'node:timers/promises'

export type Asked = 'page' | 'like' | 'static'
export type Seen = { asked: Asked; at: number; answer: string }

/** Signs in as a person of the demo world; returns the cookie. */
export async function signIn(url: string, person = 1): Promise<string> {
  const answer = await fetch(`${url}/login`, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({
      mailaddress: `user${String(person).padStart(4, '0')}@example.com`,
      password: 'password123',
    }),
    signal: AbortSignal.timeout(10_000),
  })
  if (answer.status !== 303) throw new Error(`POST /login answered ${answer.status}.`)
  return answer.headers
    .getSetCookie()
    .map((cookie) => cookie.split(';')[0])
    .join('; ')
}

/** The status of an answer that came whole, or what the user saw instead. */
async function statusOf(sent: Promise<Response>): Promise<string> {
  try {
    const answer = await sent
    await answer.arrayBuffer()
    return String(answer.status)
  } catch (error) {
    return (error as Error).name === 'TimeoutError' ? 'no answer in 10 s' : 'cut off'
  }
}

/** Three requests four times a second: a page, a like, and a file that nginx serves by itself. */
export class Visitors {
  readonly seen: Seen[] = []
  readonly #url: string
  readonly #open = new Set<Promise<void>>()
  readonly #done: Promise<void>
  readonly #ended = new AbortController()

  constructor(url: string, cookie: string, sheet: string) {
    this.#url = url
    this.#done = this.#visit(cookie, sheet)
  }

  async #visit(cookie: string, sheet: string): Promise<void> {
    for (let count = 0; !this.#ended.signal.aborted; count++) {
      const action = count % 2 === 0 ? 'favorite' : 'unfavorite'
      this.#ask('page', '/timeline', { headers: { Cookie: cookie } })
      this.#ask('like', `/${action}/${11 + (count % 50)}`, {
        method: 'POST',
        headers: { Cookie: cookie },
      })
      this.#ask('static', sheet, {})
      await pause(250)
    }
  }

  #ask(asked: Asked, path: string, init: RequestInit): void {
    const at = performance.now()
    const signal = AbortSignal.timeout(10_000)
    const note = (answer: string) => {
      this.seen.push({ asked, at, answer })
    }
    const told = statusOf(fetch(this.#url + path, { ...init, redirect: 'manual', signal })).then(
      note,
    )
    this.#open.add(told)
    void told.finally(() => this.#open.delete(told))
  }

  /** The answers to requests sent since then, after all of them have come: `page 200 ×12, 503 ×2`. */
  async since(from: number): Promise<Record<Asked, string>> {
    await Promise.all(this.#open)
    const of = (asked: Asked) => {
      const counts = new Map<string, number>()
      for (const one of this.seen)
        if (one.asked === asked && one.at >= from)
          counts.set(one.answer, (counts.get(one.answer) ?? 0) + 1)
      return [...counts].map(([answer, count]) => `${answer} ×${count}`).join(', ')
    }
    return { page: of('page'), like: of('like'), static: of('static') }
  }

  async stop(): Promise<void> {
    this.#ended.abort()
    await this.#done
    await Promise.all(this.#open)
  }
}

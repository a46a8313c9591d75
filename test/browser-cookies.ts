// A browser as far as cookies go: it keeps those of several processes, which are those of one site to it.

export type Answer = { status: number; text: string; ms: number }
type Kept = { value: string; until: number }

export class CookieBrowser {
  readonly #cookies = new Map<string, Kept>()

  /** Asks for a page, or sends a form as htmx does. */
  async ask(url: string, form?: Record<string, string>): Promise<Answer> {
    const from = performance.now()
    const kept = [...this.#cookies].filter(([, { until }]) => until > from)
    const answer = await fetch(url, {
      redirect: 'manual',
      headers: {
        Accept: 'text/html',
        Cookie: kept.map(([name, { value }]) => `${name}=${value}`).join('; '),
        ...(form && { 'HX-Request': 'true', 'HX-Request-Type': 'partial' }),
      },
      ...(form && { method: 'POST', body: new URLSearchParams(form) }),
      signal: AbortSignal.timeout(20_000),
    })
    const text = await answer.text()
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      const seconds = Number(/Max-Age=(\d+)/i.exec(line)?.[1] ?? Infinity)
      this.#cookies.set(name, { value, until: from + seconds * 1000 })
    }
    return { status: answer.status, text, ms: performance.now() - from }
  }

  /** Another browser that has this cookie alone. */
  onlyWith(name: string): CookieBrowser {
    const other = new CookieBrowser()
    const cookie = this.#cookies.get(name)
    if (cookie) other.#cookies.set(name, cookie)
    return other
  }
}

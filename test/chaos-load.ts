// The load of the chaos test: people who post with a key until it is acknowledged, read, and like.
import { setTimeout as pause } from 'node:timers/promises'

type Answer = { at: number; ms: number; status: number; what: string; text: string }

/** What happened between two moments. `failures` are all answers but 200, `gapMs` is the longest time without one. */
export type Figures = {
  requests: number
  failures: Answer[]
  statuses: Set<number>
  gapMs: number
  slowestMs: number
}

export type Load = {
  figures: (from: number, to: number) => Figures
  /** Ends the load; returns the texts that were acknowledged, and how many different ones were sent. */
  stop: () => Promise<{ acknowledged: string[]; sent: number }>
}

/** Starts one person for each cookie. */
export function startLoad(url: string, cookies: readonly string[]): Load {
  const answers: Answer[] = []
  const acknowledged: string[] = []
  let isOver = false
  let sent = 0
  const ask = async (cookie: string, path: string, fields?: Record<string, string>) => {
    const started = Date.now()
    const { status, text } = await fetch(url + path, {
      method: fields ? 'POST' : 'GET',
      headers: { Cookie: cookie },
      redirect: 'manual',
      signal: AbortSignal.timeout(20_000),
      ...(fields && { body: new URLSearchParams(fields) }),
    }).then(
      async (answer) => ({ status: answer.status, text: await answer.text() }),
      (error: unknown) => ({ status: 0, text: String(error) }),
    )
    const at = Date.now()
    const shown = status === 200 ? '' : text.slice(0, 120)
    answers.push({ at, ms: at - started, status, what: path, text: shown })
    if (status !== 200) await pause(50)
    return status === 200
  }
  const person = async (cookie: string, number: number) => {
    for (let post = 0; !isOver; post++) {
      const msg = `chaos ${number} ${post}`
      sent += 1
      // "It may have been done" is not acknowledged: the same form again.
      for (let isDone = false; !isDone && !isOver;) {
        isDone = await ask(cookie, '/tweet', { msg, key: `key ${post}` })
        if (isDone) acknowledged.push(msg)
      }
      await ask(cookie, '/timeline')
      await ask(cookie, '/favorite/1', {})
      await ask(cookie, '/')
    }
  }
  const all = cookies.map(person)
  return {
    figures(from, to) {
      const some = answers.filter(({ at }) => at >= from && at <= to)
      const successes = [
        from,
        ...some.filter(({ status }) => status === 200).map(({ at }) => at),
        to,
      ]
      const gaps = successes.slice(1).map((at, before) => at - successes[before]!)
      return {
        requests: some.length,
        failures: some.filter(({ status }) => status !== 200),
        statuses: new Set(some.map(({ status }) => status)),
        gapMs: Math.max(...gaps),
        slowestMs: Math.max(0, ...some.map(({ ms }) => ms)),
      }
    },
    async stop() {
      isOver = true
      await Promise.all(all)
      return { acknowledged, sent }
    },
  }
}

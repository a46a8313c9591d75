// People at work: a few demo accounts that read, write, search and err, each request the root of a trace.
import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'

/** A request as nginx's module would have seen it. */
export type Seen = {
  traceId: string
  spanId: string
  method: string
  target: string
  status: number
  /** Milliseconds since 1970. */
  started: number
  ended: number
}

type Options = { fields?: Record<string, string>; headers?: Record<string, string> }

/** Somebody with a cookie. */
export class Person {
  readonly #url: string
  readonly #seen: (one: Seen) => void
  #cookie = ''

  constructor(url: string, seen: (one: Seen) => void) {
    this.#url = url
    this.#seen = seen
  }

  /** One request with a traceparent, as a caller's span would begin it; reads the answer to its end. */
  async ask(method: string, target: string, { fields, headers = {} }: Options = {}) {
    const [traceId, spanId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')]
    const started = Date.now()
    const answer = await fetch(this.#url + target, {
      method,
      redirect: 'manual',
      signal: AbortSignal.timeout(20_000),
      headers: {
        traceparent: `00-${traceId}-${spanId}-01`,
        ...(this.#cookie && { Cookie: this.#cookie }),
        ...headers,
      },
      ...(fields && { body: new URLSearchParams(fields) }),
    })
    const text = await answer.text()
    for (const line of answer.headers.getSetCookie()) this.#cookie = line.split(';')[0] ?? ''
    const { status } = answer
    this.#seen({ traceId, spanId, method, target, status, started, ended: Date.now() })
    return { traceId, spanId, status, text, headers: answer.headers }
  }

  async login(number: number): Promise<void> {
    const mailaddress = `user${String(number).padStart(4, '0')}@example.com`
    const { status } = await this.ask('POST', '/login', {
      fields: { mailaddress, password: 'password123' },
    })
    if (status !== 303 && status !== 302) throw new Error(`The login answered ${status}.`)
  }
}

const pick = <T>(some: readonly T[]): T => some[Math.floor(Math.random() * some.length)]!
const upTo = (most: number) => 1 + Math.floor(Math.random() * most)

/** What people do, and what goes wrong: each panel needs something to show. */
const actions: ((person: Person) => Promise<unknown>)[] = [
  (person) => person.ask('GET', '/timeline'),
  (person) => person.ask('GET', '/timeline'),
  (person) => person.ask('GET', '/'),
  (person) => person.ask('GET', `/tweet/${upTo(200)}`),
  (person) => person.ask('GET', `/search?q=${pick(['coffee', 'rain', 'bird'])}`),
  (person) => person.ask('GET', '/favorites'),
  (person) =>
    person.ask('POST', '/tweet', {
      fields: { msg: `A thought, ${randomBytes(4).toString('hex')}` },
    }),
  (person) => person.ask('POST', `/favorite/${upTo(200)}`),
  (person) => person.ask('POST', `/unfavorite/${upTo(200)}`),
  (person) => person.ask('POST', `/follow/${upTo(100)}`),
  // Refused by the table's own rule: a query that fails.
  (person) => person.ask('POST', '/favorite/999999999'),
  (person) => person.ask('GET', '/nowhere/at/all'),
  (person) => person.ask('POST', '/tweet', { fields: { msg: '' } }),
]

/** Lets demo accounts work until the time is over; gives how many requests they made. */
export async function beBusy(url: string, seconds: number, seen: (one: Seen) => void) {
  let requests = 0
  const count = (one: Seen) => {
    requests += 1
    seen(one)
  }
  const until = Date.now() + seconds * 1000
  const live = async (number: number) => {
    const person = new Person(url, count)
    await person.login(number)
    for (let turn = number; Date.now() < until; turn++) {
      await actions[turn % actions.length]!(person)
      await pause(50 + Math.random() * 150)
    }
  }
  // Writes that come at once wait for each other, and somebody searches more often than is allowed.
  const storm = async () => {
    const person = new Person(url, count)
    await person.login(50)
    for (; Date.now() < until; await pause(2000)) {
      const msgs = Array.from({ length: 12 }, (_, index) => ({ msg: `Wave ${index}` }))
      await Promise.all(msgs.map((fields) => person.ask('POST', '/tweet', { fields })))
      await Promise.all(msgs.map(({ msg }) => person.ask('GET', `/search?q=${msg}`)))
    }
  }
  await Promise.all([...Array.from({ length: 6 }, (_, index) => live(index + 1)), storm()])
  return requests
}

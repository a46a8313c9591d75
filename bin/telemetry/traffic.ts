// Traffic for the dashboards: demo accounts read, write, search and make mistakes. Each request is the root of a trace.
import { randomBytes } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'

/** A request with what nginx's module would record about it. */
export type Seen = {
  traceId: string
  spanId: string
  parentSpanId?: string
  method: string
  target: string
  status: number
  /** Start and end, in milliseconds since 1970. */
  started: number
  ended: number
}

type Options = { fields?: Record<string, string>; headers?: Record<string, string> }

/** A client that keeps its cookies. */
export class Person {
  readonly #url: string
  readonly #seen: (one: Seen) => void
  readonly #cookies = new Map<string, string>()

  constructor(url: string, seen: (one: Seen) => void) {
    this.#url = url
    this.#seen = seen
  }

  /** Sends one request with a new `traceparent` and reads the whole answer. */
  async send(method: string, target: string, { fields, headers = {} }: Options = {}) {
    const [traceId, spanId] = [randomBytes(16).toString('hex'), randomBytes(8).toString('hex')]
    const started = Date.now()
    const answer = await fetch(this.#url + target, {
      method,
      redirect: 'manual',
      signal: AbortSignal.timeout(20_000),
      headers: {
        traceparent: `00-${traceId}-${spanId}-01`,
        Cookie: [...this.#cookies].map((pair) => pair.join('=')).join('; '),
        ...headers,
      },
      ...(fields && { body: new URLSearchParams(fields) }),
    })
    const text = await answer.text()
    for (const line of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      this.#cookies.set(name, value)
    }
    const { status } = answer
    this.#seen({ traceId, spanId, method, target, status, started, ended: Date.now() })
    return { traceId, spanId, status, text, headers: answer.headers }
  }

  async login(number: number): Promise<void> {
    const mailaddress = `user${String(number).padStart(4, '0')}@example.com`
    const { status } = await this.send('POST', '/login', {
      fields: { mailaddress, password: 'password123' },
    })
    if (status !== 303 && status !== 302) throw new Error(`The login answered ${status}.`)
  }
}

const pick = <T>(some: readonly T[]): T => some[Math.floor(Math.random() * some.length)]!
const upTo = (most: number) => 1 + Math.floor(Math.random() * most)

/** Actions that succeed and actions that fail, so that each panel has data. */
const actions: ((person: Person) => Promise<unknown>)[] = [
  (person) => person.send('GET', '/timeline'),
  (person) => person.send('GET', '/timeline'),
  (person) => person.send('GET', '/'),
  (person) => person.send('GET', `/tweet/${upTo(200)}`),
  (person) => person.send('GET', `/search?q=${pick(['coffee', 'rain', 'bird'])}`),
  (person) => person.send('GET', '/favorites'),
  (person) =>
    person.send('POST', '/tweet', {
      // The link is refused: this machine has no preview.
      fields: { msg: `A thought, ${randomBytes(4).toString('hex')}: http://127.0.0.1/` },
    }),
  (person) => person.send('POST', `/favorite/${upTo(200)}`),
  (person) => person.send('POST', `/unfavorite/${upTo(200)}`),
  (person) => person.send('POST', `/follow/${upTo(100)}`),
  // The foreign key refuses this INSERT, so that one query fails.
  (person) => person.send('POST', '/follow/999999999'),
  (person) => person.send('GET', '/nowhere/at/all'),
  (person) => person.send('POST', '/tweet', { fields: { msg: '' } }),
]

/** Runs demo accounts until the time is over. Returns the number of requests. */
export async function generateTraffic(url: string, seconds: number, seen: (one: Seen) => void) {
  let requests = 0
  const count = (one: Seen) => {
    requests += 1
    seen(one)
  }
  const until = Date.now() + seconds * 1000
  const runPerson = async (number: number) => {
    const person = new Person(url, count)
    await person.login(number)
    for (let turn = number; Date.now() < until; turn++) {
      await actions[turn % actions.length]!(person)
      await pause(50 + Math.random() * 150)
    }
  }
  // Simultaneous writes wait for each other, and frequent searches exceed the limit.
  const burst = async () => {
    const person = new Person(url, count)
    await person.login(50)
    for (; Date.now() < until; await pause(2000)) {
      const msgs = Array.from({ length: 12 }, (_, index) => ({ msg: `Wave ${index}` }))
      await Promise.all(msgs.map((fields) => person.send('POST', '/tweet', { fields })))
      await Promise.all(msgs.map(({ msg }) => person.send('GET', `/search?q=${msg}`)))
    }
  }
  await Promise.all([...Array.from({ length: 6 }, (_, index) => runPerson(index + 1)), burst()])
  return requests
}

// Checks the target before the users start: says in one sentence why a load test of it would be useless.
import { Agent, request } from 'node:http'
import { request as requestSafely, Agent as SafeAgent } from 'node:https'

/** The answer to a request; the reason if there was no answer. */
type Answer = { status: number; body: string; cookies: string[]; reason?: string }

type Call = { method?: 'POST'; fields?: Record<string, string>; cookies?: string[] }

const account = { mailaddress: 'user0001@example.com', password: 'password123' }

/** The reason why this target is unsuitable; undefined if it is ready. Follows no redirect; uses no proxy. */
export async function problemOfTarget(target: string): Promise<string | undefined> {
  const call = (path: string, more: Call = {}) => ask(`${target}${path}`, more)
  const post = (path: string, more: Call = {}) => call(path, { method: 'POST', ...more })

  const start = await call('/')
  if (start.reason !== undefined)
    return `Nothing answers at ${target} (${start.reason}). Start it with \`npm start\`, or name another target.`
  if (start.status !== 200 || !start.body.includes('Tracewren'))
    return `${target} answers, but it is not a Tracewren: its start page is another one (status ${start.status}).`
  const { status, cookies } = await post('/login', { fields: account })
  if (status !== 303)
    return `${target} does not let the demo account ${account.mailaddress} in (POST /login: status ${status}; 429 means strict limits). Start it with DEMO=1, the default, on a database that was made so.`
  const tweet = await call('/tweet/200')
  if (tweet.status !== 200)
    return `${target} has no demo world: tweet 200 is missing (status ${tweet.status}). Start it on a fresh database with DEMO=1.`
  for (let count = 1; count <= 61; count++) {
    const action = await post('/unfavorite/1', { cookies })
    if (action.status !== 200)
      return `${target} allows so few actions a minute that the load would only measure its limits (status ${action.status} at number ${count}). Start it with DEMO=1 or set LIMIT_WRITE.`
  }
  await post('/logout', { cookies })
  for (let count = 1; count <= 11; count++) {
    const login = await post('/login', { fields: { ...account, password: 'not this one' } })
    if (login.status !== 422)
      return `${target} allows so few logins that the users could not sign in (status ${login.status} at number ${count}). Start it with DEMO=1 or set LIMIT_LOGIN_ACCOUNT and LIMIT_LOGIN_CLIENT.`
  }
  return undefined
}

function ask(url: string, { method, fields, cookies = [] }: Call): Promise<Answer> {
  const isSafe = url.startsWith('https:')
  return new Promise((done) => {
    const call = (isSafe ? requestSafely : request)(
      url,
      {
        method: method ?? 'GET',
        // A new agent uses no proxy, even if NODE_USE_ENV_PROXY is set.
        agent: isSafe ? new SafeAgent() : new Agent(),
        timeout: 10_000,
        headers: {
          ...(cookies.length > 0 && { Cookie: cookies.join('; ') }),
          ...(fields && { 'Content-Type': 'application/x-www-form-urlencoded' }),
        },
      },
      (answer) => {
        let body = ''
        answer.setEncoding('utf8')
        answer.on('data', (piece: string) => (body += piece))
        answer.once('error', ({ message }) => fail(message))
        answer.once('end', () => {
          const kept = (answer.headers['set-cookie'] ?? []).map((one) => one.split(';')[0]!)
          done({ status: answer.statusCode ?? 0, body, cookies: kept })
        })
      },
    )
    const fail = (reason: string) => done({ status: 0, body: '', cookies: [], reason })
    call.once('timeout', () => call.destroy(new Error('no answer within 10 s')))
    call.once('error', (error) => fail(reasonOf(error)))
    call.end(fields && new URLSearchParams(fields).toString())
  })
}

/** `connection refused` instead of Node's `connect ECONNREFUSED 127.0.0.1:5000`. */
const reasonOf = (error: NodeJS.ErrnoException): string =>
  error.code === 'ECONNREFUSED' ? 'connection refused' : error.message || error.code || 'no reason'

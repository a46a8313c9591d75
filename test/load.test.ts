// The traffic model and its two generators: what they refuse, what stops them beforehand, what they call broken.
// k6 and Locust themselves are asked where they are installed; .ci/run installs both.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, request as ask, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import test, { after, before, describe } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import { isInstalled } from '../bin/load-generators.ts'
import { sharesOf, toShares } from '../bin/load-shares.ts'
import { problemOf } from '../bin/load-target.ts'
import { readModel, type Model } from '../loadtest/k6/model.js'
import { freePort } from './libsql-server.ts'
import { scratch, startServer, type Server } from './process.ts'

const standard = readFileSync(new URL('../loadtest/model.json', import.meta.url), 'utf8')
const generators = ['k6', 'locust'] as const
type Generator = (typeof generators)[number]

/** A sentence for the reader of the test where a generator is missing; false where it is there. */
const missing = (generator: Generator): string | false =>
  !isInstalled(generator) &&
  `${generator} is not on PATH; loadtest/README.md says how to install it.`

let place: ReturnType<typeof scratch>
let server: Server

before(async () => {
  place = scratch()
  server = await startServer({
    DATABASE_URL: `file:${place.folder}/load.db`,
    LOG_LEVEL: 'silent',
  })
})

after(async () => {
  await server[Symbol.asyncDispose]()
  place[Symbol.dispose]()
})

/** The model with something changed, in a file. */
function changed(change: (model: Model) => void, name = 'model.json'): string {
  const model = JSON.parse(standard) as Model
  change(model)
  const file = `${place.folder}/${name}`
  writeFileSync(file, JSON.stringify(model))
  return file
}

/** Changes that the types of a right model forbid. */
// oxlint-disable-next-line typescript/no-explicit-any -- that is what is tried here
type Loose = any

const mistakes: [string, (model: Loose) => void][] = [
  ['it needs the field "mixes".', (model) => delete model.mixes],
  ['it has the field "mixe", which means nothing there.', (model) => (model.mixe = {})],
  [
    'mixes.original names the user "Bot", which does not exist.',
    (m) => m.mixes.original.push('Bot'),
  ],
  ['users.LurkerUser.tasks must not be empty.', (m) => (m.users.LurkerUser.tasks = {})],
  ['users.LurkerUser needs the field "wait".', (m) => delete m.users.LurkerUser.wait],
  [
    'users.LurkerUser.wait must be two numbers, the smaller one first.',
    (m) => (m.users.LurkerUser.wait = [5, 1]),
  ],
  [
    'users.LurkerUser.tasks.check_trends.weight must be a number above 0.',
    (m) => (m.users.LurkerUser.tasks.check_trends.weight = 0),
  ],
  [
    'users.LurkerUser.tasks.check_trends names the request "trend", which does not exist.',
    (m) => (m.users.LurkerUser.tasks.check_trends.steps[0].request = 'trend'),
  ],
  [
    'a step of users.LurkerUser.tasks.check_trends has the field "repeat", which means nothing there.',
    (m) => (m.users.LurkerUser.tasks.check_trends.steps[0].repeat = 3),
  ],
  [
    'a step of users.LurkerUser.tasks.check_trends.times must be two whole numbers, the smaller one first.',
    (m) => (m.users.LurkerUser.tasks.check_trends.steps[0].times = [0.5, 2]),
  ],
  [
    'a step of users.LurkerUser.tasks.check_trends must have one of "request", "pause", "steps" and "oneOf".',
    (m) => (m.users.LurkerUser.tasks.check_trends.steps[0] = {}),
  ],
  [
    'users.LurkerUser.tasks.browse_profiles does not say where {id} of the request "user" comes from.',
    (m) => delete m.users.LurkerUser.tasks.browse_profiles.steps[0].with,
  ],
  [
    'users.LurkerUser.tasks.search_content, {q} names the list "wurds", which does not exist.',
    (m) => (m.users.LurkerUser.tasks.search_content.steps[0].with.q.of = 'wurds'),
  ],
  [
    'requests.user.path must begin with "/": load goes to the target alone.',
    (m) => (m.requests.user.path = 'http://example.org/user/{id}'),
  ],
  ['requests.user.method must be GET or POST.', (m) => (m.requests.user.method = 'PUT')],
  [
    'requests.user names the answer "page!", which does not exist.',
    (m) => (m.requests.user.answer = 'page!'),
  ],
  [
    'requests.trends.answer does not say what "htmx" gets.',
    (m) => (m.requests.trends.answer = { program: 'page', browser: 'page' }),
  ],
  [
    'requests.login.fields must be an object of texts.',
    (m) => (m.requests.login.fields.password = 1),
  ],
  ['answers.page.status must be a list of statuses.', (m) => (m.answers.page.status = ['200'])],
  ['groups.pages needs the field "p95".', (m) => delete m.groups.pages.p95],
  [
    'shapes.ramp[0].users must be a share above 0 and up to 1.',
    (m) => (m.shapes.ramp[0].users = 2),
  ],
  ['target[0] needs the field "else".', (m) => delete m.target[0].else],
]

test('a wrong model is refused with one sentence, the same one in JavaScript and in Python', () => {
  const files = mistakes.map(([, change], at) => changed(change, `wrong-${at}.json`))
  const broken = `${place.folder}/broken.json`
  writeFileSync(broken, '{ "users": NaN }')
  for (const [at, [sentence]] of mistakes.entries()) {
    const text = readFileSync(files[at]!, 'utf8')
    assert.throws(() => readModel(text), { message: `The model cannot be used: ${sentence}` })
  }
  assert.throws(() => readModel(readFileSync(broken, 'utf8')), /^Error: The model is not JSON: /)
  const python = spawnSync('python3', ['loadtest/locust/model.py', ...files, broken], {
    encoding: 'utf8',
  })
  const said = python.stderr.trim().split('\n')
  assert.deepEqual(
    said.slice(0, -1),
    mistakes.map(([sentence]) => `The model cannot be used: ${sentence}`),
  )
  assert.match(said.at(-1)!, /^The model is not JSON: .*\.$/)
  assert.equal(python.status, 1)
})

test('the model that is shipped is right for both', () => {
  readModel(standard)
  assert.equal(spawnSync('python3', ['loadtest/locust/model.py']).status, 0)
})

type Ended = { code: number | null; said: string }

/** Runs a generator as `npm run load:k6` would, or by itself with `bare`; with all that it says. */
function run(command: string, args: string[], env: Record<string, string> = {}): Promise<Ended> {
  const child = spawn(command, args, { env: { ...process.env, ...env } })
  const timer = setTimeout(() => child.kill('SIGKILL'), 60_000)
  let said = ''
  child.stdout.on('data', (piece: Buffer) => (said += piece))
  child.stderr.on('data', (piece: Buffer) => (said += piece))
  return new Promise((done) =>
    child.once('close', (code) => {
      clearTimeout(timer)
      done({ code, said })
    }),
  )
}

type Short = { target: string; mix: string; seconds: number; users: number; model?: string }

/** A short run of a generator by its own command, as other people's scripts would start it. */
function generate(generator: Generator, { target, mix, seconds, users, model }: Short) {
  const result = `${place.folder}/${generator}-${Math.random()}.json`
  const classes = readModel(model ? readFileSync(model, 'utf8') : standard).mixes[mix]!
  const env = {
    TARGET: target,
    MIX: mix,
    USERS: String(users),
    SPAWN: '50',
    SECONDS: String(seconds),
    OUT: result,
    MODEL: model ?? '',
    // Below the 2 s of the slow timeline, above what a busy machine takes.
    PATIENCE_MS: '1500',
  }
  const locust = ['--headless', '--only-summary', '-f', 'loadtest/locust/locustfile.py']
  const ended =
    generator === 'k6'
      ? run('k6', ['run', '--quiet', '--no-usage-report', 'loadtest/k6/load.js'], env)
      : run(
          'locust',
          [
            ...locust,
            `--host=${target}`,
            `--users=${users}`,
            '--spawn-rate=50',
            `--run-time=${seconds}s`,
            ...classes,
          ],
          env,
        )
  return ended.then((end) => ({ ...end, result }))
}

type Fault = (request: IncomingMessage, answer: ServerResponse) => boolean | Promise<boolean>

/** Stands in front of the server; `fault` answers by itself (true), or takes its time and lets it pass (false). */
async function inFront(fault: Fault) {
  const proxy = createServer((from, to) => {
    void (async () => {
      if (await fault(from, to)) return
      const { method, url: path, headers } = from
      const onward = ask(`${server.url}${path}`, { method, headers }, (answer) => {
        to.writeHead(answer.statusCode ?? 502, answer.headers)
        answer.pipe(to)
      })
      onward.once('error', () => to.destroy())
      from.pipe(onward)
    })()
  })
  const port = await new Promise<number>((done) => {
    proxy.listen(0, '127.0.0.1', () => done((proxy.address() as AddressInfo).port))
  })
  return {
    url: `http://127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      proxy.closeAllConnections()
      await new Promise((done) => proxy.close(done))
    },
  }
}

const answerWith = (answer: ServerResponse, status: number, body: string): true => {
  answer.writeHead(status, { 'Content-Type': 'text/html; charset=utf-8' }).end(body)
  return true
}

const fresh = (name: string, env: Record<string, string>) =>
  startServer({ DATABASE_URL: `file:${place.folder}/${name}.db`, LOG_LEVEL: 'silent', ...env })

/** Targets that will not do, with the sentence that says so. `once`: a limit is then spent, and the next is told less. */
const unfit: {
  start: () => Promise<AsyncDisposable & { url: string }>
  says: RegExp
  once?: true
}[] = [
  {
    start: async () => ({
      url: `http://127.0.0.1:${await freePort()}`,
      [Symbol.asyncDispose]: async () => undefined,
    }),
    says: /^Nothing answers at \S+ \(.*refused.*\)\. Start it with `npm start`, or name another address/i,
  },
  {
    start: () => inFront((_, answer) => answerWith(answer, 200, '<h1>It works!</h1>')),
    says: /^\S+ answers, but it is not a Tracewren: its start page is another one \(status 200\)\.$/,
  },
  {
    start: () => fresh('empty', { DEMO: '0' }),
    says: /^\S+ does not let the demo account user0001@example\.com in \(POST \/login: status 422/,
  },
  {
    start: () => fresh('strict', { LIMIT_WRITE: '60/60' }),
    says: /^\S+ allows so few deeds a minute .* \(status 429 at number 61\)/,
    once: true,
  },
  {
    start: () => fresh('guarded', { LIMIT_LOGIN_ACCOUNT: '10/600' }),
    says: /^\S+ allows so few logins .* \(status 429 at number 10\)/,
    once: true,
  },
]

test('a target that will not do is named in one sentence before any user comes', async () => {
  for (const { start, says, once } of unfit) {
    await using target = await start()
    const sentence = (await problemOf(readModel(standard), target.url)) ?? ''
    assert.match(sentence, says)
    const asked = generators.filter((generator) => !once && !missing(generator))
    const short = { target: target.url, mix: 'original', seconds: 5, users: 5 }
    for (const { code, said } of await Promise.all(asked.map((one) => generate(one, short)))) {
      assert.notEqual(code, 0, said)
      // What follows in brackets, the cause or the count, has its own words in each generator.
      assert.ok(said.includes(sentence.split(' (')[0]!), said)
      assert.doesNotMatch(said, /Traceback/)
    }
  }
  assert.equal(await problemOf(readModel(standard), server.url), undefined)
})

/** The model with people in a hurry: a few seconds are enough for hundreds of requests. */
const hurried = () =>
  changed((model) => {
    for (const user of Object.values(model.users)) user.wait = [0.05, 0.2]
  }, 'hurried.json')

const faults: { name: string; fault: () => Fault; names: RegExp }[] = [
  {
    name: 'a route answers 500',
    fault: () => (request, answer) =>
      request.url?.startsWith('/search') === true && answerWith(answer, 500, 'oops'),
    names: /GET \/search\?q=\[words\]/,
  },
  {
    name: 'a login shows the login page again',
    fault: () => {
      // The first ones are those of the look beforehand.
      let logins = 0
      return (request, answer) =>
        request.method === 'POST' &&
        request.url === '/login' &&
        ++logins > 12 &&
        answerWith(answer, 200, 'Email address or password is incorrect')
    },
    names: /POST \/login/,
  },
  {
    name: 'the timeline takes 2 s',
    fault: () => async (request) => {
      if (request.url === '/timeline') await pause(2000)
      return false
    },
    names: /GET \/timeline/,
  },
]

for (const generator of generators) {
  describe(generator, { skip: missing(generator), concurrency: true }, () => {
    for (const { name, fault, names } of faults) {
      test(`fails and names the route when ${name}`, async () => {
        await using broken = await inFront(fault())
        const short = { target: broken.url, mix: 'original', seconds: 5, users: 8 }
        const { code, said } = await generate(generator, { ...short, model: hurried() })
        assert.notEqual(code, 0, said)
        const accused = said.split('\n').filter((line) => line.includes('Threshold crossed'))
        assert.match(accused.join('\n'), names, said)
        const innocent = accused.filter((line) => !names.test(line))
        assert.deepEqual(innocent, [], 'nothing else is accused')
      })
    }
  })
}

describe('the model is followed', { concurrency: true }, () => {
  for (const generator of generators) {
    test(
      `${generator} follows the model: paths, tasks, weights`,
      { skip: missing(generator) },
      async () => {
        const file = changed((model) => {
          model.requests['guide']!.path = '/traces/guide?again=1'
          model.users['AnonymousUser']!.wait = [0.02, 0.04]
          model.users['AnonymousUser']!.tasks = {
            look: { weight: 3, steps: [{ request: 'guide' }] },
            wait_at_the_door: { weight: 2, steps: [{ request: 'register form' }] },
          }
          model.mixes['original'] = ['AnonymousUser']
        }, `${generator}-follows.json`)
        const model = readModel(readFileSync(file, 'utf8'))
        const short = { target: server.url, mix: 'original', seconds: 8, users: 10, model: file }
        const { code, said, result } = await generate(generator, short)
        assert.equal(code, 0, said)
        const { requests } = JSON.parse(readFileSync(result, 'utf8')) as {
          requests: Record<string, { count: number }>
        }
        const shares = toShares(
          new Map(Object.entries(requests).map(([name, { count }]) => [name, count])),
        )
        const expected = sharesOf(model, 'original', 8)
        assert.deepEqual([...shares.keys()].sort(), ['GET /register', 'GET /traces/guide?again=1'])
        for (const [name, share] of expected)
          assert.ok(
            Math.abs(shares.get(name)! / share - 1) < 0.15,
            `${name}: ${shares.get(name)}, not ${share}`,
          )
      },
    )
  }
})

// The traffic model and its two generators: what they refuse, what stops them beforehand, what they call broken.
// k6 and Locust themselves are asked where they are installed; .ci/run installs both.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, request as ask, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import test, { after, before, describe } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import { isInstalled } from '../bin/load-generators.ts'
import { sharesOf, toShares } from '../bin/load-shares.ts'
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
      ? run('k6', ['run', '--quiet', '--no-usage-report', '--address=', 'loadtest/k6/load.js'], env)
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

let targets = 0
const fresh = (env: Record<string, string>) =>
  startServer({
    DATABASE_URL: `file:${place.folder}/target-${targets++}.db`,
    LOG_LEVEL: 'silent',
    ...env,
  })

/** Runs `npm run load` with these words, as npm would. */
const load = (...words: string[]) =>
  run(process.execPath, ['--import', 'tsx', 'bin/load.ts', ...words])

/** Targets that will not do, with the sentence that says so. */
const unfit: { start: () => Promise<AsyncDisposable & { url: string }>; says: RegExp }[] = [
  {
    start: async () => ({
      url: `http://127.0.0.1:${await freePort()}`,
      [Symbol.asyncDispose]: async () => undefined,
    }),
    says: /^Nothing answers at \S+ \(.*refused\)\. Start it with `npm start`, or name another target\.$/im,
  },
  {
    start: () => inFront((_, answer) => answerWith(answer, 200, '<h1>It works!</h1>')),
    says: /^\S+ answers, but it is not a Tracewren: its start page is another one \(status 200\)\.$/m,
  },
  {
    start: () => fresh({ DEMO: '0' }),
    says: /^\S+ does not let the demo account user0001@example\.com in \(POST \/login: status 422/m,
  },
  {
    start: () => fresh({ LIMIT_WRITE: '60/60' }),
    says: /^\S+ allows so few deeds a minute .* \(status 429 at number 61\)/m,
  },
  {
    start: () => fresh({ LIMIT_LOGIN_ACCOUNT: '10/600' }),
    says: /^\S+ allows so few logins .* \(status 429 at number 10\)/m,
  },
]

for (const generator of generators) {
  test(
    `${generator} names in one sentence a target that will not do, before any user comes`,
    { skip: missing(generator) },
    async () => {
      for (const { start, says } of unfit) {
        await using target = await start()
        const { code, said } = await load(generator, '--target', target.url, '--users', '5')
        assert.equal(code, 2, said)
        assert.match(said, says)
        assert.doesNotMatch(said, /Traceback|Request Failed|Threshold|The numbers lie/)
      }
    },
  )
}

const refusals: [words: string[], sentence: RegExp][] = [
  [['--frob'], /^Unknown option '--frob'\. npm run load -- --help lists them all\.$/],
  [['--mix', 'other'], /^--mix is "other", but there are: original, realistic\.$/],
  [['--shape', 'other'], /^--shape is "other", but there are: ramp, spike, soak\.$/],
  [['--users', '0'], /^--users is "0", but it must be a whole number above 0\.$/],
  [['--model', 'none.json'], /^--model is "none\.json", but there is no such file\.$/],
  [['--target', '127.0.0.1:5000'], /^--target is "127\.0\.0\.1:5000", but it must be an address/],
  [['--target', 'http://127.0.0.1/app'], /^--target is "http:\/\/127\.0\.0\.1\/app", but it must/],
  [['k6', '--web'], /^--web is for Locust alone\.$/],
  [['locust', '--smoke'], /^--smoke is for k6 alone\.$/],
  [['k6', 'locust'], /^"locust" is one word too many\./],
  // What npm leaves of `npm run load --mix original`.
  [['original'], /^There is no generator "original": k6 or locust\. Options follow two dashes/],
]

test('words that mean nothing are refused in one sentence', async () => {
  for (const [words, sentence] of refusals) {
    const { code, said } = await load(...words)
    assert.equal(code, 2, said)
    assert.match(said.trimEnd(), sentence)
  }
})

test('without a generator, it says which there are and how to get them', async () => {
  for (const word of [[], ['k6'], ['locust']]) {
    const words = ['--import', 'tsx', 'bin/load.ts', ...word]
    const { code, said } = await run(process.execPath, words, { PATH: place.folder })
    assert.equal(code, 2, said)
    assert.match(
      said,
      /^(Neither k6 nor locust is|k6 is not|locust is not) on PATH.*(Go|pip install)/,
    )
  }
})

/** The model with people in a hurry: a few seconds are enough for hundreds of requests. */
const hurried = () =>
  changed((model) => {
    for (const user of Object.values(model.users)) user.wait = [0.05, 0.2]
  }, 'hurried.json')

const faults: { name: string; fault: () => Fault; route: string; says: RegExp }[] = [
  {
    name: 'a route answers 500',
    fault: () => (request, answer) =>
      request.url?.startsWith('/search') === true && answerWith(answer, 500, 'oops'),
    route: 'GET /search?q=[words]',
    says: /answered 500, not 200 \(trace [0-9a-f]{32}\)/,
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
    route: 'POST /login',
    says: /answered 200, not 303 or 422 \(trace [0-9a-f]{32}\)/,
  },
  {
    name: 'a route hangs up',
    fault: () => (request) => {
      if (request.url?.startsWith('/user/') !== true) return false
      request.socket.destroy()
      return true
    },
    route: 'GET /user/[id]',
    says: /no answer: .+ \(trace [0-9a-f]{32}\)/,
  },
  {
    name: 'a page is too long',
    fault: () => (request, answer) =>
      request.method === 'GET' &&
      request.url === '/login' &&
      answerWith(answer, 200, `Tracewren</html>${' '.repeat(200_000)}`),
    route: 'GET /login',
    says: /the largest answer has 200016 bytes, the limit is 100000/,
  },
  {
    name: 'the timeline takes 2 s',
    fault: () => async (request) => {
      if (request.url === '/timeline') await pause(2000)
      return false
    },
    route: 'GET /timeline',
    says: /p95 is \d{4,} ms, the limit is 1500 ms/,
  },
]

for (const generator of generators) {
  describe(generator, { skip: missing(generator), concurrency: true }, () => {
    for (const { name, fault, route, says } of faults) {
      test(`fails and names the route when ${name}`, async () => {
        await using broken = await inFront(fault())
        const short = { target: broken.url, mix: 'original', seconds: 5, users: 8 }
        const { code, said } = await generate(generator, { ...short, model: hurried() })
        assert.notEqual(code, 0, said)
        const lines = said.split('\n')
        assert.ok(
          lines.some((line) => line.includes(route) && says.test(line)),
          said,
        )
        const accused = lines.filter((line) => line.includes('Threshold crossed'))
        const innocent = accused.filter((line) => !line.includes(`Threshold crossed: ${route}: `))
        assert.deepEqual(innocent, [], 'nothing else is accused')
        assert.notDeepEqual(accused, [])
      })
    }
  })
}

test(
  "Locust's page says why a run does not start, and how one went",
  { skip: missing('locust') },
  async () => {
    const page = `http://127.0.0.1:${await freePort()}`
    const words = ['-f', 'loadtest/locust/locustfile.py', '--class-picker', '--web-host=127.0.0.1']
    const child = spawn('locust', [...words, `--web-port=${new URL(page).port}`])
    let said = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (piece: Buffer) => (said += piece))
    const askPage = (path: string, method = 'GET', body = '') =>
      fetch(page + path, { method, ...(body && { body: new URLSearchParams(body) }) }).then(
        (answer) => answer.text(),
        () => '',
      )
    const until = async (path: string, sentence: RegExp) => {
      for (
        const giveUp = Date.now() + 30_000;
        !sentence.test(await askPage(path));
        await pause(200)
      )
        assert.ok(Date.now() < giveUp, `${path} does not say ${sentence}:\n${said}`)
    }
    const people = 'user_count=3&spawn_rate=3&user_classes=AnonymousUser&shape_class=Default'
    try {
      await until('/', /AnonymousUser/)
      await askPage('/swarm', 'POST', `${people}&host=http://127.0.0.1:${await freePort()}`)
      await until('/exceptions', /Nothing answers at .*refused/)
      assert.doesNotMatch(said, /Ramping/)
      await askPage('/swarm', 'POST', `${people}&host=${server.url}/`)
      await until('/stats/requests', /"name": "\/login"|"name": "\/",/)
      await askPage('/stop', 'POST')
      await until('/stats/requests', /"state": "stopped"/)
    } finally {
      child.kill('SIGTERM')
      await new Promise((done) => child.once('close', done))
    }
    assert.match(said, /All answers were right, all thresholds were kept\./)
    assert.match(said, new RegExp(` ms  GET / .*${server.url}/traces/[0-9a-f]{32}`))
  },
)

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
        const short = {
          target: `${server.url}/`,
          mix: 'original',
          seconds: 8,
          users: 10,
          model: file,
        }
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

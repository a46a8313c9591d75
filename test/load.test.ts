// `npm run load`: wrong arguments, wrong targets, and faults that it must report. k6 and Locust themselves are run
// where they are installed; .ci/run installs both.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import test, { describe } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import { freePort } from '../bin/free-port.ts'
import {
  answerWith,
  generators,
  hurry,
  inFront,
  load,
  missing,
  place,
  run,
  server,
  type Fault,
} from './load-runs.ts'
import { startServer } from './process.ts'

let targets = 0
const fresh = (env: Record<string, string>) =>
  startServer({
    DATABASE_URL: `file:${place.folder}/target-${targets++}.db`,
    LOG_LEVEL: 'silent',
    ...env,
  })

/** Unsuitable targets, with the sentence that names the reason. */
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
    says: /^\S+ allows so few actions a minute .* \(status 429 at number 61\)/m,
  },
  {
    start: () => fresh({ LIMIT_LOGIN_ACCOUNT: '10/600' }),
    says: /^\S+ allows so few logins .* \(status 429 at number 10\)/m,
  },
]

for (const generator of generators) {
  test(
    `${generator} refuses an unsuitable target with a sentence before the first user starts`,
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
  [['--target', '127.0.0.1:5000'], /^--target is "127\.0\.0\.1:5000", but it must be an address/],
  [['--target', 'http://127.0.0.1/app'], /^--target is "http:\/\/127\.0\.0\.1\/app", but it must/],
  [['k6', '--web'], /^--web is for Locust alone\.$/],
  [['locust', '--smoke'], /^--smoke is for k6 alone\.$/],
  [['k6', 'locust'], /^"locust" is one word too many\./],
  // The arguments that npm passes on for `npm run load --mix original`.
  [['original'], /^There is no generator "original": k6 or locust\. Options follow two dashes/],
]

test('unknown arguments are refused with a sentence', async () => {
  for (const [words, sentence] of refusals) {
    const { code, said } = await load(...words)
    assert.equal(code, 2, said)
    assert.match(said.trimEnd(), sentence)
  }
})

test('without a generator, it names the generators and how to install them', async () => {
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

const faults: { name: string; fault: () => Fault; route: string; says: RegExp }[] = [
  {
    name: 'a route answers 500',
    fault: () => (request, answer) =>
      request.url?.startsWith('/search') === true && answerWith(answer, 500, 'oops'),
    route: 'GET /search?q=[words]',
    says: /expected a page of a member, but got 500, \d+ bytes \(trace [0-9a-f]{32}\)/,
  },
  {
    name: 'a login shows the login page again',
    fault: () => {
      // The first requests are those of the check of the target.
      let logins = 0
      return (request, answer) =>
        request.method === 'POST' &&
        request.url === '/login' &&
        ++logins > 12 &&
        answerWith(answer, 200, 'Email address or password is incorrect')
    },
    route: 'POST /login',
    says: /expected 303 to \/timeline, or 422, but got 200, \d+ bytes \(trace [0-9a-f]{32}\)/,
  },
  {
    name: 'a route hangs up',
    fault: () => (request) => {
      if (request.url?.startsWith('/user/') !== true) return false
      request.socket.destroy()
      return true
    },
    route: 'GET /user/[id]',
    says: /but got no answer, .+ \(trace [0-9a-f]{32}\)/,
  },
  {
    name: 'a page is too long',
    fault: () => (request, answer) =>
      request.method === 'GET' &&
      request.url === '/login' &&
      answerWith(answer, 200, `Tracewren</html>${' '.repeat(200_000)}`),
    route: 'GET /login',
    says: /expected at most 100000 bytes, but got 200, 200016 bytes/,
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
  describe(generator, { skip: missing(generator), concurrency: 2 }, () => {
    for (const { name, fault, route, says } of faults) {
      test(`fails and names the route when ${name}`, async () => {
        await using broken = await inFront(fault())
        const words = `--target ${broken.url} --mix original --seconds 5 --users 10 --spawn 50`
        const { code, said } = await hurry(generator, words)
        assert.equal(code, 99, said)
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

const badSearch: Fault = (request, answer) =>
  request.url?.startsWith('/search') === true && answerWith(answer, 500, 'oops')

describe('a fault is not hidden', { concurrency: 2 }, () => {
  const options = {
    K6_NO_THRESHOLDS: 'true',
    K6_NO_SUMMARY: 'true',
    K6_VUS: '3',
    K6_ITERATIONS: '1',
  }
  test('by k6 options in the environment', { skip: missing('k6') }, async () => {
    await using broken = await inFront(badSearch)
    const words = `--target ${broken.url} --mix original --seconds 5 --users 10 --spawn 50`
    const { code, said } = await hurry('k6', words, options)
    assert.equal(code, 99, said)
    assert.match(said, /^Threshold crossed: GET \/search\?q=\[words\]: \d+ of \d+ failed$/m)
    assert.doesNotMatch(said, /were kept/)
  })

  for (const [variable, value] of Object.entries(options))
    test(
      `by k6 alone with ${variable}: it does not say that thresholds were kept`,
      { skip: missing('k6') },
      async () => {
        await using broken = await inFront(badSearch)
        const env = {
          TARGET: broken.url,
          MIX: 'original',
          USERS: '10',
          SPAWN: '50',
          SECONDS: '3',
          PACE: '20',
          [variable]: value,
        }
        const words = ['run', '--quiet', '--no-usage-report', '--address=', 'loadtest/k6/load.js']
        const { said } = await run('k6', words, env)
        assert.doesNotMatch(said, /were kept/)
      },
    )

  test('by a distributed Locust', { skip: missing('locust') }, async () => {
    await using broken = await inFront(badSearch)
    const words = [
      '-f',
      'loadtest/locust/locustfile.py',
      '--headless',
      '--processes=2',
      '--users=10',
      '--spawn-rate=50',
    ]
    const port = `--master-bind-port=${await freePort()}`
    const env = { PACE: '20' }
    const { code, said } = await run(
      'locust',
      [
        ...words,
        port,
        `--master-port=${port.slice(19)}`,
        '--run-time=5s',
        `--host=${broken.url}`,
        'DatabaseStressUser',
      ],
      env,
    )
    assert.equal(code, 1, said)
    assert.match(said, /GET \/search\?q=\[words\]: .*expected a page of a member, but got 500/)
    assert.doesNotMatch(said, /were kept/)
  })
})

test(
  "Locust's web page offers the classes and shapes, and runs them",
  { skip: missing('locust') },
  async () => {
    const page = `http://127.0.0.1:${await freePort()}`
    const words = ['-f', 'loadtest/locust/locustfile.py', '--class-picker', '--web-host=127.0.0.1']
    const child = spawn('locust', [...words, `--web-port=${new URL(page).port}`], {
      env: { ...process.env, SHAPE: 'pick' },
    })
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
      const start = await askPage('/')
      for (const name of ['RealisticUser', 'TimelineReader', 'Ramp', 'Spike', 'Soak'])
        assert.match(start, new RegExp(name))
      await askPage('/swarm', 'POST', `${people}&host=http://127.0.0.1:${await freePort()}`)
      await until('/stats/requests', /no answer, ConnectionError/)
      await askPage('/stop', 'POST')
      await until('/stats/requests', /"state": "stopped"/)
      await askPage('/swarm', 'POST', `${people}&host=${server.url}/`)
      await until('/stats/requests', /^(?!.*no answer).*"name": "\/"/s)
      await askPage('/stop', 'POST')
      await until('/stats/requests', /"state": "stopped"/)
    } finally {
      child.kill('SIGTERM')
      await new Promise((done) => child.once('close', done))
    }
  },
)

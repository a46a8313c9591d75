// The inspector of the real process: its numbers equal the exported ones, live tails under load, access rules.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { get } from 'node:http'
import { connect } from 'node:net'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import { freePort } from '../bin/free-port.ts'
import { shortMs } from '../src/ui/chip.tsx'
import { clientKinds, type ClientKindName } from './harness.ts'
import { byId, ofDownload, ofSink } from './otlp-json.ts'
import { startSink } from './otlp-sink.ts'
import { post, register, scratch, startServer } from './process.ts'

type Asked = {
  as?: ClientKindName
  cookie?: string
  fields?: object
  headers?: Record<string, string>
}

async function ask(url: string, { as = 'browser', cookie = '', fields, headers = {} }: Asked = {}) {
  const response = await fetch(url, {
    method: fields ? 'POST' : 'GET',
    headers: { ...clientKinds[as], ...(cookie && { Cookie: cookie }), ...headers },
    redirect: 'manual',
  })
  const text = await response.text()
  const trace = response.headers.get('X-Trace-Id') ?? ''
  return { status: response.status, text, headers: response.headers, trace }
}

test('chip, Server-Timing header, trace page, download and collector have the same numbers', async () => {
  using place = scratch()
  await using sink = await startSink()
  await using server = await startServer({
    DATABASE_URL: `file:${place.folder}/x.db`,
    INSPECT: '1',
    OTEL_SERVICE_NAME: 'inspector-test',
    OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
    OTEL_BSP_SCHEDULE_DELAY: '50',
  })
  const cookie = await register(server.url, 'alice')
  const page = await ask(`${server.url}/timeline`, { cookie })
  const start = await ask(`${server.url}/`)
  const parent = /<meta name="traceparent" content="([^"]+)"/.exec(page.text)![1]!
  const headers = { 'X-Page-Trace': parent }
  const id = /id="tweet-(\d+)"/.exec(start.text)![1]!
  const partials = [
    await ask(`${server.url}/favorite/${id}`, { as: 'htmx', cookie, headers, fields: {} }),
    await ask(`${server.url}/search?q=goose`, { as: 'htmx', cookie, headers }),
  ]
  const panel = await ask(`${server.url}/traces/${page.trace}/panel`, { as: 'htmx', cookie })
  for (const answer of [page, start, ...partials]) {
    assert.equal(answer.status, 200)
    const mine = () => sink.spans().filter((span) => span.traceId === answer.trace)
    await sink.until(() => mine().some((span) => span.kind === 2))
    const sent = mine()
    const root = sent.find((span) => span.kind === 2)!
    const queries = sent.filter((span) => 'db.query.text' in span.attributes).length
    const ms = Number(root.end - root.start) / 1e6

    const timing = answer.headers.get('Server-Timing')!
    assert.equal(Number(/total;dur=([\d.]+)/.exec(timing)![1]), Math.round(ms * 1000) / 1000)
    assert.match(timing, new RegExp(`desc="${queries} ${queries === 1 ? 'query' : 'queries'}"`))
    assert.match(timing, new RegExp(`traceparent;desc="00-${answer.trace}-${root.spanId}-01"`))
    assert.equal(root.attributes['app.db.query_count'], queries)
    const sum = sent
      .filter((span) => 'db.query.text' in span.attributes)
      .reduce((total, span) => total + Number(span.end - span.start) / 1e6, 0)
    const told = Number(/db;dur=([\d.]+)/.exec(timing)![1])
    assert.ok(told <= sum + 0.01, `queries of ${sum} ms cannot have taken ${told} ms`)

    const words = `${queries} ${queries === 1 ? 'query' : 'queries'}`
    if (answer === page || answer === start) {
      const chip = /class="numbers">([^<]*)</.exec(answer.text)![1]
      assert.equal(chip, `${shortMs(ms)} &middot; ${words}`)
      assert.match(answer.text, new RegExp(`href="/traces/${answer.trace}"`))
    } else {
      const listed = new RegExp(`href="/traces/${answer.trace}">[^<]*</a>[^]{0,90}${shortMs(ms)}`)
      assert.match(panel.text, listed, 'the panel of its page lists it')
      assert.equal(root.attributes['app.page.trace_id'], page.trace)
      assert.equal(root.links[0]!.traceId, page.trace)
    }

    const download = await ask(`${server.url}/traces/${answer.trace}/otlp.json`)
    assert.deepEqual(byId(ofDownload(download.text)), byId(sent.map(ofSink)))
    assert.ok(
      download.text.includes(`{"stringValue":"${String(sink.resource()['service.name'])}"}`),
    )
    const shown = await ask(`${server.url}/traces/${answer.trace}`)
    assert.match(shown.text, new RegExp(`<b class="number">${shortMs(ms)}</b>`))
    assert.match(shown.text, new RegExp(`<span>${words}</span>`))
    assert.deepEqual(
      [...shown.text.matchAll(/id="span-([0-9a-f]{16})"/g)].map(([, span]) => span!).sort(),
      sent.map((span) => span.spanId).sort(),
    )
    for (const span of sent)
      assert.ok(shown.text.includes(shortMs(Number(span.end - span.start) / 1e6)), span.name)
  }
  const before = sink.spans().length
  const unsampled = await ask(`${server.url}/`, {
    headers: { traceparent: `00-${'ab'.repeat(16)}-${'cd'.repeat(8)}-00` },
  })
  assert.equal((await ask(`${server.url}/traces/${unsampled.trace}`)).status, 200, 'shown')
  assert.equal(await server.stop(), 0)
  assert.ok(sink.spans().length >= before)
  assert.ok(!sink.spans().some((span) => span.traceId === unsampled.trace), 'but not sent')
})

/** Opens a live tail and counts its rows. */
async function follow(url: string, cookie = '') {
  const tail = { rows: [] as string[], ended: false, stop: () => {} }
  await new Promise<void>((open) => {
    const request = get(
      url,
      { headers: { Accept: 'text/event-stream', Cookie: cookie } },
      (answer) => {
        assert.equal(answer.statusCode, 200)
        let rest = ''
        answer.setEncoding('utf8').on('data', (piece: string) => {
          const lines = (rest + piece).split('\n')
          rest = lines.pop()!
          for (const line of lines)
            tail.rows.push(
              ...[...line.matchAll(/href="\/traces\/([0-9a-f]{32})"/g)]
                .map(([, id]) => id!)
                .toReversed(),
            )
        })
        answer.once('close', () => (tail.ended = true))
        open()
      },
    ).on('error', () => (tail.ended = true))
    tail.stop = () => request.destroy()
  })
  return tail
}

test('five live tails at 200 requests a second: each tail gets all rows, in order', async () => {
  using place = scratch()
  await using server = await startServer({
    DATABASE_URL: `file:${place.folder}/x.db`,
    INSPECT: '1',
    LOG_LEVEL: 'warn',
  })
  const tails = await Promise.all(
    Array.from({ length: 5 }, () => follow(`${server.url}/traces/live`)),
  )
  // A sixth tail is opened and never read.
  const deaf = connect(Number(new URL(server.url).port), '127.0.0.1')
  deaf.write('GET /traces/live HTTP/1.1\r\nHost: x\r\n\r\n')
  deaf.pause()
  const traces: string[] = []
  const seconds = 5
  for (let tick = 0; tick < 10 * seconds; tick++) {
    const answers = await Promise.all([
      pause(100),
      ...Array.from({ length: 20 }, () => ask(`${server.url}/login`)),
    ])
    for (const answer of answers.slice(1) as { trace: string }[]) traces.push(answer.trace)
  }
  assert.equal(traces.length, 200 * seconds)
  const arrived = () => tails.every((tail) => tail.rows.length >= traces.length || tail.ended)
  for (let tries = 0; tries < 200 && !arrived(); tries++) await pause(50)
  for (const tail of tails) {
    assert.equal(tail.ended, false, 'nobody who reads is cut off')
    assert.deepEqual(tail.rows.toSorted(), traces.toSorted())
    assert.deepEqual(tail.rows, tails[0]!.rows, 'all see the same order')
  }
  const kept = await ask(`${server.url}/traces/${traces[0]}`)
  assert.equal(kept.status, 200, 'within the buffers nothing is dropped')
  for (const tail of tails) tail.stop()
  deaf.destroy()
  assert.equal(await server.stop(), 0)
})

test('nothing private is on any page of the inspector', async () => {
  using place = scratch()
  await using server = await startServer({
    DATABASE_URL: `file:${place.folder}/x.db`,
    INSPECT: '1',
  })
  const secrets = ['canarymail@example.org', 'canary-password', 'Canary Name', 'canary tweet']
  const [mailaddress, password, name, msg] = secrets as [string, string, string, string]
  const joined = await post(`${server.url}/register`, { name, mailaddress, password })
  const cookie = joined!.headers.getSetCookie()[0]!.split(';')[0]!
  const tweet = await post(`${server.url}/tweet`, { msg }, cookie)
  await post(`${server.url}/login`, { mailaddress, password: `${password}!` })
  const traces = [joined, tweet].map((answer) => answer!.headers.get('X-Trace-Id'))
  const paths = ['/traces', '/logs', '/routes', '/routes?by=query', '/traces/guide']
  for (const trace of traces)
    paths.push(`/traces/${trace}`, `/traces/${trace}/panel`, `/traces/${trace}/otlp.json`)
  for (const path of paths) {
    const { status, text } = await ask(server.url + path)
    assert.equal(status, 200, path)
    for (const secret of [...secrets, cookie.split('=')[1]!])
      assert.ok(!text.includes(secret), `${secret} on ${path}`)
  }
})

const nginx = spawnSync('nginx', ['-v']).status === 0

/** A minimal nginx configuration as people write it: proxy_pass and three headers. */
async function proxy(folder: string, upstream: string) {
  const port = await freePort()
  writeFileSync(
    `${folder}/nginx.conf`,
    `daemon off; worker_processes 1; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events { worker_connections 128; }
http {
  access_log off;
  ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder}/${name};`).join(' ')}
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass ${upstream};
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_set_header X-Forwarded-Proto $scheme;
    }
  }
}
`,
  )
  const child = spawn('nginx', ['-p', folder, '-c', `${folder}/nginx.conf`], { stdio: 'ignore' })
  const ended = new Promise((done) => child.once('exit', done))
  const url = `http://127.0.0.1:${port}`
  for (let tries = 0; tries < 200; tries++) {
    if (
      await fetch(`${url}/livez`).then(
        ({ ok }) => ok,
        () => false,
      )
    )
      break
    await pause(25)
  }
  return {
    url,
    async [Symbol.asyncDispose]() {
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** Registers a user on an instance that refuses common passwords; returns the cookie. */
async function join(url: string, name: string): Promise<string> {
  const fields = { name, mailaddress: `${name}@example.org`, password: `seven geese of ${name}` }
  const answer = await post(`${url}/register`, fields)
  assert.equal(answer?.status, 303)
  return answer.headers.getSetCookie()[0]!.split(';')[0]!
}

/** The status of a request; the answer may be endless. */
const statusOf = (url: string, cookie: string) =>
  new Promise<number>((done, fail) => {
    const request = get(url, { headers: { ...clientKinds.browser, Cookie: cookie } }, (answer) => {
      request.destroy()
      done(answer.statusCode ?? 0)
    }).on('error', fail)
  })

for (const demo of ['1', '0'])
  test(
    `access to the inspector, behind nginx and without it, DEMO=${demo}`,
    { skip: !nginx && 'nginx is not on PATH: the way through a proxy is not checked' },
    async () => {
      using place = scratch()
      await using server = await startServer({
        DATABASE_URL: `file:${place.folder}/x.db`,
        DEMO: demo,
        INSPECT: '1',
        OPERATORS: 'olga@example.org',
      })
      await using front = await proxy(place.folder, server.url)
      const cookies = {
        anonymous: '',
        user: await join(front.url, 'alice'),
        operator: await join(front.url, 'olga'),
      }
      const page = await ask(`${front.url}/`, { cookie: cookies.user })
      assert.match(page.text, new RegExp(`href="/traces/${page.trace}"`), 'the chip is there')
      for (const [who, cookie] of Object.entries(cookies))
        for (const way of [server.url, front.url]) {
          const lists = demo === '1' || who === 'operator' ? 200 : 403
          const matrix: Record<string, number> = {
            [`/traces/${page.trace}`]: 200,
            [`/traces/${page.trace}/panel`]: 200,
            [`/traces/${page.trace}/otlp.json`]: 200,
            '/traces/guide': 200,
            '/traces': lists,
            '/logs': lists,
            '/routes': lists,
            '/routes?by=query': lists,
            '/traces/live': lists,
            [`/traces/${'0'.repeat(32)}`]: 404,
          }
          for (const [path, expected] of Object.entries(matrix))
            assert.equal(await statusOf(way + path, cookie), expected, `${who} ${path} ${way}`)
        }
      const tail = await follow(`${front.url}/traces/live`, cookies.operator)
      const { trace } = await ask(`${front.url}/login`)
      for (let tries = 0; tries < 400 && !tail.rows.includes(trace); tries++) await pause(50)
      tail.stop()
      assert.ok(tail.rows.includes(trace), 'the tail is live through nginx, too')
      const shown = await ask(`${front.url}/traces/${trace}`)
      assert.match(shown.text, /<dt>server.address<\/dt><dd>127\.0\.0\.1</)
      assert.match(shown.text, new RegExp(`<dt>server.port</dt><dd>${new URL(front.url).port}<`))
    },
  )

test('INSPECT=0: no chip, and /traces says how to switch it on', async () => {
  using place = scratch()
  await using server = await startServer({
    DATABASE_URL: `file:${place.folder}/x.db`,
    INSPECT: '0',
  })
  const page = await ask(`${server.url}/`)
  assert.doesNotMatch(page.text, /id="chip"/)
  assert.equal(page.headers.get('X-Trace-Id'), null)
  for (const path of ['/traces', '/logs', '/routes', `/traces/${'a'.repeat(32)}`])
    assert.match((await ask(server.url + path)).text, /INSPECT=1/, path)
})

test('OTEL_SDK_DISABLED=true: no chip, and /traces names this setting, not INSPECT', async () => {
  using place = scratch()
  await using server = await startServer({
    DATABASE_URL: `file:${place.folder}/x.db`,
    OTEL_SDK_DISABLED: 'true',
  })
  assert.doesNotMatch((await ask(`${server.url}/`)).text, /id="chip"/)
  const { text } = await ask(`${server.url}/traces`)
  assert.match(text, /OTEL_SDK_DISABLED=true/)
  assert.doesNotMatch(text, /INSPECT=1/)
  assert.doesNotMatch((await ask(`${server.url}/traces/guide`)).text, /(Show|Hide) the chip/)
})

// nginx with our configuration in front of the real program: answers, headers, limits and logs.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { freePort } from '../bin/free-port.ts'
import { prepareNginx, startNginx } from './nginx.ts'
import { scratch, startServer } from './process.ts'
import { has, run } from './programs.ts'

const folderOf = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url))
const file = (path: string) => readFileSync(folderOf(path), 'utf8')

/** The raw answer: fetch would decompress it. */
type Raw = { status: number; headers: IncomingMessage['headers']; body: Buffer }
const ask = (url: string, headers: Record<string, string> = {}, method = 'GET') =>
  new Promise<Raw>((resolve, reject) => {
    const asked = httpRequest(url, { method, headers, agent: false }, (answer) => {
      const pieces: Buffer[] = []
      answer.on('data', (piece: Buffer) => pieces.push(piece))
      answer.on('end', () =>
        resolve({
          status: answer.statusCode ?? 0,
          headers: answer.headers,
          body: Buffer.concat(pieces),
        }),
      )
    })
    asked.on('error', reject)
    asked.end()
  })

/** Sends raw bytes; returns the first line of the answer, and how long the connection lasted. */
const say = (url: string, bytes: Buffer | string) =>
  new Promise<{ first: string; seconds: number }>((resolve) => {
    const started = Date.now()
    let answer = ''
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(bytes))
    socket.on('data', (piece) => (answer += piece.toString('latin1')))
    socket.on('error', () => undefined)
    socket.on('close', () =>
      resolve({ first: answer.split('\r\n')[0] ?? '', seconds: (Date.now() - started) / 1000 }),
    )
  })

/** Waits until nginx has done something by itself. */
async function until(isSo: () => boolean): Promise<void> {
  for (const giveUp = Date.now() + 20_000; !isSo(); await pause(20))
    assert.ok(Date.now() < giveUp, String(isSo))
}

async function site(env: Record<string, string> = {}) {
  const place = scratch()
  const app = await startServer({ DATABASE_URL: `file:${place.folder}/town.db`, ...env })
  const nginx = await startNginx(place.folder, new URL(app.url).host)
  return {
    ...place,
    app,
    nginx,
    async [Symbol.asyncDispose]() {
      await nginx[Symbol.asyncDispose]()
      await app[Symbol.asyncDispose]()
      place[Symbol.dispose]()
    },
  }
}

test('pages are compressed; files are cached for ever under the names that pages use', async (t) => {
  if (!has(t, 'nginx')) return
  await using running = await site()
  const { url } = running.nginx
  const page = await ask(`${url}/`, { 'Accept-Encoding': 'gzip' })
  assert.equal(page.status, 200)
  assert.equal(page.headers['content-encoding'], 'gzip')
  assert.match(page.headers['cache-control'] ?? '', /private, no-cache/)

  const feed = await ask(`${url}/@mara/feed`, { 'Accept-Encoding': 'gzip' })
  assert.equal(feed.headers['content-encoding'], 'gzip')
  assert.equal(feed.headers['cache-control'], 'public, max-age=60')
  assert.equal(feed.headers['content-type'], 'application/atom+xml; charset=UTF-8')
  // Compressed, the tag is a weak one.
  const known = await ask(`${url}/@mara/feed`, { 'If-None-Match': feed.headers.etag! })
  assert.equal(known.status, 304)

  const html = (await ask(`${url}/`)).body.toString()
  const paths = [...html.matchAll(/(?:href|src)="(\/static\/[^"#?]+)/g)].map(([, path]) => path!)
  assert.ok(paths.length >= 3)
  for (const path of new Set(paths)) {
    const zipped = await ask(url + path, { 'Accept-Encoding': 'gzip' })
    assert.equal(zipped.status, 200, path)
    assert.equal(zipped.headers['cache-control'], 'public, max-age=31536000, immutable', path)
    assert.equal(zipped.headers['x-trace-id'], undefined, `nginx has ${path} itself`)
    const [own, apps] = [await ask(url + path), await ask(running.app.url + path)]
    assert.deepEqual(own.body, apps.body, path)
    assert.equal(own.headers['content-type'], apps.headers['content-type'], path)
  }
  const css = paths.find((path) => path.endsWith('.css'))!
  assert.equal(
    (await ask(url + css, { 'Accept-Encoding': 'gzip' })).headers['content-encoding'],
    'gzip',
  )

  // nginx passes other names to the app: a name without hash is cached for an hour, an unknown hash is a 404.
  const plain = await ask(`${url}/static/app.css`)
  assert.equal(plain.headers['cache-control'], 'public, max-age=3600')
  assert.equal((await ask(`${url}/static/app.00000000.css`)).status, 404)
})

test('the app gets host, client address and trace; a client cannot add addresses', async (t) => {
  if (!has(t, 'nginx')) return
  await using running = await site({ INSPECT: '1', OTEL_TRACES_EXPORTER: 'none' })
  const { url } = running.nginx
  const trace = '0123456789abcdef0123456789abcdef'
  const answer = await ask(`${url}/`, {
    traceparent: `00-${trace}-0123456789abcdef-01`,
    'X-Forwarded-For': '6.6.6.6',
  })
  assert.equal(answer.headers['x-trace-id'], trace)
  const seen = (await ask(`${running.app.url}/traces/${trace}`)).body.toString()
  assert.match(seen, /client\.address/)
  assert.doesNotMatch(seen, /6\.6\.6\.6/)

  // The Origin of a form must equal the Host, including the port.
  const form = await fetch(`${url}/login`, {
    method: 'POST',
    headers: { Origin: url, Accept: 'text/html', 'Sec-Fetch-Site': 'same-origin' },
    body: new URLSearchParams({ mailaddress: 'user0001@example.com', password: 'password123' }),
    redirect: 'manual',
  })
  assert.equal(form.status, 303)
  assert.equal(form.headers.get('Location'), '/timeline')
})

test("nginx drops the clients' baggage and Proxy headers, but not their trace", async (t) => {
  if (!has(t, 'nginx')) return
  using place = scratch()
  let heard: IncomingMessage['headers'] = {}
  const app = createServer((request, response) => {
    heard = request.headers
    response.end()
  })
  await new Promise<void>((done) => app.listen(0, '127.0.0.1', done))
  const port = (app.address() as AddressInfo).port
  await using nginx = await startNginx(place.folder, `127.0.0.1:${port}`)
  const traceparent = '00-0123456789abcdef0123456789abcdef-0123456789abcdef-01'
  await ask(`${nginx.url}/`, {
    traceparent,
    tracestate: 'a=b',
    baggage: 'user=1',
    Proxy: 'http://6.6.6.6',
  })
  app.close()
  assert.deepEqual([heard['traceparent'], heard['tracestate']], [traceparent, 'a=b'])
  assert.deepEqual([heard['baggage'], heard['proxy']], [undefined, undefined])
})

test('the live tail is not buffered', async (t) => {
  if (!has(t, 'nginx')) return
  await using running = await site({ INSPECT: '1' })
  const { url } = running.nginx
  const tail = await fetch(`${url}/traces/live`, { headers: { 'Accept-Encoding': 'gzip' } })
  assert.match(tail.headers.get('Content-Type') ?? '', /event-stream/)
  assert.equal(tail.headers.get('Content-Encoding'), null)
  const reader = tail.body!.getReader()
  const next = async () => Buffer.from((await reader.read()).value!).toString()
  assert.equal(await next(), ': still here\n\n', 'it begins with a beat')
  const asked = Date.now()
  await ask(`${url}/search?q=slowly`)
  assert.match(await next(), /GET \/search/)
  // Before the next beat, which would let go of what is held back.
  assert.ok(Date.now() - asked < 10_000)
  await reader.cancel()
})

test('each line of the access log is JSON with the trace of its request, whatever a client sends', async (t) => {
  if (!has(t, 'nginx')) return
  await using running = await site({ INSPECT: '1' })
  const { url } = running.nginx
  const head = 'Host: birds.example\r\nConnection: close\r\n'
  const odd = [
    'User-Agent: we"ird \\ {"a":1} \u{2603}\r\nReferer: http://a/"b',
    'User-Agent: \t tab\r\nX-Forwarded-For: 6.6.6.6, "x\r\nX-Forwarded-Proto: "',
    `User-Agent: ${'\u{2603}'.repeat(1500)}`,
    'User-Agent: \u0001\u007f',
  ]
  for (const lines of odd)
    await say(url, `GET /search?q=%22%ff HTTP/1.1\r\n${head}${lines}\r\n\r\n`)
  for (const bytes of ['\u00ff\u00fe', '\u00c0\u00af', '\u00ed\u00a0\u0080', '\u00f5\u0080'])
    await say(
      url,
      Buffer.from(`GET /?a=${bytes} HTTP/1.1\r\n${head}User-Agent: ${bytes}"\r\n\r\n`, 'latin1'),
    )
  await say(url, Buffer.from('\u0016\u0003\u0001\u00ff"garbage\r\n\r\n', 'latin1'))
  const { headers } = await ask(`${url}/trends`)
  await ask(`${url}${/\/static\/app\.\w+\.css/.exec((await ask(`${url}/`)).body.toString())![0]}`)
  // nginx writes a line after the answer.
  const asked = odd.length + 4 + 1 + 3
  await until(() => running.nginx.accessLog().split('\n').length > asked)

  const log = readFileSync(`${running.folder}/log/nginx/access.log`)
  const lines = new TextDecoder('utf-8', { fatal: true }).decode(log).trim().split('\n')
  assert.equal(lines.length, asked)
  const entries = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
  for (const entry of entries) {
    assert.deepEqual(Object.keys(entry), names)
    assert.ok(Object.values(entry).every((value) => typeof value === 'string'))
  }
  // In any order: the workers of nginx write independently.
  const agents = entries.map((entry) => entry['user_agent'])
  for (const agent of ['we"ird \\ {"a":1} \u{2603}', '\u{2603}'.repeat(1500), '(not UTF-8)'])
    assert.ok(agents.includes(agent), agent)
  const trends = entries.find((entry) => entry['path'] === '/trends')!
  assert.equal(trends['trace.id'], headers['x-trace-id'])
  assert.match(String(headers['server-timing']), new RegExp(`-${String(trends['span.id'])}-`))
  const served = entries.find((entry) => String(entry['path']).startsWith('/static/'))!
  assert.equal(served['trace.id'], '', 'a file has no trace')
})

const names =
  'time host vhost user status protocol method path req size reqtime apptime user_agent forwardedfor forwardedproto referrer service.namespace service.name trace.id span.id'.split(
    ' ',
  )

test('requests that are too large or too slow end early; if the app is down, the answer is a sentence', async (t) => {
  if (!has(t, 'nginx')) return
  await using running = await site()
  const { url, statusUrl } = running.nginx
  const head = 'Host: x\r\n'
  assert.match(
    (await say(url, `POST /login HTTP/1.1\r\n${head}Content-Length: 70000\r\n\r\n`)).first,
    / 413 /,
  )
  assert.match(
    (await say(url, `GET / HTTP/1.1\r\n${head}X-Big: ${'a'.repeat(9000)}\r\n\r\n`)).first,
    / 400 /,
  )
  const [slowHead, slowBody] = await Promise.all([
    say(url, `GET / HTTP/1.1\r\n${head}X-Slow: `),
    say(url, `POST /login HTTP/1.1\r\n${head}Content-Length: 100\r\n\r\nmail`),
  ])
  // Five seconds, on a busy machine; without our settings it would be a minute.
  assert.ok(slowHead.seconds > 4 && slowHead.seconds < 20, `${slowHead.seconds} s for headers`)
  assert.ok(slowBody.seconds > 4 && slowBody.seconds < 20, `${slowBody.seconds} s for a body`)
  for (const path of ['/livez', '/readyz', '/nginx_status'])
    assert.equal((await ask(url + path)).status, 404, path)
  assert.match((await ask(`${statusUrl}/nginx_status`)).body.toString(), /Active connections/)

  await running.app.stop()
  const away = await ask(`${url}/timeline`)
  assert.equal(away.status, 503)
  assert.equal(away.headers['retry-after'], '5')
  assert.match(away.body.toString(), /Tracewren is away/)
})

test('connections to the app are kept, and it stops quickly', async (t) => {
  if (!has(t, 'nginx')) return
  await using running = await site()
  const { url } = running.nginx
  const answers = await Promise.all(Array.from({ length: 200 }, () => ask(`${url}/theme`)))
  assert.ok(answers.every(({ status }) => status < 500))
  const started = Date.now()
  await running.nginx.stop()
  // An engine for containers kills after ten seconds; kept connections would hold it up for a minute.
  assert.ok(Date.now() - started < 10_000)
})

test("the container's files are valid, and only one of them uses the OpenTelemetry module", async (t) => {
  const files = readdirSync(folderOf('nginx'), { recursive: true, encoding: 'utf8' })
  const withModule = files.filter(
    (name) => name.endsWith('.conf') && /^[^#]*\botel_/m.test(file(`nginx/${name}`)),
  )
  assert.deepEqual(withModule, ['container/tracing.conf'])
  const tracing = file('nginx/container/tracing.conf')
  const directives = [...tracing.matchAll(/^\s*(otel_\w+)/gm)].map(([, name]) => name!)
  const known = [
    'otel_exporter',
    'otel_service_name',
    'otel_resource_attr',
    'otel_span_name',
    'otel_trace',
  ]
  assert.deepEqual(new Set(directives), new Set(known))
  assert.match(tracing, /endpoint opentelemetry-collector:4317;/)
  assert.match(
    tracing,
    /^include \/run\/trace-context\.conf;$/m,
    'trust.sh writes otel_trace_context',
  )
  assert.match(tracing, /otel_span_name \$request_method;/, 'a path has no bound')
  assert.match(tracing, /otel_resource_attr service\.namespace twitter;/)
  // Both ways of tracing set the same two variables for the log.
  const variables = (text: string) =>
    [...text.matchAll(/^map \S+ (\$log_\w+)/gm)].map(([, name]) => name)
  assert.deepEqual(variables(tracing), variables(file('nginx/tracing.conf')))

  if (!has(t, 'nginx')) return
  using place = scratch()
  const [port, statusPort] = [await freePort(), await freePort()]
  const args = prepareNginx({ folder: place.folder, port, statusPort, upstream: '127.0.0.1:5000' })
  const without = tracing
    .replace(/otel_exporter \{[^}]*\}/, '')
    .replace(/^otel_.*$|^include .*$/gm, '')
    .replaceAll(/\$otel_\w+/g, '$request_id')
  writeFileSync(`${place.folder}/conf/tracing.conf`, without)
  const checked = run('nginx', [...args, '-t'])
  assert.equal(checked.code, 0, checked.printed)
  assert.doesNotMatch(checked.printed, /warn/)
})

test('large logs are rotated, and nginx continues with a new file', async (t) => {
  if (!has(t, 'nginx')) return
  await using running = await site()
  const { folder, nginx } = running
  const env = {
    LOG_FOLDER: `${folder}/log/nginx`,
    LOG_MOST_BYTES: '2000',
    LOG_EVERY_SECONDS: '0.2',
    NGINX_PID_FILE: `${folder}/run/nginx.pid`,
    LOG_ROUNDS: '10',
  }
  for (let count = 0; count < 20; count++) await ask(`${nginx.url}/`)
  const rotated = run('sh', [folderOf('nginx/container/rotate.sh')], { env })
  assert.equal(rotated.code, 0, rotated.printed)
  await until(() => existsSync(`${folder}/log/nginx/access.log`))
  await pause(800)
  await ask(`${nginx.url}/trends`)
  await until(() => nginx.accessLog().includes('/trends'))
  assert.ok(readFileSync(`${folder}/log/nginx/access.log.1`, 'utf8').split('\n').length >= 20)
})

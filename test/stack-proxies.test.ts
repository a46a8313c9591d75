// Who stands in front of nginx: a TLS proxy that is named says who the client is, and whoever is not named says nothing.
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect } from 'node:net'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { freePort } from './libsql-server.ts'
import { startNginx, trust } from './nginx.ts'
import { scratch, startServer } from './process.ts'
import { has, isOnPath, run, start } from './programs.ts'

const file = (path: string) =>
  readFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), 'utf8')

type Ask = {
  path?: string
  /** The address that somebody comes from: on loopback each person may have one. */
  from?: string
  headers?: Record<string, string>
  form?: Record<string, string>
}
type Told = { status: number; headers: IncomingMessage['headers']; body: string }

const ask = (url: string, { path = '/theme', from, headers = {}, form }: Ask = {}) =>
  new Promise<Told>((resolve, reject) => {
    const body = form && new URLSearchParams(form).toString()
    const options = {
      method: form ? 'POST' : 'GET',
      headers: {
        ...headers,
        ...(form && { 'Content-Type': 'application/x-www-form-urlencoded' }),
      },
      agent: false,
      rejectUnauthorized: false,
      timeout: 20_000,
      ...(from !== undefined && { localAddress: from }),
    } as const
    const send = url.startsWith('https') ? httpsRequest : httpRequest
    const asked = send(url + path, options, (answer) => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (piece: string) => (text += piece))
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text }),
      )
    })
    asked.on('error', reject)
    asked.on('timeout', () => asked.destroy(new Error('no answer')))
    asked.end(body)
  })

/** Sends bytes as they are and gives what came back. */
const say = (url: string, bytes: string) =>
  new Promise<string>((resolve) => {
    let answer = ''
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(bytes))
    socket.setTimeout(10_000, () => socket.destroy())
    socket.on('data', (piece) => (answer += piece.toString('latin1')))
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(answer))
  })

type Site = {
  env?: Record<string, string>
  /** TRUSTED_PROXIES and what else the container's nginx is told; without it nginx/trust.conf as it lies there. */
  nginxEnv?: Record<string, string>
  prepare?: (conf: string) => void
}

/** The app, nginx in front of it, and what their telemetry and log say. */
async function site({ env = {}, nginxEnv, prepare }: Site = {}) {
  const place = scratch()
  const app = await startServer({
    DATABASE_URL: `file:${place.folder}/town.db`,
    TRUSTED_PROXIES: '127.0.0.1',
    INSPECT: '1',
    OTEL_TRACES_EXPORTER: 'none',
    ...env,
  })
  const nginx = await startNginx(place.folder, new URL(app.url).host, (conf) => {
    if (nginxEnv) {
      // The gateway of this container: 127.0.0.8, as Linux writes it.
      writeFileSync(`${conf}/route`, 'eth0\t00000000\t0800007F\t0003\n')
      const written = trust(conf, nginxEnv)
      assert.equal(written.code, 0, written.printed)
    }
    prepare?.(conf)
  }).catch(async (error: unknown) => {
    // A program that nobody ends would keep the test from ending.
    await app[Symbol.asyncDispose]()
    throw error
  })
  return {
    nginx,
    app,
    folder: place.folder,
    /** What the app's span says of a request. */
    span: async ({ headers }: Told) => {
      const trace = String(headers['x-trace-id'])
      const { body } = await ask(app.url, { path: `/traces/${trace}/otlp.json` })
      const told = (name: string) =>
        new RegExp(`"key":"${name}","value":\\{"stringValue":"([^"]*)"`).exec(body)?.[1]
      return { trace, client: told('client.address'), scheme: told('url.scheme') }
    },
    /** The client of the last line in nginx's log. */
    logged: async () => {
      await pause(100)
      const line = nginx.accessLog().trim().split('\n').at(-1)!
      return (JSON.parse(line) as { host: string }).host
    },
    async [Symbol.asyncDispose]() {
      await nginx[Symbol.asyncDispose]()
      await app[Symbol.asyncDispose]()
      place[Symbol.dispose]()
    },
  }
}

/** A second nginx in front of the first, as people put one there for https; it reaches that one from `from`. */
async function tlsProxy(upstream: string, from: string, forwardedFor: string) {
  const place = scratch()
  const { folder } = place
  for (const inner of ['conf', 'log', 'tmp']) mkdirSync(`${folder}/${inner}`)
  const [port, statusPort] = [await freePort(), await freePort()]
  // As docs/behind-a-proxy.md has it, but for the addresses.
  const location = /location \/ \{[^}]*\}/
    .exec(file('docs/behind-a-proxy.md'))![0]
    .replace('http://127.0.0.1:8080;', `${upstream}; proxy_bind ${from};`)
    .replace('$proxy_add_x_forwarded_for', () => `"${forwardedFor}"`)
    .replace(
      'X-Forwarded-Proto $scheme',
      `X-Forwarded-Proto ${isOnPath('openssl') ? '$scheme' : 'https'}`,
    )
  const tls = isOnPath('openssl')
  if (tls) {
    const words =
      'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost -keyout conf/key.pem -out conf/cert.pem'
    const made = run('openssl', words.split(' '), { cwd: folder })
    assert.equal(made.code, 0, made.printed)
  }
  writeFileSync(
    `${folder}/conf/nginx.conf`,
    `pid tmp/nginx.pid;
    events {}
    http {
      access_log off;
      ${['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path tmp/${name};`).join('\n')}
      ${tls ? 'ssl_certificate cert.pem; ssl_certificate_key key.pem;' : ''}
      server {
        listen 127.0.0.1:${port} ${tls ? 'ssl' : ''};
        ${location}
      }
      server {
        listen 127.0.0.1:${statusPort};
        location / { return 204; }
      }
    }`,
  )
  const args = ['-p', `${folder}/`, '-c', 'conf/nginx.conf', '-e', 'stderr', '-g', 'daemon off;']
  const running = await start('nginx', { args }, `http://127.0.0.1:${statusPort}/`)
  return {
    url: `${tls ? 'https' : 'http'}://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]()
      place[Symbol.dispose]()
    },
  }
}

const appended = '$proxy_add_x_forwarded_for'
const wrong = { mailaddress: 'nobody@example.org', password: 'wrong one' }
const forged = {
  'X-Forwarded-For': '6.6.6.6',
  'X-Forwarded-Proto': 'https',
  'X-Real-IP': '6.6.6.6',
  Forwarded: 'for=6.6.6.6;proto=https',
}

test('a forged header of a client or of a proxy that is not named changes nothing', async (story) => {
  if (!has(story, 'nginx')) return
  // Without a name, with the file as it lies there, with another proxy's name, and with a range that has the gateway.
  const named = ['127.0.0.9 2001:db8::/32', '127.0.0.8/30']
  for (const nginxEnv of [undefined, {}, ...named.map((one) => ({ TRUSTED_PROXIES: one }))]) {
    await using running = await site({
      env: { LIMIT_LOGIN_CLIENT: '2/60' },
      ...(nginxEnv && { nginxEnv }),
    })
    const { url } = running.nginx
    const direct = await ask(url, { from: '127.0.0.21', headers: forged })
    const { client, scheme } = await running.span(direct)
    assert.deepEqual([client, scheme], ['127.0.0.21', 'http'])
    assert.equal(await running.logged(), '127.0.0.21')

    // As Docker's gateway shows everybody under one address: private, and not named.
    await using gateway = await tlsProxy(url, '127.0.0.8', appended)
    const through = await running.span(
      await ask(gateway.url, { from: '127.0.0.22', headers: forged }),
    )
    assert.deepEqual([through.client, through.scheme], ['127.0.0.8', 'http'])
    assert.equal(await running.logged(), '127.0.0.8')

    const statuses: number[] = []
    for (const number of [1, 2, 3]) {
      const headers = { ...forged, 'X-Forwarded-For': `6.6.6.${number}:1, 127.0.0.9` }
      statuses.push((await ask(url, { path: '/login', headers, form: wrong })).status)
    }
    assert.deepEqual(statuses, [422, 422, 429], 'one person, whatever the header says')
  }
})

test('a TLS proxy that is named gives each person their own address, limits and https', async (story) => {
  if (!has(story, 'nginx')) return
  await using running = await site({
    env: { LIMIT_LOGIN_CLIENT: '2/60' },
    nginxEnv: { TRUSTED_PROXIES: '127.0.0.9/32, 127.0.0.10/31' },
    prepare: (conf) => {
      const config = readFileSync(`${conf}/site.conf`, 'utf8')
      writeFileSync(`${conf}/site.conf`, config.replace('clients 1000', 'clients 2'))
    },
  })
  const { url } = running.nginx
  const ways = [
    ['127.0.0.9', appended],
    // As Azure and AWS write it.
    ['127.0.0.9', '$http_x_forwarded_for, $remote_addr:$remote_port'],
    // Behind two proxies, of which both are named.
    ['127.0.0.10', '$http_x_forwarded_for, $remote_addr, 127.0.0.11:443'],
  ]
  for (const [index, [from, forwardedFor]] of ways.entries()) {
    await using proxy = await tlsProxy(url, from!, forwardedFor!)
    const [one, other] = [`127.0.${index}.31`, `127.0.${index}.32`]
    const answer = await ask(proxy.url, { from: one, headers: forged })
    const { client, scheme } = await running.span(answer)
    assert.deepEqual([client, scheme], [one, 'https'], forwardedFor)
    assert.equal(await running.logged(), one)

    const guess = async (person: string, number: number) => {
      const headers = { 'X-Forwarded-For': `6.6.6.${number}` }
      return (await ask(proxy.url, { path: '/login', from: person, headers, form: wrong })).status
    }
    const statuses = [await guess(one, 1), await guess(one, 2), await guess(one, 3)]
    assert.deepEqual(statuses, [422, 422, 429])
    assert.equal(await guess(other, 4), 422, 'the neighbour is another')
  }

  // Connections, too, are counted by person and not by proxy.
  await using proxy = await tlsProxy(url, '127.0.0.9', appended)
  const live = (from: string) =>
    new Promise<number>((resolve, reject) => {
      const send = proxy.url.startsWith('https') ? httpsRequest : httpRequest
      const options = { rejectUnauthorized: false, localAddress: from, agent: false }
      const asked = send(`${proxy.url}/traces/live`, options, (answer) => {
        answer.on('error', () => undefined).resume()
        resolve(answer.statusCode ?? 0)
      })
      asked.on('error', reject).end()
      running.app.child.once('exit', () => asked.destroy())
    })
  assert.deepEqual(
    [await live('127.0.0.41'), await live('127.0.0.41'), await live('127.0.0.41')],
    [200, 200, 429],
  )
  assert.equal(await live('127.0.0.42'), 200, 'the neighbour is another')
})

test('what a named proxy says wrongly ends at that proxy', async (story) => {
  if (!has(story, 'nginx')) return
  await using running = await site({ nginxEnv: { TRUSTED_PROXIES: '127.0.0.9' } })
  const said = async (forwardedFor: string, proto: string) => {
    const headers = { 'X-Forwarded-For': forwardedFor, 'X-Forwarded-Proto': proto }
    const { client, scheme } = await running.span(
      await ask(running.nginx.url, { from: '127.0.0.9', headers }),
    )
    return `${client} ${scheme}`
  }
  assert.equal(await said('6.6.6.6, unknown', 'https, http'), '127.0.0.9 http')
  assert.equal(await said('6.6.6.6, _hidden', 'http, HTTPS'), '127.0.0.9 https')
  assert.equal(await said('6.6.6.6, 203.0.113.7:123456', 'ftp'), '127.0.0.9 http')
  assert.equal(await said('6.6.6.6, [2001:db8::7]:443', 'https;'), '2001:db8::7 http')
  assert.equal(await said('6.6.6.6, ::ffff:203.0.113.7', ''), '203.0.113.7 http')
  assert.equal(await said('', 'https'), '127.0.0.9 https')
})

test('in a demo everybody continues a trace of their own, else only a proxy that is named', async (story) => {
  if (!has(story, 'nginx')) return
  const trace = '0123456789abcdef0123456789abcdef'
  const headers = { traceparent: `00-${trace}-0123456789abcdef-01`, tracestate: 'a=b' }
  const TRUSTED_PROXIES = '127.0.0.9'
  for (const [nginxEnv, strangers] of [
    [{ TRUSTED_PROXIES }, true],
    [{ TRUSTED_PROXIES, DEMO: '1', PUBLIC_ORIGIN: 'https://birds.example' }, true],
    [{ TRUSTED_PROXIES, DEMO: '0' }, false],
    [{ TRUSTED_PROXIES, PUBLIC_ORIGIN: 'HTTPS://birds.example' }, false],
    [{ TRUSTED_PROXIES, DEMO: 'nonsense' }, false],
  ] as const) {
    await using running = await site({ nginxEnv })
    const continued = async (from: string) =>
      (await ask(running.nginx.url, { from, headers })).headers['x-trace-id'] === trace
    assert.equal(await continued('127.0.0.9'), true, JSON.stringify(nginxEnv))
    assert.equal(await continued('127.0.0.21'), strangers, JSON.stringify(nginxEnv))
    const context = readFileSync(`${running.folder}/conf/trace-context.conf`, 'utf8')
    assert.equal(context, `otel_trace_context ${strangers ? 'propagate' : 'inject'};\n`)
  }
})

test('a health check that speaks HTTP/1.0 and names no host is answered', async (story) => {
  if (!has(story, 'nginx')) return
  await using running = await site()
  const { url } = running.nginx
  for (const path of ['/', '/login', '/static/app.css'])
    assert.match(await say(url, `GET ${path} HTTP/1.0\r\n\r\n`), /^HTTP\/1\.1 200 /, path)
  assert.match(await say(url, 'HEAD / HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 200 /)
  assert.match(await say(url, 'GET http://birds.example/ HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 200 /)
  assert.match(await say(url, 'GET / HTTP/1.0\r\nHost: birds.example\r\n\r\n'), / 200 /)
  assert.match(
    await say(running.app.url, 'GET /livez HTTP/1.0\r\n\r\n'),
    / 200 /,
    'at the app, too',
  )
  // HTTP/1.1 must name one.
  assert.match(await say(url, 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n'), / 400 /)

  // The Origin of a form is compared with the Host that was sent, and nothing stands in for that.
  const body = 'mailaddress=user0001%40example.com&password=password123'
  const post = (origin: string, host?: string) =>
    say(
      url,
      `POST /login HTTP/1.0\r\n${host ? `Host: ${host}\r\n` : ''}Origin: ${origin}\r\n` +
        `Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
    )
  assert.match(await post('http://birds.example:81', 'birds.example:81'), / 303 /)
  assert.match(await post('http://birds.example', 'birds.example:81'), / 403 /)
  assert.match(await post('http://birds.example'), / 403 /)
  assert.match(await post('https://evil.test'), / 403 /)
})

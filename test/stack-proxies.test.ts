// Proxies in front of nginx: the headers of a named TLS proxy are trusted, those of others are not.
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { connect } from 'node:net'
import test from 'node:test'
import { fileURLToPath } from 'node:url'

import { freePort } from '../bin/free-port.ts'
import { scratch } from './process.ts'
import { has, isOnPath, run, start } from './programs.ts'
import { ask, forged, site } from './proxied-site.ts'

const file = (path: string) =>
  readFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), 'utf8')

/** Sends raw bytes and returns the answer. */
const say = (url: string, bytes: string) =>
  new Promise<string>((resolve) => {
    let answer = ''
    const socket = connect(Number(new URL(url).port), '127.0.0.1', () => socket.write(bytes))
    socket.setTimeout(10_000, () => socket.destroy())
    socket.on('data', (piece) => (answer += piece.toString('latin1')))
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(answer))
  })

/** A second nginx in front of the first, as people use one for https; it connects from the address `from`. */
async function tlsProxy(upstream: string, from: string, forwardedFor: string) {
  const place = scratch()
  const { folder } = place
  for (const inner of ['conf', 'log', 'tmp']) mkdirSync(`${folder}/${inner}`)
  const [port, statusPort] = [await freePort(), await freePort()]
  // As in docs/behind-a-proxy.md, with other addresses.
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

test('forged headers of clients and of proxies that are not named are ignored', async (t) => {
  if (!has(t, 'nginx')) return
  // No trusted proxy, the unchanged file, another proxy, and a range that includes the gateway.
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
    assert.equal(await running.logged(direct), '127.0.0.21')

    // Behind Docker's gateway all clients have one address: private, and not named.
    await using gateway = await tlsProxy(url, '127.0.0.8', appended)
    const answer = await ask(gateway.url, { from: '127.0.0.22', headers: forged })
    const through = await running.span(answer)
    assert.deepEqual([through.client, through.scheme], ['127.0.0.8', 'http'])
    assert.equal(await running.logged(answer), '127.0.0.8')

    const statuses: number[] = []
    for (const number of [1, 2, 3]) {
      const headers = { ...forged, 'X-Forwarded-For': `6.6.6.${number}:1, 127.0.0.9` }
      statuses.push((await ask(url, { path: '/login', headers, form: wrong })).status)
    }
    assert.deepEqual(statuses, [422, 422, 429], 'one person, whatever the header says')
  }
})

test('with a named TLS proxy, each client has its own address, rate limits and https', async (t) => {
  if (!has(t, 'nginx')) return
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
    // With a port, as Azure and AWS write it.
    ['127.0.0.9', '$http_x_forwarded_for, $remote_addr:$remote_port'],
    // Behind two proxies that are both named.
    ['127.0.0.10', '$http_x_forwarded_for, $remote_addr, 127.0.0.11:443'],
  ]
  for (const [index, [from, forwardedFor]] of ways.entries()) {
    await using proxy = await tlsProxy(url, from!, forwardedFor!)
    const [one, other] = [`127.0.${index}.31`, `127.0.${index}.32`]
    const answer = await ask(proxy.url, { from: one, headers: forged })
    const { client, scheme } = await running.span(answer)
    assert.deepEqual([client, scheme], [one, 'https'], forwardedFor)
    assert.equal(await running.logged(answer), one)

    const guess = async (person: string, number: number) => {
      const headers = { 'X-Forwarded-For': `6.6.6.${number}` }
      return (await ask(proxy.url, { path: '/login', from: person, headers, form: wrong })).status
    }
    const statuses = [await guess(one, 1), await guess(one, 2), await guess(one, 3)]
    assert.deepEqual(statuses, [422, 422, 429])
    assert.equal(await guess(other, 4), 422, 'the neighbour is another')
  }

  // Connections, too, are limited by client and not by proxy.
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

test('if a named proxy sends an invalid address, the proxy counts as the client', async (t) => {
  if (!has(t, 'nginx')) return
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

test('on a demo instance all clients can continue a trace, else only named proxies', async (t) => {
  if (!has(t, 'nginx')) return
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

test('a health check with HTTP/1.0 and without Host is answered', async (t) => {
  if (!has(t, 'nginx')) return
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
  // HTTP/1.1 requires a Host.
  assert.match(await say(url, 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n'), / 400 /)

  // The Origin of a form is compared with the Host that was sent; there is no default for it.
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

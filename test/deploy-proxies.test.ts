// The examples of deploy/: Caddy and Traefik in front of nginx in front of the app. The app knows who the client is, whatever the
// client says.
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { request as httpsRequest } from 'node:https'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { freePort } from '../bin/free-port.ts'
import { scratch } from './process.ts'
import { has, run, start } from './programs.ts'
import { ask, forged, site } from './proxied-site.ts'

const file = (path: string) =>
  readFileSync(fileURLToPath(new URL(`../deploy/${path}`, import.meta.url)), 'utf8')
const host = 'birds.example.org'
const upstream = 'http://127.0.0.1:8080'

/** Replaces a part that must be there. */
function replaced(text: string, part: string, other: string): string {
  assert.ok(text.includes(part), `"${part}" is missing`)
  return text.replaceAll(part, () => other)
}

type Front = { url: string; [Symbol.asyncDispose]: () => Promise<void> }

/** The Caddyfile of deploy/, on a free port, with certificates that it makes itself. */
async function caddy(nginx: string): Promise<Front> {
  const place = scratch()
  const [https, http, status] = [await freePort(), await freePort(), await freePort()]
  const block = replaced(file('caddy/Caddyfile'), '127.0.0.1:8080', new URL(nginx).host)
  writeFileSync(
    `${place.folder}/Caddyfile`,
    `{
      admin off
      local_certs
      skip_install_trust
      auto_https disable_redirects
      storage file_system ${place.folder}/storage
      https_port ${https}
      http_port ${http}
    }
    ${replaced(block, `${host} {`, `${host} {\n\tbind 127.0.0.1`)}
    http://127.0.0.1:${status} {
      respond 204
    }`,
  )
  const args = ['run', '--config', `${place.folder}/Caddyfile`, '--adapter', 'caddyfile']
  const env = { HOME: place.folder }
  const running = await start('caddy', { args, env }, `http://127.0.0.1:${status}/`)
  return {
    url: `https://127.0.0.1:${https}`,
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]()
      place[Symbol.dispose]()
    },
  }
}

/** The two files of deploy/traefik/, on free ports, with the certificate that Traefik makes itself. */
async function traefik(nginx: string): Promise<Front> {
  const place = scratch()
  const [https, http, status] = [await freePort(), await freePort(), await freePort()]
  const { folder } = place
  let fixed = replaced(file('traefik/traefik.yaml'), '":443"', `"127.0.0.1:${https}"`)
  fixed = replaced(fixed, '":80"', `"127.0.0.1:${http}"`)
  fixed = replaced(fixed, '/etc/traefik/tracewren.yaml', `${folder}/tracewren.yaml`)
  fixed = fixed.slice(0, fixed.indexOf('certificatesResolvers:'))
  const ping = `ping: { entryPoint: ping }\n`
  fixed = fixed.replace(
    'entryPoints:\n',
    `entryPoints:\n  ping: { address: "127.0.0.1:${status}" }\n`,
  )
  writeFileSync(`${folder}/traefik.yaml`, fixed + ping)
  const routes = replaced(file('traefik/tracewren.yaml'), upstream, nginx)
  writeFileSync(
    `${folder}/tracewren.yaml`,
    replaced(routes, 'tls: { certResolver: letsencrypt }', 'tls: {}'),
  )
  const args = [`--configFile=${folder}/traefik.yaml`]
  const running = await start('traefik', { args, cwd: folder }, `http://127.0.0.1:${status}/ping`)
  const url = `https://127.0.0.1:${https}`
  // It is ready before it has read its routes.
  const answers = async () =>
    (await ask(url, { headers: { Host: host } }).catch(() => ({ status: 404 }))).status !== 404
  for (const giveUp = Date.now() + 10_000; Date.now() < giveUp && !(await answers());)
    await pause(100)
  return {
    url,
    async [Symbol.asyncDispose]() {
      await running[Symbol.asyncDispose]()
      place[Symbol.dispose]()
    },
  }
}

/** The time until the first bytes of a live stream. */
const firstBytes = (url: string) =>
  new Promise<number>((resolve, reject) => {
    const began = performance.now()
    const options = { rejectUnauthorized: false, agent: false, headers: { Host: host } }
    const asked = httpsRequest(`${url}/traces/live`, options, (answer) => {
      answer.on('error', () => undefined)
      answer.once('data', () => {
        resolve(performance.now() - began)
        asked.destroy()
      })
    })
    asked.setTimeout(10_000, () => asked.destroy(new Error('no stream')))
    asked.on('error', reject).end()
  })

const wrong = { mailaddress: 'nobody@example.org', password: 'wrong one' }

for (const [program, front] of Object.entries({ caddy, traefik }))
  test(`through ${program}, then nginx: each client has its own address, and forged headers are powerless`, async (t) => {
    if (!has(t, program) || !has(t, 'nginx')) return
    await using running = await site({
      env: { LIMIT_LOGIN_CLIENT: '2/60', PUBLIC_ORIGIN: `https://${host}`, DEMO: '1' },
      nginxEnv: { TRUSTED_PROXIES: '127.0.0.1' },
    })
    const { url } = running.nginx
    // Past the proxy, nobody is believed.
    const direct = await ask(url, { from: '127.0.0.21', headers: forged })
    assert.deepEqual(await running.span(direct).then(({ client, scheme }) => [client, scheme]), [
      '127.0.0.21',
      'http',
    ])

    await using proxy = await front(url)
    const through = (from: string, headers: Record<string, string> = {}) => ({
      path: '/',
      from,
      headers: { ...headers, Host: host },
    })
    for (const said of [
      {},
      forged,
      { 'X-Forwarded-For': '127.0.0.1' },
      { 'X-Forwarded-For': '6.6.6.6, 127.0.0.1', 'X-Forwarded-Proto': 'http' },
      { 'X-Real-IP': '127.0.0.1', 'True-Client-IP': '6.6.6.6', 'X-Forwarded-Host': 'evil.example' },
    ]) {
      const answer = await ask(proxy.url, through('127.0.0.31', said))
      assert.equal(answer.status, 200, JSON.stringify(said))
      const { client, scheme } = await running.span(answer)
      assert.deepEqual([client, scheme], ['127.0.0.31', 'https'], JSON.stringify(said))
      assert.equal(await running.logged(answer), '127.0.0.31')
    }

    const guess = async (person: string, number: number) => {
      const headers = { 'X-Forwarded-For': `6.6.6.${number}` }
      const form = { ...through(person, headers), path: '/login', form: wrong }
      return (await ask(proxy.url, form)).status
    }
    const statuses = [
      await guess('127.0.0.32', 1),
      await guess('127.0.0.32', 2),
      await guess('127.0.0.32', 3),
    ]
    assert.deepEqual(statuses, [422, 422, 429], 'one person, whatever the header says')
    assert.equal(await guess('127.0.0.33', 4), 422, 'the neighbour is another')
    assert.ok((await firstBytes(proxy.url)) < 5000, 'a live stream is not held back')
  })

test('the Caddyfile is valid', (t) => {
  if (!has(t, 'caddy')) return
  using place = scratch()
  mkdirSync(`${place.folder}/home`)
  writeFileSync(`${place.folder}/Caddyfile`, file('caddy/Caddyfile'))
  const env = { HOME: `${place.folder}/home` }
  for (const words of ['validate', 'adapt --validate']) {
    const args = [
      ...words.split(' '),
      '--adapter',
      'caddyfile',
      '--config',
      `${place.folder}/Caddyfile`,
    ]
    const { code, printed } = run('caddy', args, { env })
    assert.equal(code, 0, printed)
  }
  assert.equal(run('caddy', ['fmt', '--diff', `${place.folder}/Caddyfile`], { env }).code, 0)
})

// What other machines do to compose.yaml: older engines, ports in use, Windows, SELinux, a second stack, other networks.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'
import { fileURLToPath } from 'node:url'

import { composeCommand, config, configOf } from './compose.ts'
import { has, run } from './programs.ts'
import { at, keysOf, readYaml } from './yaml.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const file = (path: string) => readFileSync(`${root}${path}`, 'utf8')
const files = ['compose.yaml', 'compose.dev.yaml', 'deploy/https.compose.yaml']
const compose = readYaml(file('compose.yaml'))
const services = keysOf(at(compose, 'services'))

test('docker compose accepts the files for each profile, and reads the same as the tests', (t) => {
  const command = composeCommand(t)
  if (!command) return
  const https = ['-f', 'compose.yaml', '-f', 'deploy/https.compose.yaml']
  for (const words of [
    [],
    ['--profile', 'k6'],
    ['-f', 'compose.yaml', '-f', 'compose.dev.yaml'],
    https,
  ]) {
    const env = { PUBLIC_ORIGIN: 'https://birds.example.org' }
    const theirs = configOf(command, { words, env })
    const caddy = words === https ? ['caddy'] : []
    const expected = [...services.filter((name) => name !== 'k6' || words.includes('k6')), ...caddy]
    assert.deepEqual(Object.keys(theirs.services).sort(), expected.sort())
    for (const name of expected.filter((one) => one !== 'app' && one !== 'caddy'))
      assert.equal(theirs.services[name]!.image, at(compose, 'services', name, 'image'))
  }
})

test('nothing asks for a newer Engine than the docs name, and no name or image is in the way', () => {
  for (const name of [...files, 'Dockerfile'])
    assert.doesNotMatch(file(name), /start.interval|container_name/, name)
  assert.match(file('docs/docker.md'), /Docker Engine 20\.10 or newer and Docker Compose 2\.\d+ or/)
  // Otherwise `up` after `git pull` runs the image of the old version, which has the same tag.
  for (const name of services)
    if (at(compose, 'services', name, 'build') !== undefined)
      assert.equal(at(compose, 'services', name, 'pull_policy'), 'build', name)
})

test('SELinux may read every mounted file, and no file has line ends of Windows', (t) => {
  for (const name of files)
    for (const [mount] of file(name).matchAll(/^ +- \.{1,2}\/[^\n]*:\/[^\n]*$/gm))
      assert.match(mount, /:ro,z$/, `${name}: ${mount}`)
  assert.match(file('.gitattributes'), /^\* text=auto eol=lf$/m)
  if (!has(t, 'git')) return
  // `-` marks a binary file; `i/` is what the repository holds, `attr/` what a clone gets.
  const { printed } = run('git', ['ls-files', '--eol', 'nginx', 'observability', 'Dockerfile'], {
    cwd: root,
  })
  for (const line of printed.split('\n').filter(Boolean))
    assert.match(line, /^i\/(lf|none) .*attr\/text=auto eol=lf/, line)
})

test('each published port has a variable, and a port with an address breaks no link', (t) => {
  const command = composeCommand(t)
  if (!command) return
  const names = {
    HTTP_PORT: 80,
    APP_PORT: 5000,
    GRAFANA_PORT: 3000,
    LOCUST_PORT: 8089,
    OTLP_GRPC_PORT: 4317,
    OTLP_HTTP_PORT: 4318,
  }
  const moved = Object.entries(names).map(([name, port]) => [name, String(port + 20_000)] as const)
  const there = configOf(command, { env: Object.fromEntries(moved) }).services
  const published = Object.values(there).flatMap(({ ports = [] }) => ports)
  assert.deepEqual(
    published.map(({ published: host, target }) => `${host} ${target}`).sort(),
    Object.values(names)
      .map((port) => `${port + 20_000} ${port}`)
      .sort(),
  )
  assert.equal(there['app']!.environment!['GRAFANA_URL'], 'http://localhost:23000')

  const linkOf = (env: Record<string, string>) =>
    String(configOf(command, { env }).services['load-twitter']!.environment!['TRACES'])
  for (const [port, link] of [
    ['', 'http://localhost:80/traces'],
    ['8080', 'http://localhost:8080/traces'],
    ['127.0.0.1:8080', 'http://127.0.0.1:8080/traces'],
    ['[::1]:8080', 'http://[::1]:8080/traces'],
  ] as const) {
    const TRACES = linkOf({ HTTP_PORT: port })
    // Compose cannot take the address apart, so the load generators do.
    for (const path of ['loadtest/locust/checks.py', 'loadtest/k6/lib.js']) {
      const pattern = /(?:re\.sub\("|replace\(\/)(localhost:.*?)(?:",|\/,)/.exec(file(path))?.[1]
      assert.equal(TRACES.replace(new RegExp(pattern!), ''), link, path)
    }
  }
  const PUBLIC_ORIGIN = 'https://birds.example.org'
  assert.equal(linkOf({ PUBLIC_ORIGIN, HTTP_PORT: '8080' }), `${PUBLIC_ORIGIN}/traces`)
})

test('BIND is refused without GRAFANA_PASSWORD, and makes visitors of Grafana viewers', (t) => {
  const command = composeCommand(t)
  if (!command) return
  const grafana = (env: Record<string, string>) => configOf(command, { env }).services['grafana']!
  const role = 'GF_AUTH_ANONYMOUS_ORG_ROLE'
  const password = 'GF_SECURITY_ADMIN_PASSWORD'
  const here = grafana({}).environment!
  assert.equal(`${here[role]} ${here[password]}`, 'Editor admin')
  assert.equal(grafana({ GRAFANA_PASSWORD: 'long one' }).environment![password], 'long one')

  const refused = config(command, { env: { BIND: '0.0.0.0' } })
  assert.notEqual(refused.code, 0)
  assert.match(refused.printed, /GRAFANA_PASSWORD is missing a value: Set it, because BIND opens/)
  const open = grafana({ BIND: '0.0.0.0', GRAFANA_PASSWORD: 'long one' })
  assert.equal(`${open.environment![role]} ${open.environment![password]}`, 'Viewer long one')
  assert.deepEqual(
    open.ports!.map(({ host_ip: address }) => address),
    ['0.0.0.0'],
  )
  // Grafana has removed it; with it, the role above would not be needed.
  assert.doesNotMatch(file('compose.yaml'), /VIEWERS_CAN_EDIT/)
})

test('with https, only Caddy is published beside this machine, and nginx trusts Caddy alone', (t) => {
  const command = composeCommand(t)
  if (!command) return
  const words = ['-f', 'compose.yaml', '-f', 'deploy/https.compose.yaml']
  const refused = config(command, { words })
  assert.match(refused.printed, /PUBLIC_ORIGIN is missing a value: Set it to the public address/)
  const env = { PUBLIC_ORIGIN: 'https://birds.example.org', TRUSTED_PROXIES: '192.0.2.1' }
  const there = configOf(command, { words, env }).services
  const open = Object.entries(there).flatMap(([name, { ports = [] }]) =>
    ports
      .filter(({ host_ip: address }) => address === undefined)
      .map((port) => [name, port.target]),
  )
  assert.deepEqual(open, [
    ['caddy', 80],
    ['caddy', 443],
    ['caddy', 443],
  ])
  assert.deepEqual(there['nginx']!.ports ?? [], [])
  assert.equal(there['nginx']!.environment!['TRUSTED_PROXIES'], '10.213.57.3')
  assert.equal(there['app']!.environment!['PUBLIC_ORIGIN'], env.PUBLIC_ORIGIN)
})

// Where a stranger's link may lead: each row is tried by itself, behind a redirect and behind a name, and a connector
// records every attempt to connect.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { networkInterfaces } from 'node:os'
import test from 'node:test'

import type { buildConnector } from 'undici'

import { readSettings } from '../config/env.ts'
import { AddressGuard } from './address-guard.ts'
import { fetchHead } from './fetch-page.ts'
import type { Resolve } from './resolve.ts'
import { Unfit } from './unfit.ts'

const rulesOf = (env: Record<string, string>) =>
  readSettings({ DATABASE_URL: 'file:x', ...env }).links
const never = new AbortController().signal
const publicAddress = '93.184.215.14'

/** Hosts of URLs that must never be connected to, and what a parser makes of them. */
const thisMachine = `
  127.0.0.1 127.1 127.0.1 127.255.255.254 2130706433 0x7f000001 0x7f.1 0177.0.0.1 0177.1 017700000001 127.0.0.1.
  0.0.0.0 0 0x0 00 [::1] [::] [0:0:0:0:0:0:0:1] [::ffff:127.0.0.1] [::ffff:7f00:1] [::127.0.0.1] [::ffff:0:127.0.0.1]
  ⑫⑦.⓪.⓪.① １２７.０.０.１ 127。0。0。1 %31%32%37.0.0.1 [64:ff9b::7f00:1] [2002:7f00:1::] [::ffff:0.0.0.0]
`
const elsewhere = `
  10.0.0.1 10.255.255.255 167772161 0xa000001 012.0.0.1 172.16.0.1 172.31.255.255 192.168.0.1 192.168.1 0xc0a80001
  169.254.169.254 2852039166 0xa9fea9fe 0251.0376.0251.0376 169.254.1.1 100.64.0.1 100.127.255.255 100.100.100.200
  192.0.0.192 192.0.0.8 168.63.129.16 192.0.2.1 198.51.100.7 203.0.113.9 198.18.0.1 198.19.255.255 192.88.99.1
  192.31.196.1 192.52.193.1 192.175.48.1 224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 0.1.2.3
  [fe80::1] [febf::1] [fc00::1] [fd00:ec2::254] [fdff::1] [ff02::1] [fec0::1] [100::1] [::ffff:8.8.8.8] [::8.8.8.8]
  [::ffff:169.254.169.254] [64:ff9b::808:808] [64:ff9b:1::1] [64:ff9b::a9fe:a9fe] [2002:808:808::1] [2002:a9fe:a9fe::]
  [2001::1] [2001:0:4136:e378:8000:63bf:3fff:fdd2] [2001:2::1] [2001:10::1] [2001:20::1] [2001:db8::1]
  [2620:4f:8000::1] [3fff::1] [5f00::1] [4000::1] [1fff::1]
`
const hosts = (text: string) => text.trim().split(/\s+/)

/** Names, and what name servers answer. */
const names: Record<string, string[]> = {
  'public.example': [publicAddress],
  localhost: ['127.0.0.1', '::1'],
  'loopback.example': ['127.0.0.1'],
  'loopback6.example': ['::1'],
  'mapped.example': ['::ffff:127.0.0.1'],
  'private.example': ['10.1.2.3'],
  'metadata.google.internal': ['169.254.169.254'],
  'both.example': [publicAddress, '10.1.2.3'],
  'other-order.example': ['10.1.2.3', publicAddress],
  'six.example': [publicAddress, 'fd00::1'],
  'nat64.example': ['64:ff9b::7f00:1'],
  'zero.example': ['0.0.0.0'],
  'nonsense.example': ['127.0.0.1 or so'],
  'none.example': [],
  'db.example': [publicAddress],
  'shared.example': ['93.184.215.99'],
}
const resolve: Resolve = async (name) => names[name] ?? []

/** Records every attempt; only one address is there: it redirects to what `?to=` says. */
async function world(
  env: Record<string, string> = {},
  more: Partial<ConstructorParameters<typeof AddressGuard>[0]> = {},
) {
  const server = createServer((request, response) => {
    const to = new URL(request.url!, 'http://x').searchParams.get('to')
    // A header is ASCII; a browser reads the escapes of a host as what they stand for.
    if (to) response.writeHead(302, { Location: to.replace(/[^ -~]+/g, encodeURI) }).end()
    else response.writeHead(200, { 'Content-Type': 'text/html' }).end('<title>There</title>')
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  const attempts: string[] = []
  const connector: buildConnector.connector = ({ hostname, port: at }, callback) => {
    attempts.push(`${hostname} ${at}`)
    if (hostname !== publicAddress) return callback(new Error('no such server'), null)
    const socket = connect(port, '127.0.0.1', () => callback(null, socket))
  }
  const guard = new AddressGuard({ ...rulesOf(env), resolve, ...more })
  return {
    attempts,
    /** Why it was not read; its title if it was. */
    async read(url: string): Promise<string> {
      attempts.length = 0
      try {
        return (await fetchHead(new URL(url), { guard, stop: never, connect: connector })).title
      } catch (error) {
        if (error instanceof Unfit) return error.reason
        throw error
      }
    },
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}

const through = (url: string) => `http://public.example/?to=${encodeURIComponent(url)}`
const hop = `${publicAddress} 80`

test('no forbidden host is connected to: by itself, with another scheme, and behind a redirect', async () => {
  await using here = await world()
  const all = [...hosts(thisMachine), ...hosts(elsewhere)]
  assert.ok(all.length >= 60, String(all.length))
  for (const host of all) {
    for (const url of [`http://${host}/`, `https://${host}/`, `http://${host}:443/`]) {
      assert.equal(await here.read(url), 'refused_address', url)
      assert.deepEqual(here.attempts, [], url)
      assert.equal(await here.read(through(url)), 'refused_address', url)
      assert.deepEqual(here.attempts, [hop], url)
    }
  }
})

test('all addresses of a name are checked; one that is forbidden refuses them all', async () => {
  await using here = await world()
  assert.equal(await here.read('http://public.example/'), 'There')
  assert.deepEqual(here.attempts, [hop])
  for (const [name, addresses] of Object.entries(names)) {
    if (addresses.length > 0 && addresses.every((one) => one.startsWith('93.'))) continue
    for (const host of [name, name.toUpperCase(), `${name}.`]) {
      const told = await here.read(`http://${host}/`)
      assert.equal(told, name === 'none.example' ? 'no_address' : 'refused_address', host)
      assert.deepEqual(here.attempts, [], host)
      await here.read(through(`//${host}/`))
      assert.deepEqual(here.attempts, [hop], host)
    }
  }
})

test('only http(s) at 80 and 443, and no user name', async () => {
  await using here = await world()
  for (const [url, reason] of [
    ['http://public.example:8080/', 'refused_port'],
    ['http://public.example:22/', 'refused_port'],
    ['https://public.example:8443/', 'refused_port'],
    ['http://127.0.0.1:6379/', 'refused_port'],
    ['http://user@public.example/', 'refused_url'],
    ['http://user:secret@public.example/', 'refused_url'],
    ['http://public.example@127.0.0.1/', 'refused_url'],
    ['http://127.0.0.1#@public.example/', 'refused_address'],
    ['ftp://public.example/', 'refused_url'],
    ['file:///etc/passwd', 'refused_url'],
    ['gopher://public.example/', 'refused_url'],
    ['data:text/html,<title>x</title>', 'refused_url'],
    ['javascript:alert(1)', 'refused_url'],
    ['ws://public.example/', 'refused_url'],
    ['blob:http://public.example/x', 'refused_url'],
  ] as const) {
    assert.equal(await here.read(url), reason, url)
    assert.deepEqual(here.attempts, [], url)
    assert.equal(await here.read(through(url)), reason, url)
    assert.deepEqual(here.attempts, [hop], url)
  }
})

test('a name whose answers change: the address that was checked is connected to, and every hop is checked again', async () => {
  let asked = 0
  const changing: Resolve = async () => (asked++ === 0 ? [publicAddress] : ['127.0.0.1'])
  await using here = await world({}, { resolve: changing })
  assert.equal(await here.read('http://changing.example/'), 'There')
  assert.deepEqual([here.attempts, asked], [[hop], 1], 'not asked again to connect')
  asked = 0
  const again = 'http://changing.example/?to=http%3A%2F%2Fchanging.example%2Fsecret'
  assert.equal(await here.read(again), 'refused_address')
  assert.deepEqual([here.attempts, asked], [[hop], 2])
})

test('the addresses of this machine, also those that are public', async () => {
  await using here = await world()
  const own = Object.values(networkInterfaces()).flatMap((all) => all ?? [])
  assert.ok(own.length > 0)
  for (const { address, family } of own) {
    if (address.startsWith('fe80')) continue
    assert.equal(
      await here.read(`http://${family === 'IPv6' ? `[${address}]` : address}/`),
      'refused_address',
    )
    assert.deepEqual(here.attempts, [])
  }
  const ownAddresses = () => [publicAddress, '2606:4700:0:0::7']
  await using onTheNet = await world({}, { ownAddresses })
  for (const host of ['public.example', publicAddress, '[2606:4700::7]']) {
    assert.equal(await onTheNet.read(`http://${host}/`), 'refused_address')
    assert.deepEqual(onTheNet.attempts, [])
  }
  assert.equal(await onTheNet.read('http://[2606:4700::8]/'), 'unreachable')
})

test('the servers of the database and of telemetry, by name and by address; and this site itself', async () => {
  for (const env of [
    { DATABASE_URL: 'libsql://db.example' },
    { DATABASE_URL: 'https://db.example:8080' },
    { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://DB.example:4318' },
    { OTEL_EXPORTER_OTLP_LOGS_ENDPOINT: 'https://db.example/v1/logs' },
    { DATABASE_URL: 'http://93.184.215.14:8080' },
  ]) {
    await using here = await world(env)
    const told = await here.read('http://db.example/')
    assert.equal(told, 'refused_service', JSON.stringify(env))
    assert.deepEqual(here.attempts, [])
  }
  await using byAddress = await world({ DATABASE_URL: `http://${publicAddress}:8080` })
  assert.equal(await byAddress.read('http://public.example/'), 'refused_service', 'another name')
  await using allowed = await world({
    DATABASE_URL: `http://${publicAddress}:8080`,
    LINK_PREVIEWS_ALLOW: `${publicAddress}/32:80 ${publicAddress}/32:8080`,
  })
  assert.equal(await allowed.read('http://public.example/'), 'There', 'another port, allowed')
  assert.equal(await allowed.read('http://public.example:8080/'), 'refused_service', 'its own')
  await using site = await world({ PUBLIC_ORIGIN: 'https://public.example' })
  assert.equal(await site.read('https://public.example/tweet/1'), 'refused_url')
  assert.deepEqual(site.attempts, [])
})

test('LINK_PREVIEWS_ALLOW: a range at 80 and 443, or at one port; nothing beside it', async () => {
  await using here = await world({
    LINK_PREVIEWS_ALLOW: '10.1.0.0/16, 10.9.9.9/32:8080 fd00:1::/32',
  })
  for (const [url, reason] of [
    ['http://10.1.2.3/', 'unreachable'],
    ['https://10.1.255.255/', 'unreachable'],
    ['http://private.example/', 'unreachable'],
    ['http://[fd00:1::7]/', 'unreachable'],
    ['http://10.9.9.9:8080/', 'unreachable'],
    ['http://10.2.0.1/', 'refused_address'],
    ['http://10.1.2.3:8080/', 'refused_port'],
    ['http://10.9.9.9/', 'refused_address'],
    ['http://[fd00:2::7]/', 'refused_address'],
    ['http://public.example:8080/', 'refused_port'],
    ['http://[::ffff:10.1.2.3]/', 'refused_address'],
    ['http://[64:ff9b::a01:203]/', 'refused_address'],
  ] as const) {
    assert.equal(await here.read(url), reason, url)
    assert.equal(here.attempts.length, reason === 'unreachable' ? 1 : 0, url)
  }
})

test('LINK_PREVIEWS_ALLOW: a whole family, or what is no range, ends the start with a sentence', () => {
  for (const bad of [
    '0.0.0.0/0',
    '::/0',
    '0.0.0.0/1,128.0.0.0/1',
    '8000::/1',
    '10.0.0.0/7',
    '10.0.0.0/33',
    'fd00::/129',
    '10.0.0.1',
    '10.0.0.0/',
    '10.0.0.0/8:0',
    '10.0.0.0/8:65536',
    '10.0.0.0/8:',
    'wiki.example/32',
    '0.0.0.0/0:80',
    '*',
  ])
    assert.throws(
      () => rulesOf({ LINK_PREVIEWS_ALLOW: bad }),
      /LINK_PREVIEWS_ALLOW is "[^"]+", but it accepts ranges such as .* never a whole family\.$/,
      bad,
    )
  for (const good of ['10.0.0.0/8', 'fc00::/7', '127.0.0.1/32:5001', '::1/128:80', ''])
    rulesOf({ LINK_PREVIEWS_ALLOW: good })
  assert.throws(
    () => readSettings({ LINK_PREVIEWS: 'yes' }),
    /LINK_PREVIEWS is "yes", but it accepts/,
  )
})

test('a real listener on all addresses of this machine sees no connection', async () => {
  const server = createServer((_, response) => response.end('secret'))
  let connections = 0
  server.on('connection', () => (connections += 1))
  await new Promise<void>((done) => server.listen(0, '::', done))
  const { port } = server.address() as AddressInfo
  // The port itself is allowed, so that only the address can be the reason.
  const env = { LINK_PREVIEWS_ALLOW: `203.0.113.1/32:${port}` }
  const guard = new AddressGuard({ ...rulesOf(env), resolve })
  const local = Object.keys(names).filter((name) =>
    /localhost|loopback|mapped|zero|nat64/.test(name),
  )
  for (const host of [...hosts(thisMachine), ...local]) {
    const read = fetchHead(new URL(`http://${host}:${port}/`), { guard, stop: never })
    // Without a word from the operator about this very address, the port alone refuses it.
    await assert.rejects(read, /^Unfit: refused_(address|port)$/, host)
  }
  assert.equal(connections, 0)
  const open = new AddressGuard({
    ...rulesOf({ LINK_PREVIEWS_ALLOW: `127.0.0.1/32:${port}` }),
    resolve,
  })
  const read = fetchHead(new URL(`http://2130706433:${port}/`), { guard: open, stop: never })
  await assert.rejects(read, /^Unfit: not_html$/)
  assert.equal(connections, 1, 'the listener can be reached')
  server.closeAllConnections()
  server.close()
})

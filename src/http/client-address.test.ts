// The client's address from X-Forwarded-For, as load balancers and attackers write it.
import assert from 'node:assert/strict'
import test from 'node:test'

import { SpanKind } from '@opentelemetry/api'
import fc from 'fast-check'

import { startApp } from '../../test/harness.ts'
import { parseHop } from './client-address.ts'

const proxies = 'loopback 192.0.2.0/24 2001:db8:aaaa::/48'

/** An app behind proxies. `seen` gives the client and the scheme that the span of a request records. */
async function appBehind(TRUSTED_PROXIES = proxies) {
  const app = await startApp({ TRUSTED_PROXIES })
  return {
    seen: async (headers: Record<string, string>) => {
      const { spans } = await app.visitor().get('/livez', { headers })
      const { attributes } = spans.find(({ kind }) => kind === SpanKind.SERVER)!
      return { client: attributes['client.address'], scheme: attributes['url.scheme'] }
    },
    [Symbol.asyncDispose]: () => app[Symbol.asyncDispose](),
  }
}

const entries: [entry: string, address: string | undefined][] = [
  ['203.0.113.7', '203.0.113.7'],
  ['203.0.113.7:51234', '203.0.113.7'],
  [' \t203.0.113.7:0 ', '203.0.113.7'],
  ['"203.0.113.7:51234"', '203.0.113.7'],
  ['2001:db8::1', '2001:db8::1'],
  ['2001:DB8:0:0::0:1', '2001:db8::1'],
  ['[2001:db8::1]', '2001:db8::1'],
  ['[2001:db8::1]:443', '2001:db8::1'],
  ['"[2001:db8::1]:443"', '2001:db8::1'],
  ['fe80::1%eth0', 'fe80::1'],
  ['[fe80::1%eth0]:443', 'fe80::1'],
  ['::ffff:203.0.113.7', '203.0.113.7'],
  ['::ffff:cb00:7107', '203.0.113.7'],
  ['0:0:0:0:0:FFFF:203.0.113.7', '203.0.113.7'],
  ['[::ffff:cb00:7107]:443', '203.0.113.7'],
  ...(
    [
      '',
      ' ',
      'unknown',
      '_x',
      '_hidden:443',
      'unix:',
      'localhost',
      '203.0.113',
      '203.0.113.07',
      '203.0.113.256',
      '203.0.113.7:',
      '203.0.113.7:123456',
      '203.0.113.7:http',
      '203.0.113.7:80:80',
      '203.0.113.7 203.0.113.8',
      '[203.0.113.7]',
      '[203.0.113.7]:443',
      '[2001:db8::1',
      '2001:db8::1]',
      '[2001:db8::1]443',
      '[2001:db8::1]:',
      '[]',
      '"203.0.113.7',
      'for=203.0.113.7',
      'http://203.0.113.7/',
      '203.0.113.7/24',
      '2001:db8::1::2',
      '1:2:3:4:5:6:7:8:443',
    ] as const
  ).map((entry): [string, undefined] => [entry, undefined]),
]

test('an entry of X-Forwarded-For is an address with or without a port, else it is ignored', () => {
  for (const [entry, address] of entries)
    assert.equal(parseHop(entry), address, JSON.stringify(entry))
})

test('for any address, a port and brackets make no difference', () => {
  const port = fc.integer({ min: 0, max: 65_535 })
  fc.assert(
    fc.property(fc.ipV4(), port, (address, number) => {
      assert.equal(parseHop(address), address)
      assert.equal(parseHop(`${address}:${number}`), address)
      assert.equal(parseHop(`::ffff:${address}`), address)
      assert.equal(parseHop(`[::ffff:${address}]:${number}`), address)
    }),
  )
  fc.assert(
    fc.property(fc.ipV6(), port, (address, number) => {
      const spelled = parseHop(address)
      assert.ok(spelled !== undefined)
      assert.equal(parseHop(spelled), spelled)
      assert.equal(parseHop(`[${address.toUpperCase()}]`), spelled)
      assert.equal(parseHop(`[${address}]:${number}`), spelled)
    }),
  )
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => void parseHop(text)))
})

test('the client is the last untrusted address in X-Forwarded-For, with or without a port', async () => {
  await using app = await appBehind()
  const headers: [forwardedFor: string, client: string][] = [
    ['203.0.113.7', '203.0.113.7'],
    ['203.0.113.7:51234', '203.0.113.7'],
    ['[2001:db8::1]:443', '2001:db8::1'],
    ['6.6.6.6, 203.0.113.7:51234', '203.0.113.7'],
    ['6.6.6.6, [2001:db8::1]:443', '2001:db8::1'],
    ['6.6.6.6, 203.0.113.7:51234, 192.0.2.9:8080', '203.0.113.7'],
    ['6.6.6.6,203.0.113.7,[2001:db8:aaaa::1]:80,::ffff:192.0.2.9,::ffff:c000:20a', '203.0.113.7'],
    ['192.0.2.1, 192.0.2.2', '192.0.2.1'],
  ]
  for (const [forwardedFor, client] of headers)
    assert.equal((await app.seen({ 'X-Forwarded-For': forwardedFor })).client, client, forwardedFor)
})

test('when an entry is not an address, the client is the proxy that wrote it', async () => {
  await using app = await appBehind()
  for (const [entry] of entries.filter(([, address]) => address === undefined)) {
    const seen = async (forwardedFor: string) =>
      (await app.seen({ 'X-Forwarded-For': forwardedFor })).client
    assert.equal(await seen(`6.6.6.6, ${entry}`), '127.0.0.1', entry)
    assert.equal(await seen(`6.6.6.6, ${entry}, 192.0.2.9`), '192.0.2.9', entry)
    assert.equal(await seen(`6.6.6.6, ${entry}, 192.0.2.8:1, 192.0.2.9:2`), '192.0.2.8', entry)
    assert.equal(await seen(`6.6.6.6, ${entry}, 203.0.113.7:1`), '203.0.113.7', entry)
  }
  const long = Array.from({ length: 1000 }, () => '6.6.6.6').join(', ')
  assert.equal(
    (await app.seen({ 'X-Forwarded-For': `${long}, ${'x'.repeat(8000)}` })).client,
    '127.0.0.1',
  )
  assert.equal(
    (await app.seen({ 'X-Forwarded-For': `${long}, 203.0.113.7:1` })).client,
    '203.0.113.7',
  )
})

test('no forged text before the real address changes it', async () => {
  await using app = await appBehind()
  const header = fc.string({ unit: fc.constantFrom(...'0123456789abcdef.:,[]" %_-x') })
  await fc.assert(
    fc.asyncProperty(header, async (forged) => {
      const headers = { 'X-Forwarded-For': `${forged}, 203.0.113.7:51234, 192.0.2.9:443` }
      assert.equal((await app.seen(headers)).client, '203.0.113.7')
    }),
    { numRuns: 200 },
  )
})

test('X-Forwarded-For and X-Forwarded-Proto of an untrusted peer are ignored', async () => {
  const said = { 'X-Forwarded-For': '203.0.113.7', 'X-Forwarded-Proto': 'https' }
  await using strict = await appBehind('10.9.8.7')
  assert.deepEqual(await strict.seen(said), { client: '127.0.0.1', scheme: 'http' })
  await using app = await appBehind()
  assert.deepEqual(await app.seen(said), { client: '203.0.113.7', scheme: 'https' })
  for (const [proto, scheme] of [
    ['HTTPS', 'https'],
    ['https, https', 'https'],
    ['http,https', 'https'],
    ['https, http', 'http'],
    ['https,', 'http'],
    ['xhttps', 'http'],
    ['', 'http'],
  ])
    assert.equal((await app.seen({ 'X-Forwarded-Proto': proto! })).scheme, scheme, proto)
})

test('a limit on an address applies with any port, and to IPv4 addresses written as IPv6', async () => {
  await using app = await startApp({ LIMIT_LOGIN_CLIENT: '2/60' })
  const guess = async (forwardedFor: string) => {
    const headers = { 'X-Forwarded-For': forwardedFor }
    const form = { mailaddress: 'a@b', password: 'wrong one' }
    return (await app.visitor().post('/login', form, { headers })).status
  }
  const people = [
    ['198.51.100.1:1', '6.6.6.6, 198.51.100.1:2', '7.7.7.7, ::ffff:198.51.100.1'],
    ['198.51.100.2:1', '6.6.6.6, [::ffff:c633:6402]:2', '7.7.7.7:1, 198.51.100.2:3'],
    ['::ffff:c633:6403', '6.6.6.6, ::ffff:c633:6403', '7.7.7.7:1, ::ffff:c633:6403'],
    ['64:ff9b::c633:6404', '64:ff9b::198.51.100.4', '[64:ff9b::c633:6404]:2'],
    ['64:ff9b::c633:6405', '64:ff9b::198.51.100.5', '[64:ff9b:0:0:0:0:c633:6405]:2'],
    ['[2001:db8::1]:1', '6.6.6.6, [2001:db8::2]:2', '2001:db8::3'],
  ]
  for (const person of people) {
    const statuses: number[] = []
    for (const forwardedFor of person) statuses.push(await guess(forwardedFor))
    assert.deepEqual(statuses, [422, 422, 429], person.join(' | '))
  }
})

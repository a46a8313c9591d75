// TRUSTED_PROXIES of the container: what its entry point writes, and what it refuses.
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import test from 'node:test'
import { fileURLToPath } from 'node:url'

import { trustedProxies } from '../src/config/trusted-proxies.ts'
import { prepareNginx, trust } from './nginx.ts'
import { scratch } from './process.ts'
import { has, run } from './programs.ts'

const file = (path: string) =>
  readFileSync(fileURLToPath(new URL(`../${path}`, import.meta.url)), 'utf8')

test('TRUSTED_PROXIES of the container accepts addresses and ranges; anything else stops the start with a sentence', () => {
  using place = scratch()
  const { folder } = place
  // A container in 10.213.57.0/24: its gateway in the format of /proc/net, for IPv4 and IPv6.
  const ipv4 = 'eth0\t00000000\t0139D50A\t0003\t0\t0\t0\t00000000\t0\t0\t0'
  const ipv6 = `${'0'.repeat(32)} 00 ${'0'.repeat(32)} 00 fd00000000000000000000000000beef 00000400 00000001 00000000 00000003 eth0`
  mkdirSync(`${folder}/net`)
  writeFileSync(`${folder}/net/route`, `Iface\tDestination\tGateway\n${ipv4}\n`)
  writeFileSync(`${folder}/net/ipv6_route`, `${ipv6}\n`)
  let names = 0
  const started = (TRUSTED_PROXIES: string) => {
    const own = `${folder}/${(names += 1)}`
    mkdirSync(own)
    const { code, printed } = trust(own, { TRUSTED_PROXIES, ROUTES_FOLDER: `${folder}/net` })
    assert.match(printed, /^(TRUSTED_PROXIES has [ -~]+\.\n)*$/, 'sentences')
    if (code === 0) return printed + readFileSync(`${own}/trust.conf`, 'utf8')
    assert.throws(() => readFileSync(`${own}/trust.conf`), /ENOENT/, 'nginx would not start')
    return printed
  }
  const settled = (text: string) =>
    text
      .split('\n')
      .filter((line) => line && !/^\s*#/.test(line))
      .join('\n')
  assert.equal(settled(started('')), settled(file('nginx/trust.conf')), 'nobody unless named')
  assert.equal(started(' \n, '), started(''))

  const two = started('192.0.2.10,2001:DB8::/32\n192.0.2.10')
  assert.deepEqual(two.match(/set_real_ip_from .*/g), [
    'set_real_ip_from 192.0.2.10;',
    'set_real_ip_from 2001:db8::/32;',
  ])
  assert.match(two, /\{\n {4}default 0;\n {4}192\.0\.2\.10 1;\n {4}2001:db8::\/32 1;\n\}/)
  for (const allowed of [
    '10.213.57.1',
    '10.213.57.1/32',
    '10.213.58.0/24',
    '172.16.0.0/12',
    'fd00::beef',
    'fd01::/16',
    '1:2:3:4:5:6:7:8/128',
    '::1',
  ])
    assert.match(started(allowed), new RegExp(`set_real_ip_from ${allowed};`), allowed)

  // The gateway is never trusted: the range is written without that address.
  const rangesOf = (text: string) =>
    [...text.matchAll(/set_real_ip_from (.*);/g)].map(([, one]) => one!)
  assert.deepEqual(rangesOf(started('10.213.57.0/30')), ['10.213.57.2/31', '10.213.57.0/32'])
  for (const [range, gateway, inside] of [
    ['10.0.0.0/8', '10.213.57.1', ['10.0.0.0', '10.213.57.0', '10.213.57.2', '10.255.255.255']],
    ['10.213.57.0/24', '10.213.57.1', ['10.213.57.0', '10.213.57.2', '10.213.57.255']],
    [
      'fd00::/64',
      'fd00::beef',
      ['fd00::', 'fd00::beee', 'fd00::bef0', 'fd00::ffff:ffff:ffff:ffff'],
    ],
  ] as const) {
    const text = started(range)
    assert.match(
      text,
      /^TRUSTED_PROXIES has \S+, but not its address \S+, which is left out: Docker/,
    )
    const trusts = trustedProxies(rangesOf(text))
    assert.equal(trusts(gateway), false, range)
    for (const address of inside) assert.equal(trusts(address), true, `${address} in ${range}`)
    const ends = range === 'fd00::/64' ? ['fcff::', 'fd00:0:0:1::'] : ['9.255.255.255', '11.0.0.0']
    for (const address of ends) assert.equal(trusts(address), false, `${address} in ${range}`)
  }
  assert.deepEqual(rangesOf(started('10.213.57.0/24 10.213.57.1')), [
    '10.213.57.0/24',
    '10.213.57.1',
  ])

  assert.match(started('192.0.2.10 private'), /"private", which would trust everybody: Docker/)
  for (const wide of ['0.0.0.0/0', '::/0', '128.0.0.0/1', '10.0.0.0/7', '2000::/3'])
    assert.match(started(wide), /trust almost everybody/, wide)
  for (const mapped of ['::ffff:c000:20a', '::ffff:0:0/96'])
    assert.match(started(mapped), /write it as IPv4/, mapped)
  for (const bad of [
    'loopback',
    'PRIVATE-ish',
    'nginx',
    'proxy.example',
    'unix:',
    '*',
    '192.0.2.10;',
    '192.0.2.10;}include',
    '192.0.2.10/24;evil',
    '$remote_addr',
    '"192.0.2.10"',
    '192.0.2.10#',
    '192.0.2',
    '192.0.2.256',
    '192.0.2.010',
    '192.0.2.10/33',
    '192.0.2.10/',
    '192.0.2.10/+8',
    '192.0.2.10/24/24',
    '/24',
    '192.0.2.10:443',
    '[2001:db8::1]',
    '2001:db8::1/129',
    '2001:db8::1::',
    ':::',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4:5:6:7:8::',
    '12345::',
    'fe80::1%eth0',
    '\u001b[31m',
    'ä',
    'x'.repeat(5000),
  ])
    assert.match(started(bad), /is named by its address or range/, bad)
})

test('the container starts with the script, its file on a tmpfs, and the right TRUSTED_PROXIES for the app', (t) => {
  const dockerfile = file('Dockerfile')
  assert.match(dockerfile, /COPY nginx\/container\/trust\.sh \/docker-entrypoint\.d\/40-trust\.sh/)
  assert.match(file('nginx/container/trust.conf'), /^include \/run\/trust\.conf;$/m)
  assert.match(file('nginx/container/tracing.conf'), /^include \/run\/trace-context\.conf;$/m)
  const compose = file('compose.yaml')
  assert.match(compose, /- \/run:uid=101,gid=101/)
  assert.match(compose, /^ {6}TRUSTED_PROXIES: \$\{TRUSTED_PROXIES:-\}$/m, 'nginx')
  const own = /^ {6}TRUSTED_PROXIES: \$\{APP_TRUSTED_PROXIES:-(.*)\}$/m.exec(compose)?.[1]
  assert.equal(own, /ipv4_address: (.*)/.exec(compose)?.[1], 'the app: nginx alone')

  if (!has(t, 'nginx')) return
  using place = scratch()
  const { folder } = place
  const args = prepareNginx({ folder, port: 1, statusPort: 2, upstream: '127.0.0.1:5000' })
  writeFileSync(`${folder}/conf/trust.conf`, `include ${folder}/run/trust.conf;`)
  assert.notEqual(run('nginx', [...args, '-t']).code, 0, 'without its file nginx does not start')
  const entries = '192.0.2.10 192.0.2.0/24 192.0.2.10/32 2001:db8::/32 ::1'
  assert.equal(trust(`${folder}/run`, { TRUSTED_PROXIES: entries }).code, 0)
  const checked = run('nginx', [...args, '-t'])
  assert.equal(checked.code, 0, checked.printed)
})

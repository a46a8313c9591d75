// `npm run stack:images`: newer tags and digests from a registry, or a sentence when none can be reached.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import test from 'node:test'
import { fileURLToPath } from 'node:url'

import { freePort } from '../bin/free-port.ts'
import { basesOf } from '../bin/stack/images.ts'
import { newestLike, parseImage } from '../bin/stack/registry.ts'

const root = fileURLToPath(new URL('../', import.meta.url))

const listImages = (registry: string) =>
  new Promise<{ code: number | null; printed: string }>((resolve) => {
    const words = ['--import', 'tsx', 'bin/stack-images.ts', '--registry', registry]
    const child = spawn(process.execPath, words, { cwd: root })
    let printed = ''
    child.stdout.on('data', (piece: Buffer) => (printed += piece))
    child.stderr.on('data', (piece: Buffer) => (printed += piece))
    child.once('close', (code) => resolve({ code, printed }))
  })

test('the newest tag of a kind has the same words and higher numbers', () => {
  const tags = [
    '1.9.0-alpine',
    '1.10.0-alpine',
    '1.10.1',
    '2.0.0-alpine-slim',
    '1.10-alpine',
    'latest',
  ]
  assert.equal(newestLike('1.9.0-alpine', tags), '1.10.0-alpine')
  assert.equal(newestLike('3.0.0-alpine', tags), '3.0.0-alpine')
  assert.equal(newestLike('1.2.3', []), '1.2.3')
  assert.equal(parseImage('node:26.1.0').repository, 'library/node')
  assert.equal(parseImage('grafana/k6:2.2.0').repository, 'grafana/k6')
  assert.equal(parseImage('ghcr.io/a/b/c:1.0.0').host, 'https://ghcr.io')
})

test('a stage needs the images that it starts and copies from', () => {
  const bases = basesOf(
    'FROM node:1 AS build\nFROM nginx:2 AS web\nCOPY --from=build a b\nFROM web AS dev\n',
  )
  assert.deepEqual(bases.get('web'), ['nginx:2', 'node:1'])
  assert.deepEqual(bases.get('dev'), ['nginx:2', 'node:1'])
})

test('old tags and digests come from a registry that wants a token and sends pages', async () => {
  let token = 0
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? '', 'http://registry')
    if (url.pathname === '/token') {
      token++
      assert.match(url.searchParams.get('scope') ?? '', /^repository:.*:pull$/)
      return response.end(JSON.stringify({ token: 'abc' }))
    }
    const [, name = '', last = ''] =
      /^\/v2\/(.+)\/(?:tags|manifests)\/(.+)$/.exec(url.pathname) ?? []
    if (request.headers.authorization !== 'Bearer abc') {
      const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/token`
      const scope = `realm="${address}",service="here",scope="repository:${name}:pull"`
      return response.writeHead(401, { 'WWW-Authenticate': `Bearer ${scope}` }).end()
    }
    if (name === 'library/python') return response.writeHead(404).end()
    if (last !== 'list')
      return response.writeHead(200, { 'Docker-Content-Digest': `sha256:of-${name}-${last}` }).end()
    if (url.searchParams.get('last') === null)
      response.setHeader('Link', `</v2/${name}/tags/list?last=x>; rel="next"`)
    const tags = url.searchParams.get('last') === null ? ['latest'] : ['99.0.1', '1.0.0']
    return response.end(JSON.stringify({ tags }))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  const { code, printed } = await listImages(`http://127.0.0.1:${port}/`)
  server.close()
  assert.match(
    printed,
    /grafana\/mimir:[\d.]+ +\| old, the newest is 99\.0\.1 +\| sha256:of-grafana\/mimir-/,
  )
  assert.match(printed, /busybox:\S+musl +\| the newest of its kind/)
  assert.match(printed, /python:\S+ +\| unknown: the registry answered 404/)
  assert.match(printed, /Nothing is known about 1 of \d+ images\./)
  assert.doesNotMatch(printed, /tracewren/)
  assert.ok(token > 0)
  assert.equal(code, 1)
})

test('without a registry it says so, in one sentence', async () => {
  const { code, printed } = await listImages(`http://127.0.0.1:${await freePort()}`)
  assert.match(printed, /unknown: ECONNREFUSED/)
  assert.match(printed, /^No registry can be reached from this machine, so nothing is known/m)
  assert.equal(code, 1)
})

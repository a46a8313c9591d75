// TLS to a checked address: the certificate must be for the name, and the server is told that name.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import test from 'node:test'
import type { TLSSocket } from 'node:tls'

import { buildConnector } from 'undici'

import { scratch } from '../../test/process.ts'
import { linkRules } from '../config/link-rules.ts'
import { AddressGuard } from './address-guard.ts'
import { fetchHead } from './fetch-page.ts'

test('TLS checks the name of the link, also after a redirect', async (t) => {
  using place = scratch()
  const [key, cert] = [`${place.folder}/key.pem`, `${place.folder}/cert.pem`]
  const words = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=x'
  const made = spawnSync('openssl', [
    ...words.split(' '),
    '-addext',
    'subjectAltName=DNS:good.example,IP:127.0.0.1',
    '-keyout',
    key,
    '-out',
    cert,
  ])
  if (made.status !== 0) return t.skip('openssl is not on PATH')
  const ca = readFileSync(cert)
  const names: (string | false | null)[] = []
  const server = createServer({ key: readFileSync(key), cert: ca }, (request, response) => {
    names.push((request.socket as TLSSocket).servername)
    if (request.url === '/moved')
      response.writeHead(302, { Location: `https://other.example:${port}/` }).end()
    else response.writeHead(200, { 'Content-Type': 'text/html' }).end('<title>Good</title>')
  })
  server.on('tlsClientError', () => {})
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  const rules = linkRules(
    { LINK_PREVIEWS_ALLOW: [`127.0.0.1/32:${port}`], DATABASE_URL: 'file:x' },
    {},
  )
  const guard = new AddressGuard({ ...rules, resolve: async () => ['127.0.0.1'] })
  const stop = new AbortController().signal
  const read = (url: string, connect?: buildConnector.connector) =>
    fetchHead(new URL(url), { guard, stop, ...(connect && { connect }) })
  const trusting = buildConnector({ ca, timeout: 1000 })
  const good = `https://good.example:${port}`
  assert.equal((await read(`${good}/`, trusting)).title, 'Good')
  assert.equal((await read(`https://good.example.:${port}/`, trusting)).title, 'Good')
  assert.equal((await read(`https://127.0.0.1:${port}/`, trusting)).title, 'Good')
  assert.deepEqual(names, ['good.example', 'good.example', false])
  await assert.rejects(read(`https://other.example:${port}/`, trusting), /^Unfit: unreachable$/)
  await assert.rejects(read(`${good}/moved`, trusting), /^Unfit: unreachable$/)
  await assert.rejects(read(`${good}/`), /^Unfit: unreachable$/, 'nobody vouches for it')
  server.closeAllConnections()
  server.close()
})

// What the terminal says once the app listens.
import assert from 'node:assert/strict'
import test from 'node:test'

import { banner, linkOrigin, ownAddresses } from '../src/config/own-address.ts'
import { scratch, startServer } from './process.ts'

test('where it listens on all interfaces, an address that others on the network can type', async () => {
  using place = scratch()
  const env = { DATABASE_URL: `file:${place.folder}/town.db`, HOST: '0.0.0.0' }
  await using server = await startServer(env)
  const port = new URL(server.url).port
  const lines = server.printed().split('\n')
  const at = (word: string) => lines.find((line) => line.startsWith(`  ${word} `))?.slice(13)
  assert.equal(at('Tracewren'), `http://localhost:${port}/`)
  assert.equal(at('Traces'), `http://localhost:${port}/traces`)
  const [, elsewhere] = ownAddresses({ HOST: '0.0.0.0' }, Number(port))
  assert.equal(at('Network'), elsewhere && `${elsewhere}/`)
  if (elsewhere) assert.equal((await fetch(`${elsewhere}/livez`)).status, 200)
})

test('else what was set, and /traces only where they are', () => {
  const place = {
    HOST: '127.0.0.1',
    demo: false,
    inspect: false,
    faults: false,
    DATABASE_URL: 'file:a.db',
  }
  assert.equal(
    banner(place, 5000, 'x'),
    '\n  Tracewren  http://127.0.0.1:5000/\n  Data       file:a.db\n\n',
  )
  assert.match(banner({ ...place, faults: true }, 5000, 'x'), /\n {2}Faults {5}http:\S+\/faults\n/)
  assert.deepEqual(ownAddresses({ HOST: '::1' }, 1), ['http://[::1]:1'])
  const PUBLIC_ORIGIN = 'https://birds.example.org'
  assert.deepEqual(ownAddresses({ HOST: '0.0.0.0', PUBLIC_ORIGIN }, 1), [PUBLIC_ORIGIN])
  assert.deepEqual(linkOrigin({ HOST: '::', PUBLIC_ORIGIN }, 1), {
    text: PUBLIC_ORIGIN,
    isGuess: false,
  })
  assert.equal(linkOrigin({ HOST: '127.0.0.1' }, 1).isGuess, true)
})

test('DEMO=0 on a file with the demo world says once what it shows', async () => {
  using place = scratch()
  const env = { DATABASE_URL: `file:${place.folder}/town.db` }
  const warning = /"the demo world is in this database","people":100,"posts":2\d\d\d,"hint"/g
  const printedBy = async (more: Record<string, string>) => {
    await using server = await startServer({ ...env, ...more })
    await server.stop()
    return server.printed()
  }
  assert.doesNotMatch(await printedBy({}), warning)
  assert.equal([...(await printedBy({ DEMO: '0' })).matchAll(warning)].length, 1)
  const fresh = { DEMO: '0', DATABASE_URL: `file:${place.folder}/fresh.db` }
  assert.doesNotMatch(await printedBy(fresh), /demo world/)
})

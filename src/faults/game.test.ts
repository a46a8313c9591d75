// A fault of a game day: what it breaks can be seen, and nothing names it.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { until } from '../../test/fault-rig.ts'
import { finished, startApp, type Someone, type TestApp } from '../../test/harness.ts'
import { createApp } from '../app.tsx'
import { FaultLab } from './lab.ts'

let app: TestApp
let mara: Someone
let lab: FaultLab

before(async () => {
  app = await startApp()
  const { database, settings, passwords, previews, state } = app
  lab = new FaultLab({ settings, database, passwords })
  const broken = createApp({ database, settings, passwords, previews, state, lab })
  app.fetch = async (request, bindings) => broken.fetch(request, bindings)
  mara = await app.person('Mara')
  assert.equal((await mara.post('/faults/errors', { route: '/' })).status, 200)
  lab.beginGame()
})
after(async () => {
  lab.endAll('shutdown')
  await app[Symbol.asyncDispose]()
})

const inSecret = (seconds: string) =>
  lab.start(
    'errors',
    { strength: '100', route: 'GET /timeline', share: '1', seed: '1', seconds },
    { secret: true },
  )
const statusOf = async (path: string) => (await mara.get(path)).status

test('the beginning of a game ends what was broken before', async () => {
  assert.equal(lab.active.length, 0)
  assert.equal(await statusOf('/everybody'), 200)
})

test('a secret fault strikes, and no page, list, span or stack names it', async () => {
  inSecret('60')
  const struck = await mara.get('/timeline', { as: 'browser' })
  assert.equal(struck.status, 500)
  const list = JSON.parse((await mara.get('/faults')).text) as {
    game: boolean
    faults: { active: unknown }[]
    warnings: string[]
  }
  assert.equal(list.game, true)
  assert.deepEqual([list.warnings, list.faults.filter(({ active }) => active !== null)], [[], []])
  const page = (await mara.get('/faults', { as: 'browser' })).text
  assert.match(page, /A game day is on: something may be broken/)
  assert.doesNotMatch(page, /Nothing is broken|class="status bad"|action="\/faults/)
  for (const path of ['/', '/everybody'])
    assert.doesNotMatch((await mara.get(path, { as: 'browser' })).text, /class="broken"|on purpose/)
  const spans = JSON.stringify(
    struck.spans.map(({ name, attributes, events, status }) => ({
      name,
      attributes,
      events,
      status,
    })),
  )
  assert.match(spans, /"error\.type":"TypeError"/)
  assert.doesNotMatch(spans, /Injected|errors\.ts|fault/)
  assert.doesNotMatch(struck.headers.get('Server-Timing') ?? '', /fault|error/i)
})

test('nobody else starts or ends a fault in a game, and no attempt tells which one it is', async () => {
  const attempts = ['/faults/errors/stop', '/faults/latency/stop', '/faults/stop']
  const starts = ['/faults/errors', '/faults/latency', '/faults/blocked-loop']
  const answers = await Promise.all([...attempts, ...starts].map((path) => mara.post(path)))
  assert.deepEqual(
    [...new Set(answers.map(({ status, text }) => `${status} ${text}`))],
    ['409 {"error":"A game day is on. Only its own page ends it."}'],
  )
  assert.equal(await statusOf('/timeline'), 500)
})

test('it ends by its time, silently; a signal ends it, too', async () => {
  inSecret('1')
  await until('it has not ended', async () => (await statusOf('/timeline')) === 200)
  assert.deepEqual(
    finished().filter(({ name }) => name === 'faults.expire'),
    [],
  )
  inSecret('60')
  assert.equal(lab.endAll('signal'), 1)
  assert.equal(await statusOf('/timeline'), 200)
})

// The fault lab itself, with the simplest faults. Each fault has a test of its own.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'

import { until } from '../../test/fault-rig.ts'
import { endedSpans, startApp, told, type Someone, type TestApp } from '../../test/harness.ts'
import { createApp } from '../app.tsx'
import { readSettings } from '../config/env.ts'
import { handlerHooks } from '../http/handler-hook.ts'
import { cacheSwitch } from '../ui/fragment-cache.ts'
import { faults } from './list.ts'

let app: TestApp
let mara: Someone

before(async () => {
  app = await startApp()
  mara = await app.person('Mara')
})
after(() => app[Symbol.asyncDispose]())

type Listed = {
  faults: { name: string; active: { until: string; route: string | null; share: number } | null }[]
  warnings: string[]
}
const list = async () => JSON.parse((await mara.get('/faults')).text) as Listed
const activeNames = async () =>
  (await list()).faults.filter(({ active }) => active !== null).map(({ name }) => name)
const stopAll = () => mara.post('/faults/stop')

test('the list says of each fault all that somebody needs', async () => {
  const { faults: listed } = await list()
  assert.deepEqual(
    listed.map(({ name }) => name),
    faults.map(({ name }) => name),
  )
  for (const one of faults) {
    assert.match(one.name, /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/)
    for (const words of [one.title, one.does, one.moves, one.find, one.cure])
      assert.ok(words.length > 3, one.name)
    const { min, max, default: usual } = one.strength
    assert.ok(min <= usual && usual <= max, one.name)
  }
  const page = await mara.get('/faults', { as: 'browser' })
  for (const { name, refusal } of faults)
    assert.equal(page.text.includes(`action="/faults/${name}"`), refusal?.(app) === undefined, name)
})

test('a fault begins, says so on every page, and ends by hand', async () => {
  const quiet = await mara.get('/timeline', { as: 'browser' })
  assert.doesNotMatch(quiet.text, /Broken on purpose|faults\.[0-9a-f]+\.css/)
  const started = await mara.post('/faults/errors', { strength: '100', route: '/timeline' })
  assert.equal(told(started), '200 json')
  assert.ok((JSON.parse(started.text) as { until: number }).until > Date.now())
  assert.equal((await mara.get('/timeline')).status, 500)
  assert.equal((await mara.get('/favorites')).status, 200)
  assert.match(
    (await mara.get('/favorites', { as: 'browser' })).text,
    /Broken on purpose.*Errors.*\/timeline.*until/s,
  )
  assert.equal(
    told(await mara.post('/faults/errors/stop', undefined, { as: 'htmx' })),
    '200 partial',
  )
  assert.equal((await mara.get('/timeline')).status, 200)
  assert.doesNotMatch((await mara.get('/favorites', { as: 'browser' })).text, /Broken on purpose/)
  assert.equal(
    (await mara.post('/faults/errors/stop')).status,
    200,
    'to end it twice is no mistake',
  )
})

test('a fault ends by its time, and both its ends are events of spans', async () => {
  const started = await mara.post('/faults/errors', { seconds: '1', seed: '9', share: '0.5' })
  const since = performance.now()
  await until('the fault stays', async () => (await activeNames()).length === 0)
  assert.ok(performance.now() - since > 900, 'it ends too early')
  const eventOf = (spans: typeof started.spans) => spans.flatMap(({ events }) => events)[0]
  assert.equal(eventOf(started.spans)?.name, 'fault.started')
  assert.deepEqual(eventOf(started.spans)?.attributes, {
    'app.fault.name': 'errors',
    'app.fault.strength': 50,
    'app.fault.share': 0.5,
    'app.fault.seed': 9,
    'app.fault.seconds': 1,
    'app.fault.route': '/timeline',
  })
  const expired = eventOf(endedSpans('faults.expire'))
  assert.equal(expired?.name, 'fault.ended')
  assert.equal(expired?.attributes?.['app.fault.why'], 'time')
})

test('the same seed strikes the same requests, another one others', async () => {
  const struck = async (seed: string) => {
    await mara.post('/faults/errors', { strength: '100', share: '0.4', seed })
    const all: number[] = []
    for (let count = 0; count < 24; count++) all.push((await mara.get('/timeline')).status)
    await stopAll()
    return all.map((status) => (status === 500 ? 'x' : '.')).join('')
  }
  const [one, again, other] = [await struck('5'), await struck('5'), await struck('6')]
  assert.equal(one, again)
  assert.notEqual(one, other)
  assert.match(one, /x/)
  assert.match(one, /\./)
})

test('mistakes are a 422 with a sentence, and nothing begins', async () => {
  const wrong: [path: string, fields: Record<string, string>, says: RegExp][] = [
    ['/faults/nonsense', {}, /no fault of this name/],
    ['/faults/toString', {}, /no fault of this name/],
    ['/faults/nonsense/stop', {}, /no fault of this name/],
    ['/faults/errors', { strength: '0' }, /strength must be a whole number from 1 to 100/],
    ['/faults/errors', { strength: '101' }, /from 1 to 100/],
    ['/faults/errors', { strength: '1e1' }, /from 1 to 100/],
    ['/faults/errors', { strength: '-1' }, /from 1 to 100/],
    ['/faults/errors', { strength: 'NaN' }, /from 1 to 100/],
    ['/faults/errors', { share: '0' }, /share must be a number above 0/],
    ['/faults/errors', { share: '1.01' }, /share must be/],
    ['/faults/errors', { share: '.' }, /share must be/],
    ['/faults/errors', { seconds: '0' }, /seconds must be a whole number from 1 to 3600/],
    ['/faults/errors', { seconds: '3601' }, /from 1 to 3600/],
    ['/faults/errors', { seed: '4294967296' }, /seed must be/],
    ['/faults/errors', { route: '/nothing' }, /No route has this pattern/],
    ['/faults/errors', { route: 'PUT /timeline' }, /No route has this pattern/],
    ['/faults/errors', { route: 'timeline' }, /No route has this pattern/],
    ['/faults/errors', { route: '/(timeline|a+)+$' }, /No route has this pattern/],
    ['/faults/errors', { route: '/login' }, /never broken/],
    ['/faults/errors', { route: '/faults/*' }, /never broken/],
    ['/faults/errors', { route: '/traces' }, /never broken/],
    ['/faults/errors', { route: 'x'.repeat(201) }, /too long/],
    ['/faults/cache-off', { route: '/timeline' }, /takes no route/],
    ['/faults/cache-off', { share: '0.5' }, /takes no share/],
  ]
  for (const [path, fields, says] of wrong) {
    const answer = await mara.post(path, fields)
    const about = `${path} ${JSON.stringify(fields)}`
    assert.equal(told(answer), '422 json', about)
    assert.match(answer.text, says, about)
  }
  assert.deepEqual(await activeNames(), [])
  assert.equal(handlerHooks(), 0)
  for (const as of ['browser', 'htmx'] as const)
    assert.equal((await mara.post('/faults/errors', { share: '2' }, { as })).status, 422)
})

test('a pattern with a star or a method strikes what it names and never the way out', async () => {
  await mara.post('/faults/errors', { strength: '100', route: '*' })
  assert.equal((await mara.get('/timeline')).status, 500)
  assert.equal((await mara.get('/')).status, 500)
  for (const path of ['/faults', '/livez', '/readyz', '/login', '/traces/guide', '/static/app.css'])
    assert.ok((await app.visitor().get(path)).status < 400, path)
  assert.equal((await app.visitor().get('/logout', { as: 'browser' })).status, 200)
  await mara.post('/faults/errors', { strength: '100', route: 'POST /favorite/:id' })
  assert.equal((await mara.post('/favorite/1')).status, 500)
  const post = await mara.tweet('a post to like')
  assert.equal((await mara.post(`/unfavorite/${post}`)).status, 200)
  assert.equal((await mara.get('/timeline')).status, 200, 'another pattern replaces the first one')
  await mara.post('/faults/errors', { strength: '100', route: '/:handle' })
  assert.equal((await mara.get('/@mara')).status, 500)
  await stopAll()
})

test('three faults at once and no fourth; two that hide each other say so', async (t) => {
  t.after(stopAll)
  const [first, second, third, fourth] = ['errors', 'latency', 'cache-off', 'slow-render']
  for (const name of [first, second, third])
    assert.equal((await mara.post(`/faults/${name}`, { strength: '1' })).status, 200)
  assert.match((await list()).warnings[0]!, /Errors and Latency hide each other/)
  assert.match((await mara.get('/faults', { as: 'browser' })).text, /hide each other/)
  const refused = await mara.post(`/faults/${fourth}`)
  assert.equal(refused.status, 422)
  assert.match(refused.text, /3 faults are active/)
  assert.equal((await mara.post(`/faults/${first}`, { strength: '2' })).status, 200, 'anew')
  assert.equal((await mara.post('/faults/stop')).text, '{"success":true,"ended":3}')
  assert.deepEqual(await activeNames(), [])
})

test('off, the middleware and the database client are the very objects of FAULTS=0', async () => {
  const { database } = app
  const state = { stopping: false }
  const without = readSettings({ DATABASE_URL: app.url, FAULTS: '0' })
  const off = createApp({ database, state, settings: without })
  const on = createApp({ database, state, settings: app.settings })
  const known = on.routes.filter(({ path }) => !path.startsWith('/faults'))
  assert.equal(known.length, off.routes.length)
  const own: string[] = []
  for (const [index, { method, path, handler }] of off.routes.entries()) {
    const other = known[index]!
    assert.deepEqual([other.method, other.path], [method, path])
    // What an app makes for its own settings is another object in each app, but of the same code.
    if (other.handler !== handler) own.push(method)
    assert.equal(other.handler.toString(), handler.toString())
  }
  assert.ok(own.length < off.routes.length / 4, `${own.length} handlers of its own`)
  const { db } = database
  await mara.post('/faults/cache-off')
  await mara.post('/faults/latency', { strength: '1' })
  assert.equal(handlerHooks(), 1)
  await stopAll()
  assert.equal(handlerHooks(), 0)
  assert.equal(cacheSwitch.misses, undefined)
  assert.equal(database.db, db)
})

test('with FAULTS=0 there is no fault lab', async () => {
  const settings = readSettings({ DATABASE_URL: app.url, FAULTS: '0' })
  const off = createApp({ database: app.database, settings, state: { stopping: false } })
  for (const [method, path] of [
    ['GET', '/faults'],
    ['POST', '/faults/stop'],
    ['POST', '/faults/errors'],
    ['POST', '/faults/errors/stop'],
  ]) {
    const answer = await off.request(`http://localhost:5000${path}`, { method: method! })
    assert.equal(answer.status, 404, path)
  }
})

test('a fault of one app does not strike another one', async () => {
  await using other = await startApp()
  await mara.post('/faults/errors', { strength: '100', route: '*' })
  const answer = await other.visitor().get('/', { as: 'browser' })
  await stopAll()
  assert.equal(answer.status, 200)
  assert.doesNotMatch(answer.text, /Broken on purpose/)
})

test('docs/faults.md has a row for each fault, with its strength', () => {
  const page = readFileSync(new URL('../../docs/faults.md', import.meta.url), 'utf8')
  const cells = page
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    )
  const expected = faults.map(({ name, kind, does, strength, takesRoute }) => [
    `\`${name}\``,
    kind,
    does,
    `${strength.what.toLowerCase()}: ${strength.min} to ${strength.max} ${strength.unit} (${strength.default})`,
    takesRoute ? 'yes' : '',
  ])
  assert.deepEqual(cells, expected)
})

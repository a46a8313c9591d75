// Who may see faults, and who may start and end them.
import assert from 'node:assert/strict'
import test from 'node:test'

import { startApp, told, type Someone } from '../../test/harness.ts'
import { readSettings } from '../config/env.ts'

const stop = (who: Someone, headers: Record<string, string> = {}) =>
  who.post('/faults/stop', undefined, { headers })

test('in a demo on one’s own machine, who sits at it may, under its own names and through no proxy', async () => {
  await using app = await startApp()
  const visitor = app.visitor()
  for (const Host of ['localhost', 'localhost:5000', '127.0.0.1:5000', '[::1]:5000', 'LOCALHOST'])
    assert.equal((await stop(visitor, { Host })).status, 200, Host)
  for (const Host of [
    'evil.example',
    'evil.example:5000',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '127.0.0.2.nip.example:5000',
    'localhost:5000.evil.example',
    '10.0.0.7:5000',
  ])
    for (const more of [{}, { Origin: `http://${Host}` }, { 'Sec-Fetch-Site': 'same-origin' }])
      assert.equal((await stop(visitor, { Host, ...more })).status, 403, Host)
  for (const header of [
    'Forwarded',
    'X-Forwarded-For',
    'X-Forwarded-Proto',
    'X-Forwarded-Host',
    'X-Forwarded-Anything',
    'X-Real-IP',
    'Via',
  ])
    assert.equal((await stop(visitor, { [header]: '127.0.0.1' })).status, 403, header)
  assert.equal(told(await visitor.get('/faults', { headers: { Via: '1.1 proxy' } })), '200 json')
  const seen = await visitor.get('/faults', { as: 'browser', headers: { Via: '1.1 proxy' } })
  assert.doesNotMatch(seen.text, /action="\/faults/, 'who may not switch sees no forms')
})

test('a page of another site cannot switch, wherever the browser sits', async () => {
  await using app = await startApp()
  for (const headers of [
    { Origin: 'https://evil.example' },
    { Origin: 'http://localhost:3000' },
    { Origin: 'null' },
    { 'Sec-Fetch-Site': 'cross-site' },
    { 'Sec-Fetch-Site': 'same-site' },
  ])
    for (const path of ['/faults/stop', '/faults/errors', '/faults/errors/stop']) {
      const form = { 'Content-Type': 'application/x-www-form-urlencoded' }
      const body = 'strength=100'
      const answer = await app
        .visitor()
        .send(path, { method: 'POST', body }, { headers: { ...form, ...headers } })
      assert.equal(answer.status, 403, `${path} ${JSON.stringify(headers)}`)
    }
  const { text } = await app.visitor().get('/faults')
  assert.doesNotMatch(text, /"until"/)
})

test('beyond one’s own machine only operators may, and the token', async () => {
  for (const env of [
    { DEMO: '0', FAULTS: '1' },
    { DEMO: '1', FAULTS: '1', HOST: '0.0.0.0' },
    { DEMO: '1', FAULTS: '1', PUBLIC_ORIGIN: 'http://localhost:5000' },
  ] as Record<string, string>[]) {
    await using app = await startApp({ ...env, OPERATORS: 'ola@example.org' })
    const [ola, mara] = [await app.person('Ola'), await app.person('Mara')]
    for (const who of [app.visitor(), mara]) {
      assert.equal((await stop(who)).status, 403, JSON.stringify(env))
      assert.equal((await who.post('/faults/errors')).status, 403)
      assert.equal((await stop(who, { Authorization: 'Bearer ' })).status, 403)
      assert.equal((await stop(who, { Authorization: 'Bearer nonsense' })).status, 403)
      assert.equal((await who.get('/faults')).status, env['DEMO'] === '0' ? 403 : 200)
    }
    assert.equal((await stop(ola)).status, 200)
    assert.equal((await ola.post('/faults/cache-off')).status, 200)
    const page = await mara.get('/timeline', { as: 'browser' })
    assert.match(page.text, /Broken on purpose/)
    assert.doesNotMatch(page.text, /action="\/faults\/stop"/)
    if (env['DEMO'] === '0') assert.doesNotMatch(page.text, /Cache off/)
    await stop(ola)
    assert.equal((await ola.get('/faults', { as: 'browser' })).status, 200)
  }
})

test('FAULTS: on by default only for a demo that only this machine reaches; elsewhere it needs operators', () => {
  const on = (env: Record<string, string>) => readSettings(env).faults
  assert.equal(on({}), true)
  assert.equal(on({ HOST: 'localhost' }), true)
  assert.equal(on({ HOST: '::1' }), true)
  assert.equal(on({ FAULTS: '0' }), false)
  assert.equal(on({ DEMO: '0' }), false)
  assert.equal(on({ HOST: '0.0.0.0' }), false)
  assert.equal(on({ HOST: '127.evil.example' }), false)
  assert.equal(on({ PUBLIC_ORIGIN: 'http://localhost:5000' }), false)
  assert.equal(on({ HOST: '0.0.0.0', FAULTS: '1' }), true)
  for (const env of [{ DEMO: '0' }, { PUBLIC_ORIGIN: 'https://a.example', DEMO: '1' }]) {
    assert.throws(() => on({ ...env, FAULTS: '1' }), /OPERATORS is empty/)
    assert.equal(on({ ...env, FAULTS: '1', OPERATORS: 'ola@example.org' }), true)
  }
  assert.throws(() => on({ FAULTS: 'yes' }), /FAULTS is "yes", but it accepts "1" or "0"/)
})

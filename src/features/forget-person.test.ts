import assert from 'node:assert/strict'
import test from 'node:test'

import { startApp } from '../../test/harness.ts'

test('a deleted person is suggested to nobody, at once', async () => {
  await using app = await startApp()
  // No page is asked for before all are there: the column is read at the first one.
  const [alice, zora, yuri] = [app.visitor(), app.visitor(), app.visitor()]
  for (const [who, name] of [
    [alice, 'Alice'],
    [zora, 'Zora'],
    [yuri, 'Yuri'],
  ] as const)
    await who.post('/register', {
      name,
      mailaddress: `${name}@example.org`,
      password: name.repeat(3),
    })
  const column = async () =>
    /<section class="card who-to-follow"[^]*?<\/section>/.exec(
      (await alice.get('/everybody', { as: 'browser' })).text,
    )?.[0] ?? ''
  assert.match(await column(), /Zora|Yuri/)
  assert.equal((await zora.post('/account/delete', { farewell: 'ZoraZoraZora' })).status, 200)
  assert.doesNotMatch(await column(), /Zora/)
  assert.match(await column(), /Yuri/)
})

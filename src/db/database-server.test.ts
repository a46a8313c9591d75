import assert from 'node:assert/strict'
import test from 'node:test'

import { startApp } from '../../test/harness.ts'

test(
  'two hundred people who write at the same time do not stop a libSQL server',
  { skip: process.env['TEST_DATABASE'] !== 'server' && 'a file has its own test' },
  async () => {
    await using app = await startApp({ MAX_IN_FLIGHT: '500' })
    const people = [await app.person('Alice'), await app.person('Bob')]
    const posts = Array.from({ length: 200 }, (_, n) =>
      people[n % 2]!.post('/tweet', { msg: `goose ${n}` }),
    )
    const statuses = (await Promise.all(posts)).map(({ status }) => status)
    assert.deepEqual(new Set(statuses), new Set([200]))
    assert.equal((await app.visitor().get('/readyz')).status, 200)
    assert.match((await people[0]!.get('/@alice')).text, /goose/)
  },
)
